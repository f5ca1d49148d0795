//! `orkee cloud watch --json` at work, and what it tells, line by line.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::device::Device;

/// Long enough for a loaded machine; a test that is right never waits so long.
const DEADLINE: Duration = Duration::from_secs(60);
/// Longer than any test: what happens is not for the interval's sake.
pub const NEVER: &str = "31536000";

/// A watcher. It is ended with its test.
pub struct Watcher {
    child: Child,
    lines: Receiver<String>,
    /// All that it told so far.
    pub told: Vec<Value>,
}

impl Watcher {
    /// Starts one on a device, with an interval that never ends.
    pub fn start(device: &Device) -> Self {
        Self::of(device.orkee(&["cloud", "watch", "--interval", NEVER]))
    }

    /// Starts a command of `cloud watch`.
    pub fn of(mut command: Command) -> Self {
        command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines, told: Vec::new() }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that it tells and that is so. Each line has to be an object, with a version and a time.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("gave up waiting for {what}: {:?}", self.told),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {what}: {:?}", self.told),
            };
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
            assert_eq!(event["schema_version"], 1, "{line}");
            assert!(event["at"].is_string() && event["event"].is_string(), "{line}");
            self.told.push(event.clone());
            if is(&event) {
                return event;
            }
        }
    }

    /// The next event of this name.
    #[track_caller]
    pub fn wait_for(&mut self, name: &str) -> Value {
        self.wait_until(name, |event| event["event"] == name)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; its exit code.
    #[track_caller]
    pub fn finish(&mut self) -> Option<i32> {
        let code = crate::wait::until("its end", || self.child.try_wait().unwrap()).code();
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            self.told.push(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}")));
        }
        code
    }

    /// The processes that it has started and that are there still.
    pub fn children(&self) -> Vec<u32> {
        children_of(self.pid())
    }
}

/// The processes whose parent this is.
pub fn children_of(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

/// Whether a process is there, other than as a dead one that nobody asked after.
pub fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
