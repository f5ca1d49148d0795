//! A command that is killed at every point that matters, and run again: how the devices and the server of such a trial are set up
//! anew for each point, and what must be so afterwards whatever the command was.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::device::Device;
use crate::home::{Ran, finish};
use crate::server::Server;
use crate::{folder, tally, trace};

/// Devices, the first of which runs the command, and their server. All can be put back to where they stood at first.
pub struct Stage {
    /// The devices.
    pub devices: Vec<Device>,
    server: Option<Server>,
    kept: Vec<TempDir>,
}

impl Stage {
    /// What stands now is where each trial begins.
    pub fn new(devices: Vec<Device>, mut server: Option<Server>) -> Self {
        let folders: Vec<_> = devices.iter().map(Device::home).collect();
        let mut kept: Vec<_> = folders.iter().map(|from| keep(from)).collect();
        if let Some(server) = &mut server {
            server.stop();
            kept.push(keep(&server.data()));
            server.resume();
        }
        Self { devices, server, kept }
    }

    /// The device that runs the command.
    pub fn device(&self) -> &Device {
        &self.devices[0]
    }

    /// Puts all back.
    pub fn reset(&mut self) {
        for (device, kept) in self.devices.iter().zip(&self.kept) {
            folder::replace(&device.home(), kept.path());
        }
        if let (Some(server), Some(kept)) = (&mut self.server, self.kept.last()) {
            server.stop();
            folder::replace(&server.data(), kept.path());
            server.resume();
        }
    }
}

fn keep(folder: &Path) -> TempDir {
    let kept = tempfile::tempdir().unwrap();
    folder::replace(kept.path(), folder);
    kept
}

/// A command on a stage, and how one sees that it did its work.
pub struct Trial<'a> {
    /// For the tally.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// Its standard input.
    pub input: &'a str,
    /// How it ends; after a kill that came too late to stop its work, it may end otherwise: all of these are good.
    pub exits: &'a [i32],
    /// What must hold right after a kill, before it is run again. Runs on the device, and may use it up.
    pub after_kill: &'a dyn Fn(&Device, &Ran),
    /// Is told what was said by the run that nobody killed; and for each kill by the run that was killed and the one after it.
    pub heard: &'a dyn Fn(&[&Ran]),
    /// Only points in this folder of the home folder; empty: all.
    pub within: &'a str,
    /// What is the same in the end, wherever it was killed.
    pub end: &'a dyn Fn(&[Device]) -> Value,
}

impl<'a> Trial<'a> {
    /// A command that has to succeed, of which only what every trial has is checked.
    pub fn of(name: &'static str, args: &'a [&'a str], end: &'a dyn Fn(&[Device]) -> Value) -> Self {
        Self { name, args, input: "", exits: &[0], after_kill: &|_, _| {}, heard: &|_| {}, within: "", end }
    }

    /// Kills the command at every point and runs it again, where this machine has what it takes.
    pub fn run(&self, stage: &mut Stage) {
        if trace::is_there() {
            tally::note(&format!("crash points of {}", self.name), self.everywhere(stage));
        }
    }

    /// How many points there were.
    fn everywhere(&self, stage: &mut Stage) -> usize {
        stage.reset();
        let (ran, calls) = trace::record(&stage.device().orkee(self.args), self.input.as_bytes());
        assert_eq!(ran.code, Some(self.exits[0]), "{ran}");
        (self.heard)(&[&ran]);
        let (files, end) = (files(stage.device()), (self.end)(&stage.devices));
        let folder = stage.device().home().join(self.within);
        let is_meant =
            |call: &trace::Call| self.within.is_empty() || Path::new(&call.on).starts_with(&folder);
        let mut points = trace::points(&calls, &stage.device().home());
        points.retain(is_meant);
        assert!(!points.is_empty(), "{}: nothing was written", self.name);
        let mut killed = 0;
        for point in &points {
            killed += usize::from(self.at(point, stage, &files, &end));
        }
        assert!(mostly(killed, points.len()), "{}: {killed} of {} were met", self.name, points.len());
        killed
    }

    /// One kill; whether the command came so far.
    fn at(&self, point: &trace::Call, stage: &mut Stage, files_at_end: &[String], end: &Value) -> bool {
        stage.reset();
        let device = stage.device();
        let killed = finish(trace::killed_before(&device.orkee(self.args), point), self.input.as_bytes());
        let context = format!("{}, killed before {} (number {})", self.name, point.text, point.nth);
        println!("{context}");
        let copy = device.copy();
        (self.after_kill)(&copy, &killed);
        let again = finish(device.orkee(self.args), self.input.as_bytes());
        assert!(again.code.is_some_and(|code| self.exits.contains(&code)), "{context}: {again}");
        (self.heard)(&[&killed, &again]);
        assert_eq!((self.end)(&stage.devices), *end, "{context}");
        // Looking at it first: SQLite's log of a killed writer goes with whoever opens the database next, which a sign-out need not do.
        is_sound(device);
        assert_eq!(files(device), files_at_end, "{context}");
        killed.code.is_none()
    }
}

/// Whether a trial met its points. Workers share their sends differently in each run, and answers that come together are applied
/// together, so that a run may come to fewer than the one that was counted.
pub fn mostly(killed: usize, points: usize) -> bool {
    killed * 10 >= points * 8
}

/// All files and folders of a home folder, which must be private. A lock file comes with the first that locks, a log with the first
/// line worth keeping.
fn files(device: &Device) -> Vec<String> {
    let home = device.home();
    let mut all = Vec::new();
    let mut folders = vec![home.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
            all.push(path.strip_prefix(&home).unwrap().to_string_lossy().into_owned());
            folders.extend(path.is_dir().then_some(path));
        }
    }
    let is_lock = |name: &str| name.ends_with(".lock") || name.ends_with("-turn");
    all.retain(|name| !is_lock(name) && !name.starts_with("logs"));
    all.sort();
    all
}

/// The database is whole, by SQLite's own word.
fn is_sound(device: &Device) {
    let path = device.home().join("orkee.db");
    if path.exists() {
        let database = Connection::open(path).unwrap();
        let word: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(word, "ok");
    }
}
