//! The real `orkee`, its WASM provider and the real server.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::REPEATS;
use super::figure::{Figure, Figures, time};
use crate::projects;
use crate::run::{self, Error};
use crate::sandbox::Sandbox;
use crate::setup::Binaries;

/// How the account's records leave a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Plain,
    /// Under a key that both devices have before anything is sent.
    Sealed,
}

pub fn measure(binaries: &Binaries, size: usize, one_way: Duration, form: Form) -> Result<Figures, Error> {
    let bench = Bench::start(binaries, one_way)?;
    if form == Form::Sealed {
        bench.seal()?;
    }
    bench.import(projects::made_up(1).take(size))?;
    let upload = bench.sync_in("first")?;
    let download = bench.sync_in("second")?;
    let nothing = Figure::least(REPEATS, |_| bench.sync_in("first"))?;
    let ten = Figure::least(3, |round| {
        bench.import(ten_changed(round))?;
        bench.sync_in("first")
    })?;
    Ok(Figures { upload, download, nothing, ten })
}

/// A sandbox whose devices use an API token.
pub struct Bench<'a> {
    sandbox: Sandbox<'a>,
    token: String,
    url: String,
}

impl<'a> Bench<'a> {
    pub fn start(binaries: &'a Binaries, one_way: Duration) -> Result<Self, Error> {
        let sandbox = Sandbox::start(binaries, one_way)?;
        let url = if one_way.is_zero() { sandbox.direct.clone() } else { sandbox.proxy.url() };
        Ok(Self { token: sandbox.token()?, url, sandbox })
    }

    pub fn orkee(&self, device: &str) -> Command {
        let mut command = self.sandbox.orkee(device);
        command.env("ORKEE_CLOUD_API_URL", &self.url).env("ORKEE_CLOUD_TOKEN", &self.token);
        // Nothing runs beside what is measured.
        command.env("ORKEE_WEBHOOK_DRAIN", "off");
        command
    }

    /// Gives the first device these projects.
    pub fn import(&self, import: impl Iterator<Item = Value>) -> Result<(), Error> {
        let file = self.export();
        projects::write_export(&file, import)?;
        run::quietly(
            self.orkee("first").args(["projects", "import", "--on-conflict", "replace"]).arg(&file),
        )?;
        Ok(())
    }

    /// What was imported last.
    fn export(&self) -> PathBuf {
        self.sandbox.folder.path().join("import.json")
    }

    /// Makes a key on the first device, and brings it to the second.
    fn seal(&self) -> Result<(), Error> {
        let told = run::quietly(self.orkee("first").args(["cloud", "key", "init", "--yes", "--json"]))?;
        let told: Value = serde_json::from_str(&told)?;
        let phrase = told["phrase"].as_str().ok_or("no phrase is told")?;
        run::with_input(self.orkee("second").args(["cloud", "key", "recover"]), phrase)?;
        Ok(())
    }

    fn sync_in(&self, device: &str) -> Result<Figure, Error> {
        self.warm_up(device)?;
        let before = self.sandbox.server_cpu()?;
        let cost = run::measured(self.orkee(device).args(["cloud", "sync", "--json"]))?;
        if !cost.status.success() {
            return Err(format!("the sync of {device} ended with {}: {}", cost.status, cost.stdout).into());
        }
        let server_cpu = self.sandbox.server_cpu()?.saturating_sub(before);
        Ok(Figure { server_cpu, ..Figure::of(&cost) })
    }

    /// Has `device` compile the provider, which happens once: not a part of what a sync costs.
    pub fn warm_up(&self, device: &str) -> Result<(), Error> {
        if !self.sandbox.home(device).join("cache").exists() {
            run::quietly(self.orkee(device).args(["cloud", "list", "--limit", "1"]))?;
        }
        Ok(())
    }

    /// Syncs, and hands back its cost and what the host says that the calls into the provider took of it.
    fn sync_with_guest(&self, device: &str, native: Duration) -> Result<Share, Error> {
        self.warm_up(device)?;
        let log = self.sandbox.folder.path().join("calls.log");
        let mut command = self.orkee(device);
        command.args(["cloud", "sync", "--json"]).env("RUST_LOG", "orkee::cloud::plugin=debug");
        let cost = run::measured(command.stderr(std::fs::File::create(&log)?))?;
        let guest = run::logged(&std::fs::read_to_string(&log)?, "guest_us").sum();
        Ok(Share { guest, native, cpu: cost.cpu })
    }
}

/// Ten of the first thousand projects, with another description each.
fn ten_changed(round: usize) -> impl Iterator<Item = Value> {
    projects::made_up(1).step_by(97).take(10).enumerate().map(move |(n, mut project)| {
        project["description"] = format!("changed in round {round}, number {n}").into();
        project
    })
}

/// Of a sync's CPU, what was spent in the component, copies to and from its memory included, and what the same code takes when it
/// is compiled for this machine.
pub struct Share {
    guest: Duration,
    native: Duration,
    cpu: Duration,
}

impl Share {
    /// What the component costs beyond the same code without it.
    pub fn percent(&self) -> f64 {
        100.0 * self.guest.saturating_sub(self.native).as_secs_f64() / self.cpu.as_secs_f64()
    }
}

/// The provider's share of a first upload and of a second device's sync.
pub struct Shares {
    size: usize,
    pub upload: Share,
    pub download: Share,
}

pub fn guest_share(binaries: &Binaries, size: usize) -> Result<Shares, Error> {
    let bench = Bench::start(binaries, Duration::ZERO)?;
    bench.import(projects::made_up(1).take(size))?;
    let native = run::quietly(Command::new(binaries.native()).arg(bench.export()))?;
    let native =
        |name| run::logged(&native, name).next().ok_or_else(|| format!("no {name} is told: {native}"));
    let upload = bench.sync_with_guest("first", native("upload_us")?)?;
    let download = bench.sync_with_guest("second", native("download_us")?)?;
    Ok(Shares { size, upload, download })
}

impl Shares {
    pub fn print(&self) {
        println!(
            "\n| calls into the provider, {} | time | the same code natively | the difference, of the CPU |",
            self.size
        );
        println!("| --- | --- | --- | --- |");
        for (what, share) in [("first upload", &self.upload), ("second device, all", &self.download)] {
            println!(
                "| {what} | {} | {} | {:.0} % |",
                time(share.guest),
                time(share.native),
                share.percent()
            );
        }
    }
}
