//! What is aimed at, and what was reached, computed from the figures. What is not reached stands in bold.

use std::time::Duration;

use super::edits::Loops;
use super::figure::{Figure, Figures, Row, size_of, time};
use super::orkee::Shares;
use super::sealed::Sealed;
use super::start_up::StartUp;
use super::webhooks::Webhooks;

pub struct Measured {
    pub rows: Vec<Row>,
    pub share: Shares,
    pub start_up: StartUp,
    pub edits: Loops,
    pub webhooks: Webhooks,
}

/// One figure beside its aim: how it is written, and whether it is reached; none where nothing was measured.
pub type Reached = Option<(String, bool)>;

/// What is aimed at, in words, and each figure beside it.
pub type Aim = (&'static str, &'static str, Vec<Reached>);

pub fn print(aims: &[Aim]) {
    println!("\nIn bold: not reached.\n\n| what | aim | reached |\n| --- | --- | --- |");
    for (what, aim, reached) in aims {
        let shown = reached.iter().map(|reached| match reached {
            None => "–".to_owned(),
            Some((text, true)) => text.clone(),
            Some((text, false)) => format!("**{text}**"),
        });
        println!("| {what} | {aim} | {} |", shown.collect::<Vec<_>>().join("; "));
    }
}

/// What a sealed account may cost beside a plain one.
pub fn of_sealed(m: &Sealed) -> Vec<Aim> {
    let cpu = |of: fn(&Figures) -> &Figure| m.ratio(|figures| of(figures).cpu.as_secs_f64());
    let bytes = m.ratio(|figures| figures.upload.bytes().unwrap_or_default() as f64);
    let trips = |figure: &Figure, most| at_most(figure.round_trips.unwrap_or(u64::MAX), most);
    vec![
        (
            "sealed against plain: first upload of 10,000",
            "client CPU ≤ 1.4 ×; bytes ≤ 2 ×",
            vec![Some(times(cpu(|f| &f.upload), 1.4)), Some(times(bytes, 2.0))],
        ),
        (
            "sealed against plain: second device, 10,000",
            "client CPU ≤ 1.4 ×",
            vec![Some(times(cpu(|f| &f.download), 1.4))],
        ),
        (
            "sealed: 10 changed",
            "≤ 3 ms more than plain; ≤ 2 round trips",
            vec![Some(duration(m.surcharge(), 3)), Some(trips(m.ten(), 2))],
        ),
        (
            "sealed: nothing changed",
            "1 round trip; < 1 KB; ≤ 12 ms CPU",
            vec![
                Some(trips(m.nothing(), 1)),
                m.nothing().bytes().map(|n| (size_of(Some(n)), n <= 1_000)),
                Some(duration(m.nothing().cpu, 12)),
            ],
        ),
    ]
}

pub fn table(m: &Measured) -> Vec<Aim> {
    let upload = |f: &Figures| f.upload.clone();
    let download = |f: &Figures| f.download.clone();
    vec![
        (
            "first upload of 10,000",
            "≤ 2 × the floor's CPU; ≤ 25 round trips; bytes ≤ 1.3 × zstd-3 of the same batches; ≤ 32 MB; RTT20 ≤ 1.2 s",
            vec![
                m.against_floor(10_000, upload, |f| f.cpu.as_secs_f64(), 2.0),
                m.at(10_000, upload).map(|f| at_most(f.round_trips.unwrap_or(u64::MAX), 25)),
                m.against_floor(10_000, upload, |f| f.bytes_up.unwrap_or_default() as f64, 1.3),
                m.at(10_000, upload).map(|f| memory(&f, 32)),
                m.row("orkee", 10_000).map(|row| duration(row.delayed.upload.wall, 1200)),
            ],
        ),
        (
            "first upload of 100,000 against 10,000",
            "client CPU ≤ 12 ×; server CPU ≤ 12 ×; ≤ 64 MB",
            m.growth(upload),
        ),
        (
            "second device, 100,000 against 10,000",
            "client CPU ≤ 12 ×; server CPU ≤ 12 ×; ≤ 64 MB",
            m.growth(download),
        ),
        (
            "second device, 10,000",
            "≤ 2 × the floor's CPU",
            vec![m.against_floor(10_000, download, |f| f.cpu.as_secs_f64(), 2.0)],
        ),
        (
            "nothing changed, at each size",
            "1 round trip; < 1 KB; ≤ 12 ms CPU",
            m.at_each_size(|f| &f.nothing, 1, 1_000, 12),
        ),
        (
            "10 changed, at each size",
            "≤ 2 round trips; ≤ 10 KB; ≤ 15 ms CPU; ≤ 1.3 × between the smallest and the largest",
            m.at_each_size(|f| &f.ten, 2, 10_000, 15).into_iter().chain([m.spread(|f| &f.ten)]).collect(),
        ),
        (
            "the provider",
            "loaded in ≤ 2 ms; ≤ 10 % of an upload's CPU, and of a download's",
            vec![
                Some(duration(m.start_up.load, 2)),
                Some(percent(m.share.upload.percent(), 10.0)),
                Some(percent(m.share.download.percent(), 10.0)),
            ],
        ),
        (
            "`--version` · `projects list` of 10,000",
            "≤ 3 ms · ≤ 60 ms; ≤ 40 MB",
            vec![
                Some(duration(m.start_up.version.wall, 3)),
                Some(duration(m.start_up.list.wall, 60)),
                Some(memory(&m.start_up.list, 40)),
            ],
        ),
        (
            "a command while another syncs",
            "never waits more than 50 ms",
            vec![Some(duration(m.edits.longest_wait(), 50))],
        ),
        (
            "10,000 queued webhook events",
            "≥ 500 a second; ≤ 64 MB; ≤ 64 files",
            vec![
                Some((format!("{:.0}", m.webhooks.rate()), m.webhooks.rate() >= 500.0)),
                Some(memory(m.webhooks.figure(), 64)),
                Some(at_most(m.webhooks.files() as u64, 64)),
            ],
        ),
        (
            "a command that starts sending in the background",
            "≤ 5 ms more",
            vec![Some(duration(m.webhooks.surcharge(), 5))],
        ),
    ]
}

