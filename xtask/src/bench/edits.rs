//! `orkee projects edit` in a loop, alone and while a sync of many records is under way on the same device: how long it waits.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::figure::time;
use super::orkee::Bench;
use crate::projects;
use crate::run::{self, Error};
use crate::setup::Binaries;

/// Edits of the loop that nothing disturbs.
const ALONE: usize = 200;

/// One loop.
pub struct Edits {
    beside: String,
    walls: Vec<Duration>,
    /// The longest that the store says a transaction waited for others.
    pub waited: Duration,
}

pub struct Loops(pub Vec<Edits>);

pub fn measure(binaries: &Binaries, size: usize) -> Result<Loops, Error> {
    let bench = Bench::start(binaries, Duration::ZERO)?;
    bench.import(projects::made_up(1).take(size))?;
    let mut loops = Vec::new();
    for (device, what) in [("first", "first upload"), ("second", "second device's download")] {
        let mine = added(&bench, device)?;
        bench.warm_up(device)?;
        if loops.is_empty() {
            let mut left = ALONE;
            loops.push(edits(&bench, device, &mine, "nothing", || {
                left -= 1;
                Ok(left > 0)
            })?);
        }
        let mut sync = bench.orkee(device);
        let mut sync = sync.args(["cloud", "sync", "--json"]).stdout(Stdio::null()).spawn()?;
        loops.push(edits(&bench, device, &mine, &format!("{what} of {size}"), || is_running(&mut sync))?);
    }
    Ok(Loops(loops))
}

fn added(bench: &Bench<'_>, device: &str) -> Result<String, Error> {
    let mut add = bench.orkee(device);
    let added = run::quietly(add.args(["projects", "add", "--name", "mine", "--json"]))?;
    let added: Value = serde_json::from_str(&added)?;
    Ok(added["project"]["id"].as_str().ok_or("no id is told")?.to_owned())
}

fn is_running(sync: &mut Child) -> Result<bool, Error> {
    match sync.try_wait()? {
        None => Ok(true),
        Some(status) if status.success() => Ok(false),
        Some(status) => Err(format!("the sync ended with {status}").into()),
    }
}

fn edits(
    bench: &Bench<'_>,
    device: &str,
    id: &str,
    beside: &str,
    mut go_on: impl FnMut() -> Result<bool, Error>,
) -> Result<Edits, Error> {
    let mut edits = Edits { beside: beside.to_owned(), walls: Vec::new(), waited: Duration::ZERO };
    while go_on()? {
        let text = format!("edit {}", edits.walls.len());
        let mut edit = bench.orkee(device);
        edit.args(["projects", "edit", id, "--description", &text]).env("RUST_LOG", "orkee::store=debug");
        let begun = Instant::now();
        let output = edit.output()?;
        edits.walls.push(begun.elapsed());
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("an edit failed: {said}").into());
        }
        edits.waited = run::logged(&said, "waited_us").fold(edits.waited, Duration::max);
    }
    edits.walls.sort_unstable();
    Ok(edits)
}

impl Edits {
    fn longest(&self) -> Duration {
        self.walls.last().copied().unwrap_or_default()
    }

    fn median(&self) -> Duration {
        self.walls.get(self.walls.len() / 2).copied().unwrap_or_default()
    }
}

impl Loops {
    pub fn print(&self) {
        println!("\n| `orkee projects edit` in a loop, beside | edits | median | longest | longest wait |");
        println!("| --- | --- | --- | --- | --- |");
        for edits in &self.0 {
            let Edits { beside, walls, waited } = edits;
            let (median, longest) = (time(edits.median()), time(edits.longest()));
            println!("| {beside} | {} | {median} | {longest} | {} |", walls.len(), time(*waited));
        }
    }

    /// The longest that an edit waited for a sync.
    pub fn longest_wait(&self) -> Duration {
        self.0.iter().skip(1).map(|edits| edits.waited).max().unwrap_or_default()
    }
}
