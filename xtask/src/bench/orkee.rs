//! The real `orkee`, its WASM provider and the real server.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::REPEATS;
use super::table::{self, Figure, Figures};
use crate::projects;
use crate::run::{self, Error};
use crate::sandbox::Sandbox;
use crate::setup::Binaries;

/// Each way, for a round trip of 20 ms.
const HALF_OF_RTT20: Duration = Duration::from_millis(10);
/// The size whose upload is also measured with a delay.
const DELAYED_SIZE: usize = 10_000;

pub fn measure(binaries: &Binaries, size: usize) -> Result<Figures, Error> {
    let bench = Bench::start(binaries, Duration::ZERO)?;
    bench.import(projects::made_up(1).take(size))?;
    let upload = bench.sync_in("first")?;
    let download = bench.sync_in("second")?;
    let mut nothing = bench.sync_in("first")?;
    for _ in 1..REPEATS {
        nothing = nothing.least(bench.sync_in("first")?);
    }
    let mut ten = None;
    for round in 0..3 {
        bench.import(ten_changed(round))?;
        let figure = bench.sync_in("first")?;
        ten = Some(ten.map_or(figure.clone(), |least: Figure| least.least(figure)));
    }
    let upload_rtt20 = match size {
        DELAYED_SIZE => {
            let delayed = Bench::start(binaries, HALF_OF_RTT20)?;
            delayed.import(projects::made_up(1).take(size))?;
            Some(delayed.sync_in("first")?)
        }
        _ => None,
    };
    Ok(Figures { upload, upload_rtt20, download, nothing, ten: ten.unwrap_or_default() })
}

/// A sandbox whose devices use an API token.
struct Bench<'a> {
    sandbox: Sandbox<'a>,
    token: String,
    url: String,
}

impl<'a> Bench<'a> {
    fn start(binaries: &'a Binaries, one_way: Duration) -> Result<Self, Error> {
        let sandbox = Sandbox::start(binaries, one_way)?;
        let url = if one_way.is_zero() { sandbox.direct.clone() } else { sandbox.proxy.url() };
        Ok(Self { token: sandbox.token()?, url, sandbox })
    }

    fn orkee(&self, device: &str) -> Command {
        let mut command = self.sandbox.orkee(device);
        command.env("ORKEE_CLOUD_API_URL", &self.url).env("ORKEE_CLOUD_TOKEN", &self.token);
        // One cache of compiled components for all devices, as on a machine that has synced before.
        command
    }

    fn import(&self, import: impl Iterator<Item = Value>) -> Result<(), Error> {
        let file = self.sandbox.folder.path().join("import.json");
        projects::write_export(&file, import)?;
        run::quietly(
            self.orkee("first").args(["projects", "import", "--on-conflict", "replace"]).arg(&file),
        )?;
        Ok(())
    }

    fn sync_in(&self, device: &str) -> Result<Figure, Error> {
        self.warm_up(device)?;
        let cost = run::measured(self.orkee(device).args(["cloud", "sync", "--json"]))?;
        if !cost.status.success() {
            return Err(format!("the sync of {device} ended with {}: {}", cost.status, cost.stdout).into());
        }
        Ok(Figure::of(&cost))
    }

    /// Has `device` compile the provider, which happens once: not a part of what a sync costs.
    fn warm_up(&self, device: &str) -> Result<(), Error> {
        if !self.sandbox.home(device).join("cache").exists() {
            run::quietly(self.orkee(device).args(["cloud", "list", "--limit", "1"]))?;
        }
        Ok(())
    }
}

/// Ten of the first thousand projects, with another description each.
fn ten_changed(round: usize) -> impl Iterator<Item = Value> {
    projects::made_up(1).step_by(97).take(10).enumerate().map(move |(n, mut project)| {
        project["description"] = format!("changed in round {round}, number {n}").into();
        project
    })
}

/// What a command costs before it does anything.
pub fn print_start_up(binaries: &Binaries) -> Result<(), Error> {
    let bench = Bench::start(binaries, Duration::ZERO)?;
    bench.import(projects::made_up(2).take(10_000))?;
    let version = least(|| run::measured(bench.orkee("first").arg("--version")))?;
    let list = least(|| run::measured(bench.orkee("first").args(["projects", "list"])))?;
    let json = least(|| run::measured(bench.orkee("first").args(["projects", "list", "--json"])))?;
    println!("\n| start-up | wall | CPU | RSS |\n| --- | --- | --- | --- |");
    let figures = [
        ("orkee --version", version),
        ("orkee projects list, 10000", list),
        ("orkee projects list --json, 10000", json),
    ];
    for (what, figure) in figures {
        println!(
            "| {what} | {} | {} | {} |",
            table::time(figure.wall),
            table::time(figure.cpu),
            table::size_of(Some(figure.rss))
        );
    }
    bench.warm_up("idle")?;
    let mut load = provider_load(&bench)?;
    for _ in 1..REPEATS {
        load = load.min(provider_load(&bench)?);
    }
    println!("| loading the provider, compiled form cached | {} | | |", table::time(load));
    Ok(())
}

fn least(run: impl Fn() -> Result<run::Cost, Error>) -> Result<Figure, Error> {
    let mut figure = Figure::of(&run()?);
    for _ in 1..REPEATS {
        figure = figure.least(Figure::of(&run()?));
    }
    Ok(figure)
}

/// What the host says that loading took, from no engine to a provider that can be asked.
fn provider_load(bench: &Bench<'_>) -> Result<Duration, Error> {
    let mut command = bench.orkee("idle");
    command.args(["cloud", "list", "--limit", "1"]).env("RUST_LOG", "orkee::cloud=debug");
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let micros = said.split_once("load_us=").and_then(|(_, rest)| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    });
    micros.map(Duration::from_micros).ok_or_else(|| format!("no load_us is told: {said}").into())
}
