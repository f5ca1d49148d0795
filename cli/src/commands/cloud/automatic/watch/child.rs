//! What a watcher has done by others: processes of this same binary, whose standard output is their answer.
//!
//! They have a process group of their own, so that Ctrl-C reaches the watcher alone. One that listens ends when its standard input
//! does, and so with the watcher, however that ended; one that syncs comes to its end.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use tokio::sync::mpsc::UnboundedSender;

/// Of an answer, the bytes that are read.
const MOST: u64 = 1024 * 1024;
/// A thread that copies one pipe needs no more.
const STACK: usize = 64 * 1024;

/// What a child was started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// A sync.
    Sync,
    /// Listening to the backend.
    Listen,
}

/// A child said all it had to say.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) errand: Errand,
    /// Which child it was, among those of its errand.
    pub(super) number: u64,
    pub(super) text: Vec<u8>,
}

/// A child at work.
#[derive(Debug)]
pub(super) struct AtWork {
    pub(super) number: u64,
    process: Child,
    /// Open for as long as it is to listen.
    _stdin: Option<ChildStdin>,
}

impl AtWork {
    /// Starts one. What it says is handed to `said` at its end.
    pub(super) fn start(
        program: &Path,
        errand: Errand,
        number: u64,
        verbose: u8,
        said: UnboundedSender<Said>,
    ) -> io::Result<Self> {
        let args: &[&str] = match errand {
            Errand::Sync => {
                &["cloud", "sync", "--unasked", "--json", "--no-input", "--timeout", super::super::LONGEST]
            }
            Errand::Listen => &["cloud", "watch", "--listen", "--json", "--no-input"],
        };
        let mut process = Command::new(program)
            .args(args)
            .args((0..verbose).map(|_| "-v"))
            .stdin(if errand == Errand::Listen { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(if verbose > 0 { Stdio::inherit() } else { Stdio::null() })
            .process_group(0)
            .spawn()?;
        let stdin = process.stdin.take();
        if let Some(stdout) = process.stdout.take() {
            thread::Builder::new().stack_size(STACK).spawn(move || {
                let mut text = Vec::new();
                // What cannot be read is no answer.
                let _ = stdout.take(MOST).read_to_end(&mut text);
                let _ = said.send(Said { errand, number, text });
            })?;
        }
        Ok(Self { number, process, _stdin: stdin })
    }

    /// Waits for its end, which is near: it has said all. Its exit code, and how it ended in words.
    pub(super) fn end(mut self) -> (Option<i32>, String) {
        match self.process.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => (Some(code), format!("exit code {code}")),
                (None, Some(signal)) => (None, format!("signal {signal}")),
                (None, None) => (None, "unknown".to_owned()),
            },
            Err(error) => (None, error.to_string()),
        }
    }

    /// Tells one that listens that nobody is interested any more.
    pub(super) fn dismiss(mut self) {
        self._stdin = None;
        // It ends by itself; waited for, so that no dead entry of it stays in the table of processes.
        let _ = thread::Builder::new().stack_size(STACK).spawn(move || self.process.wait());
    }
}
