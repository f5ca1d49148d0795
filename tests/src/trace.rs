//! A command under `strace`: which calls to the system it makes that change what is on disk or on the wire, and how it looks when
//! it is killed just before one of them.
//!
//! strace counts calls for each thread and each name by itself, and can be told to look at one file alone. So a point of a run is a
//! call's name and its number among the calls of that name, on that file, in its thread. All files are written by the main thread,
//! whose order is always the same. Requests are sent by whichever worker is free: their points are numbers of sends in one worker.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::home::{Ran, finish};

const CALLS: &str =
    "pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,/^rename,/^unlink,/^link,/^open,connect";

/// A call to the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its thread; 0 is the main one.
    pub thread: usize,
    /// Its name.
    pub name: String,
    /// Its number among the calls of this name in its thread, from 1 on; among those on its file, if it is about an open one.
    pub nth: usize,
    /// The file, or `TCP:[…]`, that it is about.
    pub on: String,
    /// All of it.
    pub text: String,
}

/// Whether this machine has strace, and lets it trace. A run that calls itself a complete one (`CI=true`) has to have it.
pub fn is_there() -> bool {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let works = tried.is_ok_and(|output| output.status.success());
    let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(works || !must, "strace is not there or may not trace, and CI=true");
    if !works {
        println!("strace is not there or may not trace: not checked");
    }
    works
}

/// Runs a command to its end, and tells its calls in the order in which they began.
pub fn record(command: &Command, input: &[u8]) -> (Ran, Vec<Call>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let ran = finish(traced(command, log.path(), None), input);
    let text = std::fs::read(log.path()).unwrap();
    (ran, parse(&String::from_utf8_lossy(&text)))
}

/// A command that is killed just before this call; it ends as usual if it never comes to it.
pub fn killed_before(command: &Command, call: &Call) -> Command {
    traced(command, Path::new("/dev/null"), Some(call))
}

fn traced(command: &Command, log: &Path, kill: Option<&Call>) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-yy", "-x", "-s", "16", "-o"]).arg(log);
    match kill {
        // Not with --seccomp-bpf, with which a signal is lost.
        Some(call @ Call { name, nth, on, .. }) => {
            if call.is_on_open_file() {
                strace.args(["-P", on]);
            }
            strace.args(["-e", &format!("trace={name}")]);
            strace.args(["-e", &format!("inject={name}:signal=KILL:when={nth}")]);
        }
        None => drop(strace.args(["--seccomp-bpf", "-e", &format!("trace={CALLS}")])),
    }
    strace.arg(command.get_program()).args(command.get_args()).env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.get_current_dir().map(|folder| strace.current_dir(folder));
    strace
}

/// strace's log: a line a call, `PID name(arguments) = result`; a call that another interrupts has a second line, `PID <... name
/// resumed>…`.
fn parse(log: &str) -> Vec<Call> {
    let mut threads: Vec<&str> = Vec::new();
    let mut counts: BTreeMap<(usize, String, Option<String>), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((pid, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        let thread = threads.iter().position(|known| *known == pid).unwrap_or_else(|| {
            threads.push(pid);
            threads.len() - 1
        });
        let Some((name, arguments)) = text.split_once('(') else { continue };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            continue;
        }
        let mut call =
            Call { thread, name: name.to_owned(), nth: 0, on: about(arguments), text: text.to_owned() };
        let file = call.is_on_open_file().then(|| call.on.clone());
        let nth = counts.entry((thread, call.name.clone(), file)).or_default();
        *nth += 1;
        call.nth = *nth;
        calls.push(call);
    }
    calls
}

/// The file or connection that the arguments name first, a file within a folder by the path of both.
fn about(arguments: &str) -> String {
    let opened = arguments.split_once('<').filter(|(before, _)| before.bytes().all(|b| b.is_ascii_digit()));
    let quoted = |text: &str| text.split('"').nth(1).unwrap_or_default().to_owned();
    let Some((_, rest)) = opened else { return quoted(arguments) };
    if rest.starts_with("TCP") {
        return rest.split_once("]>").map_or(rest, |(socket, _)| socket).to_owned();
    }
    let (path, rest) = rest.split_once('>').unwrap_or((rest, ""));
    match rest.strip_prefix(", \"") {
        // A file within an open folder; what is written to a file looks alike, but a folder has no content.
        Some(_) if Path::new(path).is_dir() => format!("{path}/{}", quoted(rest)),
        _ => path.to_owned(),
    }
}

