//! The figures, as Markdown tables.

use std::time::Duration;

use serde_json::Value;

use crate::run::Cost;

/// One measured operation.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    pub wall: Duration,
    pub cpu: Duration,
    pub rss: u64,
    pub round_trips: Option<u64>,
    pub bytes_up: Option<u64>,
    pub bytes_down: Option<u64>,
}

/// What is measured at one size.
#[derive(Debug, Default)]
pub struct Figures {
    pub upload: Figure,
    pub upload_rtt20: Option<Figure>,
    pub download: Figure,
    pub nothing: Figure,
    pub ten: Figure,
}

pub struct Row {
    who: &'static str,
    size: usize,
    figures: Figures,
}

impl Row {
    pub fn new(who: &'static str, size: usize, figures: Figures) -> Self {
        Self { who, size, figures }
    }
}

impl Figure {
    /// Time and memory, and the traffic that the program told on stdout, if it did.
    pub fn of(cost: &Cost) -> Self {
        let told: Value = serde_json::from_str(&cost.stdout).unwrap_or_default();
        Self {
            wall: cost.wall,
            cpu: cost.cpu,
            rss: cost.rss,
            round_trips: told["round_trips"].as_u64(),
            bytes_up: told["bytes_up"].as_u64(),
            bytes_down: told["bytes_down"].as_u64(),
        }
    }

    /// The lesser of two runs' times; counts do not vary.
    pub fn least(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            rss: self.rss.min(other.rss),
            ..other
        }
    }
}

pub fn print(rows: &[Row]) {
    println!(
        "\n| first upload | N | wall | client CPU | wall, RTT20 | RSS | bytes up | bytes down | round trips |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for Row { who, size, figures } in rows {
        let f = &figures.upload;
        let delayed = figures.upload_rtt20.as_ref().map_or_else(|| "–".to_owned(), |f| time(f.wall));
        println!(
            "| {who} | {size} | {} | {} | {delayed} | {} | {} | {} | {} |",
            time(f.wall),
            time(f.cpu),
            size_of(Some(f.rss)),
            size_of(f.bytes_up),
            size_of(f.bytes_down),
            count(f.round_trips)
        );
    }
    println!(
        "\n| N stored | second device, all: wall / CPU / RSS | nothing changed: wall / CPU / bytes / round trips | 10 changed: wall / CPU / bytes / round trips |"
    );
    println!("| --- | --- | --- | --- |");
    for Row { who, size, figures } in rows {
        let d = &figures.download;
        println!(
            "| {who}, {size} | {} / {} / {} | {} | {} |",
            time(d.wall),
            time(d.cpu),
            size_of(Some(d.rss)),
            small(&figures.nothing),
            small(&figures.ten)
        );
    }
}

fn small(f: &Figure) -> String {
    let bytes = f.bytes_up.zip(f.bytes_down).map(|(up, down)| up + down);
    format!("{} / {} / {} / {}", time(f.wall), time(f.cpu), size_of(bytes), count(f.round_trips))
}

pub fn time(t: Duration) -> String {
    match t.as_secs_f64() {
        s if s >= 0.1 => format!("{s:.2} s"),
        s => format!("{:.1} ms", s * 1e3),
    }
}

fn count(n: Option<u64>) -> String {
    n.map_or_else(|| "–".to_owned(), |n| n.to_string())
}

pub fn size_of(bytes: Option<u64>) -> String {
    match bytes {
        None => "–".to_owned(),
        Some(n) if n >= 1 << 20 => format!("{:.1} MB", n as f64 / 1e6),
        Some(n) => format!("{:.1} KB", n as f64 / 1e3),
    }
}
