//! Somebody at a device of their own, who types what the help shows.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use orkee_tests::binaries;
use orkee_tests::home::finish;
use orkee_tests::terminal::Terminal;

use super::super::grammar;

/// The person.
pub(super) struct Person {
    home: tempfile::TempDir,
    programs: tempfile::TempDir,
    /// In memory, as a session's folder is.
    session: tempfile::TempDir,
    set: Vec<(&'static str, String)>,
    typed: Mutex<BTreeSet<String>>,
}

impl Person {
    pub(super) fn new() -> Self {
        let mode = fs::Permissions::from_mode(0o700);
        let person = Self {
            home: tempfile::tempdir().unwrap(),
            programs: tempfile::tempdir().unwrap(),
            session: tempfile::Builder::new().permissions(mode).tempdir_in("/dev/shm").unwrap(),
            set: Vec::new(),
            typed: Mutex::default(),
        };
        std::os::unix::fs::symlink(binaries::orkee(), person.programs.path().join("orkee")).unwrap();
        person
    }

    /// Somebody with an account at this server.
    pub(super) fn at(api: &str, token: &str) -> Self {
        let mut person = Self::new();
        person.set.push(("ORKEE_CLOUD_API_URL", api.to_owned()));
        person.set.push(("ORKEE_CLOUD_TOKEN", token.to_owned()));
        person
    }

    /// A path of theirs.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// A program of somebody else's that they have.
    pub(super) fn program(&self, name: &str, text: &str) {
        let path = self.programs.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn shell(&self, line: &str) -> Command {
        let mut bash = Command::new("bash");
        let path = std::env::var("PATH").unwrap_or_default();
        bash.arg("-c")
            .arg(format!("set -eo pipefail; {line}"))
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", format!("{}:{path}", self.programs.path().display()))
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.session.path())
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .envs(self.set.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        bash
    }

    /// A command that is no example.
    #[track_caller]
    pub(super) fn ok(&self, line: &str) -> String {
        finish(self.shell(line), &[]).success().stdout
    }

    /// Types an example at their terminal, and answers what they are asked. It has to do what it says, and says so with these words; all
    /// that they saw.
    #[track_caller]
    pub(super) fn types(&self, example: &str, answers: &[(&str, &str)], says: &str) -> String {
        self.types_as(example, example, answers, says)
    }

    /// The same where something in it stands for what is there.
    #[track_caller]
    pub(super) fn types_as(&self, example: &str, line: &str, answers: &[(&str, &str)], says: &str) -> String {
        self.typed.lock().unwrap().insert(example.to_owned());
        let mut terminal = Terminal::open(self.shell(line), 200);
        for (question, answer) in answers {
            terminal.answer(question, &format!("{answer}\n"));
        }
        let (status, seen) = terminal.finish();
        assert!(status.success(), "{line}: {status}\n{seen}");
        assert!(seen.contains(says), "{line}: no {says:?}\n{seen}");
        seen
    }

    /// Types an example that goes on until Ctrl-C, and ends it when this was said.
    #[track_caller]
    pub(super) fn types_until(&self, example: &str, line: &str, says: &str) {
        self.typed.lock().unwrap().insert(example.to_owned());
        let mut terminal = Terminal::open(self.shell(line), 200);
        // A whole run of checks takes its time on a machine that has others to do.
        let is_said = (0..9).any(|_| terminal.asks(says));
        assert!(is_said && terminal.is_running(), "{line}: {}", terminal.finish().1);
        terminal.interrupt();
        let (status, seen) = terminal.finish();
        // A shell tells both as 130; one that still builds has no handler yet.
        assert!(status.code() == Some(130) || status.signal() == Some(2), "{line}: {status}: {seen}");
    }
}

/// All examples in which one of these stands, of all commands, were typed by these people, or stand here with the reason why not.
#[track_caller]
pub(super) fn have_typed_all(people: &[&Person], of: &[&str], rest: &[(&str, &str)]) {
    let mut left: BTreeSet<String> =
        grammar::commands().iter().flat_map(grammar::Command::examples).collect();
    left.retain(|example| of.iter().any(|start| example.contains(start)));
    assert!(!left.is_empty());
    for person in people {
        for example in person.typed.lock().unwrap().iter() {
            left.remove(example);
        }
    }
    let rest: BTreeSet<String> = rest.iter().map(|(example, _)| (*example).to_owned()).collect();
    assert_eq!(left, rest, "nobody types these");
}
