//! What a command costs before it does anything.

use std::time::Duration;

use super::REPEATS;
use super::figure::{Figure, size_of, time};
use super::orkee::Bench;
use crate::projects;
use crate::run::{self, Error};
use crate::setup::Binaries;

pub struct StartUp {
    pub version: Figure,
    pub list: Figure,
    json: Figure,
    pub load: Duration,
}

pub fn measure(binaries: &Binaries) -> Result<StartUp, Error> {
    let bench = Bench::start(binaries, Duration::ZERO)?;
    bench.import(projects::made_up(2).take(10_000))?;
    let cost = |args: &[&str]| {
        Figure::least(REPEATS, |_| Ok(Figure::of(&run::measured(bench.orkee("first").args(args))?)))
    };
    bench.warm_up("idle")?;
    let mut load = provider_load(&bench)?;
    for _ in 1..2 * REPEATS {
        load = load.min(provider_load(&bench)?);
    }
    Ok(StartUp {
        version: cost(&["--version"])?,
        list: cost(&["projects", "list"])?,
        json: cost(&["projects", "list", "--json"])?,
        load,
    })
}

/// What the host says that loading took, from no engine to a provider that can be asked.
fn provider_load(bench: &Bench<'_>) -> Result<Duration, Error> {
    let mut command = bench.orkee("idle");
    command.args(["cloud", "list", "--limit", "1"]).env("RUST_LOG", "orkee::cloud=debug");
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    run::logged(&said, "load_us").next().ok_or_else(|| format!("no load_us is told: {said}").into())
}

impl StartUp {
    pub fn print(&self) {
        println!("\n| start-up | wall | CPU | RSS |\n| --- | --- | --- | --- |");
        let figures = [
            ("orkee --version", &self.version),
            ("orkee projects list, 10000", &self.list),
            ("orkee projects list --json, 10000", &self.json),
        ];
        for (what, f) in figures {
            println!("| {what} | {} | {} | {} |", time(f.wall), time(f.cpu), size_of(Some(f.rss)));
        }
        println!("| loading the provider, compiled form cached | {} | | |", time(self.load));
    }
}