impl Call {
    /// Whether it flushes something to disk.
    pub fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync")
    }

    /// Whether it writes into a file, or changes its length.
    pub fn is_write(&self) -> bool {
        matches!(self.name.as_str(), "write" | "pwrite64" | "writev" | "ftruncate") && !self.is_send()
    }

    /// Whether it gives something to the network.
    pub fn is_send(&self) -> bool {
        self.on.starts_with("TCP") && matches!(self.name.as_str(), "write" | "writev" | "sendto" | "sendmsg")
    }

    /// Whether it is about a file, or folder, that was opened before and has the same name in each run.
    fn is_on_open_file(&self) -> bool {
        (self.is_sync() || self.is_write()) && !self.on.ends_with(".part")
    }

    /// Whether it gives a file another name.
    pub fn is_rename(&self) -> bool {
        self.name.starts_with("rename")
    }

    /// Whether it writes the head of a frame of SQLite's log that ends a transaction: 24 bytes, the second four of which are how many
    /// pages the database then has. The page follows.
    fn is_commit(&self) -> bool {
        let bytes = self.text.split('"').nth(1).unwrap_or_default().split("\\x").skip(1);
        let pages: Vec<&str> = bytes.skip(4).take(4).collect();
        let is_head = self.on.ends_with("-wal") && self.text.contains(", 24, ");
        is_head && pages.len() == 4 && pages.iter().any(|byte| *byte != "00")
    }

    /// Whether it can make a difference which of its neighbours was the last one before a kill.
    fn changes(&self, home: &Path) -> bool {
        let is_ours = Path::new(&self.on).starts_with(home) && !self.on.ends_with("-shm");
        let changes =
            self.is_write() || self.is_sync() || self.is_rename() || self.name.starts_with("unlink");
        self.is_send() || (is_ours && changes)
    }
}

/// The calls before which a kill can make a difference in `home` or on the wire. Of writes that follow each other into the same
/// file, without anything that flushes them or ends a transaction, the first and the last stand for all.
pub fn points(calls: &[Call], home: &Path) -> Vec<Call> {
    let changing: Vec<&Call> = calls.iter().filter(|call| call.changes(home)).collect();
    // The page that follows the head of a commit ends the run.
    let ends: Vec<bool> = (0..changing.len()).map(|n| n > 0 && changing[n - 1].is_commit()).collect();
    let numbered: Vec<(&Call, bool)> = changing.into_iter().zip(ends).collect();
    let alike = |a: &Call, b: &Call| (a.thread, &a.name, &a.on) == (b.thread, &b.name, &b.on) && a.is_write();
    let runs = numbered.chunk_by(|(a, ends), (b, _)| !ends && alike(a, b));
    let ends = runs.flat_map(|run| run.first().into_iter().chain(run.last().filter(|_| run.len() > 1)));
    ends.map(|(call, _)| (*call).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
7 openat(AT_FDCWD</tmp>, \"/h/orkee.db\", O_RDWR) = 3</h/orkee.db>
7 pwrite64(4</h/orkee.db-wal>, \"\\x37\\x7f\\x3c\"..., 32, 0) = 32
7 pwrite64(4</h/orkee.db-wal>, \"\\x00\\x00\\x00\\x04\\x00\\x00\\x00\\x00\\x01\"..., 24, 32) = 24
7 pwrite64(4</h/orkee.db-wal>, \"page\"..., 8192, 56) = 8192
7 pwrite64(4</h/orkee.db-wal>, \"\\x00\\x00\\x00\\x05\\x00\\x00\\x00\\x11\\x01\"..., 24, 8248) = 24
7 pwrite64(4</h/orkee.db-wal>, \"page\"..., 8192, 8272) = 8192
7 pwrite64(4</h/orkee.db-wal>, \"\\x00\\x00\\x00\\x06\\x00\\x00\\x00\\x00\\x01\"..., 24, 16464) = 24
9 sendto(5<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"POST\"..., 10, 0, NULL, 0 <unfinished ...>
7 pwrite64(4</h/orkee.db-wal>, \"\"..., 24, 56 <unfinished ...>
9 <... sendto resumed>) = 10
7 <... pwrite64 resumed>) = 24
7 fsync(4</h/orkee.db-wal>) = 0
7 renameat(3</>, \"a.new\", 3</>, \"a\") = 0
7 +++ exited with 0 +++
";

    #[test]
    fn calls_are_numbered_in_their_threads_and_know_what_they_are_about() {
        let calls = parse(LOG);
        let told: Vec<_> = calls.iter().map(|c| (c.thread, c.name.as_str(), c.nth, c.on.as_str())).collect();
        let wal = "/h/orkee.db-wal";
        assert_eq!(
            told,
            [
                (0, "openat", 1, "/h/orkee.db"),
                (0, "pwrite64", 1, wal),
                (0, "pwrite64", 2, wal),
                (0, "pwrite64", 3, wal),
                (0, "pwrite64", 4, wal),
                (0, "pwrite64", 5, wal),
                (0, "pwrite64", 6, wal),
                (1, "sendto", 1, "TCP:[127.0.0.1:1->127.0.0.1:2"),
                (0, "pwrite64", 7, wal),
                (0, "fsync", 1, wal),
                (0, "renameat", 1, "//a.new"),
            ]
        );
    }

    #[test]
    fn of_writes_in_a_row_the_first_and_the_last_of_each_transaction_are_points() {
        let points = points(&parse(LOG), Path::new("/h"));
        let told: Vec<_> = points.iter().map(|c| (c.name.as_str(), c.nth)).collect();
        let writes = |numbers: &[usize]| -> Vec<_> { numbers.iter().map(|n| ("pwrite64", *n)).collect() };
        assert_eq!(
            told,
            [writes(&[1, 5, 6]), vec![("sendto", 1)], writes(&[7]), vec![("fsync", 1)]].concat()
        );
    }
}
