//! A sync that the person started: `orkee cloud sync` in a process of its own, so that the interface stays quick and small, and goes on if
//! that one fails. It outlives the interface if the person leaves meanwhile.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::output::text;

/// More than this no sync says.
const MOST: u64 = 4 * 1024 * 1024;

/// One that runs.
#[derive(Debug)]
pub(super) struct Sync {
    began: Instant,
    ended: Receiver<Ended>,
}

/// How one ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Done { told: String, is_good: bool },
    Failed { code: String, message: String, causes: Vec<String>, hint: Option<String> },
}

/// What `orkee cloud sync --json` says, as far as it is shown.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Document {
    Failed { error: Failed },
    Done(Counts),
}

#[derive(Debug, Deserialize)]
struct Failed {
    code: String,
    message: String,
    #[serde(default)]
    causes: Vec<String>,
    hint: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    pushed: u64,
    pulled: u64,
    merged: u64,
    conflicts: u64,
    deleted: u64,
    parked: Vec<serde::de::IgnoredAny>,
}

impl Sync {
    /// Starts one.
    pub(super) fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["cloud", "sync", "--json", "--no-input"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What is pressed at this terminal is not meant for it, and it stays when the terminal goes.
            .process_group(0)
            .spawn()?;
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            let said = read(&mut child);
            let _ = child.wait();
            let _ = sender.send(understand(&said));
        });
        Ok(Self { began: Instant::now(), ended })
    }

    /// For how long it has been running.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<Ended> {
        match self.ended.try_recv() {
            Ok(ended) => Some(ended),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(understand(&[])),
        }
    }
}

fn read(child: &mut Child) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(stdout) = &mut child.stdout {
        let _ = stdout.take(MOST).read_to_end(&mut said);
    }
    said
}

fn understand(said: &[u8]) -> Ended {
    match serde_json::from_slice(said) {
        Ok(Document::Done(counts)) => Ended::Done { told: counts.told(), is_good: counts.is_good() },
        Ok(Document::Failed { error }) => Ended::Failed {
            code: text::spelled(&error.code),
            message: text::spelled(&error.message),
            causes: error.causes.iter().map(|cause| text::spelled(cause)).collect(),
            hint: error.hint.as_deref().map(text::spelled),
        },
        Err(_) => Ended::Failed {
            code: "E-CLI-001".to_owned(),
            message: "the sync ended without a word".to_owned(),
            causes: Vec::new(),
            hint: Some("run `orkee cloud sync` to see why".to_owned()),
        },
    }
}

impl Counts {
    fn is_good(&self) -> bool {
        self.conflicts == 0 && self.parked.is_empty()
    }

    fn told(&self) -> String {
        let counts = [
            (self.pushed, "sent"),
            (self.pulled, "fetched"),
            (self.merged, "merged"),
            (self.deleted, "deleted"),
            (self.conflicts, "in conflict"),
            (self.parked.len() as u64, "set aside"),
        ];
        let said: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let next = if self.conflicts > 0 { ". c shows them" } else { "" };
        if said.is_empty() {
            "In step, nothing to do".to_owned()
        } else {
            format!("Synced: {}{next}", said.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d65_what_a_sync_says_is_told_in_a_line_and_a_failure_with_what_to_do() {
        let done = r#"{"schema_version":1,"pushed":2,"pulled":1,"merged":0,"conflicts":1,"deleted":0,
            "parked":[{"id":"a","reason":"b"}],"round_trips":1}"#;
        let told = "Synced: 2 sent, 1 fetched, 1 in conflict, 1 set aside. c shows them".to_owned();
        assert_eq!(understand(done.as_bytes()), Ended::Done { told, is_good: false });
        let failed = r#"{"schema_version":1,"error":{"code":"E-AUTH-001","message":"not\u001b signed in","causes":["x"],
            "hint":"run `orkee cloud login`","request_id":null}}"#;
        let Ended::Failed { code, message, hint, .. } = understand(failed.as_bytes()) else { panic!() };
        assert_eq!((code.as_str(), message.as_str()), ("E-AUTH-001", "not\\u{1b} signed in"));
        assert_eq!(hint.as_deref(), Some("run `orkee cloud login`"));
    }

    #[test]
    fn d65_a_sync_that_was_killed_is_a_failure() {
        assert!(matches!(understand(b""), Ended::Failed { .. }));
        assert!(matches!(understand(b"{\"schema_version\":1"), Ended::Failed { .. }));
    }
}
