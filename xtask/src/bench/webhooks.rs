//! What it costs to send queued events to a local receiver, and what a command pays for the drain that it starts.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::figure::{Figure, size_of, time};
use super::orkee::Bench;
use super::sink::Sink;
use crate::projects;
use crate::run::{self, Error};
use crate::setup::Binaries;

/// Events of the queue.
const EVENTS: usize = 10_000;
/// Edits of each loop.
const EDITS: usize = 100;

pub struct Webhooks {
    drain: Figure,
    /// Open at once.
    files: usize,
    /// The median of an edit without an endpoint, and with one that is told of it in the background.
    edit: Duration,
    told: Duration,
}

pub fn measure(binaries: &Binaries) -> Result<Webhooks, Error> {
    let bench = Bench::start(binaries, Duration::ZERO)?;
    let sink = Sink::start()?;
    add(&bench, "first", &sink)?;
    // The dispatcher is compiled once for a home folder.
    drain(&bench)?;
    bench.import(projects::made_up(1).take(EVENTS))?;
    let before = sink.received();
    let mut files = 0;
    let mut command = bench.orkee("first");
    command.args(["cloud", "webhook", "drain", "--json"]);
    let cost = run::watched(&mut command, |process| files = files.max(open_files(process)))?;
    let arrived = sink.received() - before;
    if !cost.status.success() || arrived != EVENTS {
        return Err(format!("{arrived} of {EVENTS} events arrived: {}", cost.stdout).into());
    }
    let (edit, told) = (edits(&bench, "alone", None)?, edits(&bench, "told", Some(&sink))?);
    Ok(Webhooks { drain: Figure::of(&cost), files, edit, told })
}

fn add(bench: &Bench<'_>, device: &str, sink: &Sink) -> Result<(), Error> {
    let mut add = bench.orkee(device);
    add.args(["cloud", "webhook", "add", &sink.url, "--local", "--allow-insecure-loopback"]);
    run::quietly(&mut add)?;
    Ok(())
}

fn drain(bench: &Bench<'_>) -> Result<(), Error> {
    run::quietly(bench.orkee("first").args(["projects", "add", "--name", "warm"]))?;
    run::quietly(bench.orkee("first").args(["cloud", "webhook", "drain"]))?;
    Ok(())
}

/// The median of edits on a device of its own.
fn edits(bench: &Bench<'_>, device: &str, sink: Option<&Sink>) -> Result<Duration, Error> {
    let added = run::quietly(bench.orkee(device).args(["projects", "add", "--name", "mine", "--json"]))?;
    let added: Value = serde_json::from_str(&added)?;
    let id = added["project"]["id"].as_str().ok_or("no id is told")?.to_owned();
    if let Some(sink) = sink {
        add(bench, device, sink)?;
    }
    let mut walls = Vec::new();
    for n in 0..EDITS {
        let mut edit = bench.orkee(device);
        edit.args(["projects", "edit", &id, "--description", &format!("edit {n}")]);
        if sink.is_some() {
            edit.env_remove("ORKEE_WEBHOOK_DRAIN");
        }
        let begun = Instant::now();
        run::quietly(&mut edit)?;
        walls.push(begun.elapsed());
    }
    walls.sort_unstable();
    Ok(walls[EDITS / 2])
}

fn open_files(process: u32) -> usize {
    std::fs::read_dir(PathBuf::from(format!("/proc/{process}/fd"))).map_or(0, Iterator::count)
}

impl Webhooks {
    /// Events a second, from the beginning of the process to its end.
    pub fn rate(&self) -> f64 {
        EVENTS as f64 / self.drain.wall.as_secs_f64()
    }

    pub fn figure(&self) -> &Figure {
        &self.drain
    }

    pub fn files(&self) -> usize {
        self.files
    }

    /// What a command pays for being told of in the background.
    pub fn surcharge(&self) -> Duration {
        self.told.saturating_sub(self.edit)
    }

    pub fn print(&self) {
        let Self { drain, files, edit, told } = self;
        println!(
            "\n| webhooks, {EVENTS} queued events to a local receiver | wall | a second | CPU | RSS | files |"
        );
        println!("| --- | --- | --- | --- | --- | --- |");
        let (wall, cpu, rss) = (time(drain.wall), time(drain.cpu), size_of(Some(drain.rss)));
        println!("| orkee cloud webhook drain | {wall} | {:.0} | {cpu} | {rss} | {files} |", self.rate());
        println!("\n| orkee projects edit, median of {EDITS} | |\n| --- | --- |");
        println!("| without an endpoint | {} |", time(*edit));
        println!("| with one, sent in the background | {} |", time(*told));
    }
}