impl Measured {
    fn row(&self, who: &str, size: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.who == who && row.size == size)
    }

    fn at(&self, size: usize, of: impl Fn(&Figures) -> Figure) -> Option<Figure> {
        self.row("orkee", size).map(|row| of(&row.direct))
    }

    fn against_floor(
        &self,
        size: usize,
        of: impl Fn(&Figures) -> Figure,
        figure: impl Fn(&Figure) -> f64,
        most: f64,
    ) -> Reached {
        let floor = self.row("floor", size).map(|row| of(&row.direct))?;
        Some(times(figure(&self.at(size, of)?) / figure(&floor), most))
    }

    /// CPU on both ends at 100,000 as a multiple of that at 10,000, and memory at 100,000.
    fn growth(&self, of: impl Fn(&Figures) -> Figure) -> Vec<Reached> {
        let (Some(few), Some(many)) = (self.at(10_000, &of), self.at(100_000, &of)) else {
            return vec![None];
        };
        let ratio = |of: fn(&Figure) -> Duration| of(&many).as_secs_f64() / of(&few).as_secs_f64();
        let ratios = [ratio(|f| f.cpu), ratio(|f| f.server_cpu)];
        ratios.map(|ratio| Some(times(ratio, 12.0))).into_iter().chain([Some(memory(&many, 64))]).collect()
    }

    /// The most of round trips, of bytes, and each size's CPU.
    fn at_each_size(
        &self,
        of: impl Fn(&Figures) -> &Figure,
        trips: u64,
        bytes: u64,
        millis: u64,
    ) -> Vec<Reached> {
        let ours: Vec<&Figure> = self.ours().map(|row| of(&row.direct)).collect();
        let most = |of: fn(&Figure) -> Option<u64>| ours.iter().filter_map(|f| of(f)).max();
        let most_trips = most(|f| f.round_trips).map(|n| at_most(n, trips));
        let most_bytes = most(Figure::bytes).map(|n| (size_of(Some(n)), n <= bytes));
        let cpu = ours.iter().map(|f| Some(duration(f.cpu, millis)));
        [most_trips, most_bytes].into_iter().chain(cpu).collect()
    }

    /// The largest size's CPU as a multiple of the smallest's.
    fn spread(&self, of: impl Fn(&Figures) -> &Figure) -> Reached {
        let cpu = |row: &Row| of(&row.direct).cpu.as_secs_f64();
        Some(times(self.ours().last().map(cpu)? / self.ours().next().map(cpu)?, 1.3))
    }

    fn ours(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.who == "orkee")
    }
}

fn times(ratio: f64, most: f64) -> (String, bool) {
    // Written and judged with the same digits.
    let ratio = (ratio * 100.0).round() / 100.0;
    (format!("{ratio:.2} ×"), ratio <= most)
}

fn percent(share: f64, most: f64) -> (String, bool) {
    (format!("{share:.1} %"), share <= most)
}

fn at_most(n: u64, most: u64) -> (String, bool) {
    (n.to_string(), n <= most)
}

fn memory(figure: &Figure, most: u64) -> (String, bool) {
    (size_of(Some(figure.rss)), figure.rss <= most * 1_000_000)
}

fn duration(t: Duration, most_millis: u64) -> (String, bool) {
    (time(t), t <= Duration::from_millis(most_millis))
}
