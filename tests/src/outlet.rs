//! A device whose own webhooks are added, tried and sent to with `orkee` alone, only when a test says so.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::home::{Home, Ran};

/// The device.
pub struct Outlet {
    /// Its home folder.
    pub home: Home,
}

impl Default for Outlet {
    fn default() -> Self {
        Self::new()
    }
}

/// What a command took.
pub struct Took {
    /// How it ended.
    pub ran: Ran,
    /// From its beginning to its end.
    pub time: Duration,
    /// The most memory that it had, in bytes.
    pub memory: u64,
}

impl Outlet {
    /// One that has no webhook yet.
    pub fn new() -> Self {
        let mut home = Home::new();
        home.set("ORKEE_WEBHOOK_DRAIN", "off");
        Self { home }
    }

    /// `orkee cloud webhook add URL --local` with these flags.
    pub fn try_add(&self, url: &str, flags: &[&str]) -> Ran {
        self.home.run([&["cloud", "webhook", "add", url, "--local"], flags].concat())
    }

    /// Adds a webhook; its id.
    #[track_caller]
    pub fn add(&self, url: &str, flags: &[&str]) -> String {
        let added = self.home.json([&["cloud", "webhook", "add", url, "--local"], flags].concat());
        added["webhook"]["id"].as_str().unwrap().to_owned()
    }

    /// Adds one that may be http on this machine.
    #[track_caller]
    pub fn add_here(&self, url: &str) -> String {
        self.add(url, &["--allow-insecure-loopback"])
    }

    /// Something that every webhook is told of.
    #[track_caller]
    pub fn happen(&self) {
        self.home.add("shop");
    }

    /// Sends what is due.
    #[track_caller]
    pub fn drain(&self) -> Value {
        self.home.json(["cloud", "webhook", "drain"])
    }

    /// Tells all webhooks of something and sends it.
    #[track_caller]
    pub fn send(&self) -> Value {
        self.happen();
        self.drain()
    }

    /// The newest delivery of a webhook, with its newest attempt.
    #[track_caller]
    pub fn newest(&self, id: &str) -> Value {
        self.home.json(["cloud", "webhook", "deliveries", id, "--local"])["deliveries"][0].clone()
    }

    /// The class of the newest attempt of a webhook.
    #[track_caller]
    pub fn class(&self, id: &str) -> String {
        self.newest(id)["class"].as_str().unwrap_or_default().to_owned()
    }

    /// Sends `orkee.test` to a URL: whether the command succeeded, and what it says of the attempt.
    #[track_caller]
    pub fn test(&self, url: &str, flags: &[&str]) -> (bool, Value) {
        let ran = self.home.run([&["cloud", "webhook", "test", url, "--json"], flags].concat());
        (ran.code == Some(0), ran.json())
    }

    /// Where the device's projects and webhooks are.
    pub fn database(&self) -> PathBuf {
        self.home.orkee().join("orkee.db")
    }

    /// Runs a command while its memory is watched.
    pub fn watch(&self, args: &[&str]) -> Took {
        let (begun, out) = (Instant::now(), tempfile::NamedTempFile::new().unwrap());
        let mut command = self.home.command(args);
        command.stdout(out.reopen().unwrap()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut memory = 0;
        let status = loop {
            memory = peak(child.id()).unwrap_or(memory);
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        let time = begun.elapsed();
        let shown = crate::home::shown(&command);
        let stdout = std::fs::read(out.path()).unwrap();
        let ran = Ran::of(shown, &std::process::Output { status, stdout, stderr: Vec::new() });
        Took { ran, time, memory }
    }
}

/// The most memory that a process has had so far. None: it has ended.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10)
}
