//! The lock beside an account that is encrypted end to end: the account's key is locked with the rest.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::folder;
use orkee_tests::home::{Ran, finish};
use orkee_tests::sealing;
use orkee_tests::server::Server;
use serde_json::{Value, json};

use super::PASSPHRASE;

/// A device of an account, with a folder in memory for its session.
struct Member {
    device: Device,
    session: tempfile::TempDir,
}

impl Member {
    fn of(server: &Server, token: &str) -> Self {
        Self { device: Device::with_token(&server.url, token), session: folder::session() }
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.device.orkee(args);
        command.env("XDG_RUNTIME_DIR", self.session.path());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args), &[])
    }

    fn run_with(&self, args: &[&str], input: &str) -> Ran {
        finish(self.command(args), input.as_bytes())
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).success().json()
    }

    #[track_caller]
    fn init(&self) -> String {
        sealing::seal(&|args| self.command(args))
    }

    #[track_caller]
    fn lock(&self) {
        self.run_with(&["cloud", "key", "lock"], PASSPHRASE).success();
    }

    #[track_caller]
    fn unlock(&self) {
        self.run_with(&["cloud", "key", "unlock"], PASSPHRASE).success();
    }

    #[track_caller]
    fn description(&self, id: &str) -> Value {
        self.json(&["projects", "show", id])["project"]["description"].take()
    }

    fn key_file(&self) -> Option<String> {
        let files = std::fs::read_dir(self.device.home().join("keys")).into_iter().flatten().flatten();
        let mut paths = files.map(|file| file.path());
        let path = paths.find(|path| path.extension().is_some_and(|end| end == "toml"))?;
        Some(std::fs::read_to_string(path).unwrap())
    }

    /// How the account's key is kept.
    #[track_caller]
    fn kept(&self) -> Value {
        self.json(&["cloud", "key", "show", "--offline"])["kept"].take()
    }
}

/// The secrets that stand in a key file: all of them as they stand, and each.
fn secrets(file: &str) -> Vec<String> {
    let stands =
        file.lines().find_map(|line| line.strip_prefix("secrets = \"")).unwrap().trim_end_matches('"');
    let all: Value = serde_json::from_slice(&STANDARD.decode(stands).unwrap()).unwrap();
    let keys = all["epochs"].as_array().unwrap().iter().chain([&all["device"]]);
    keys.map(|key| key.as_str().unwrap()).chain([stands]).map(str::to_owned).collect()
}

#[test]
fn k54_the_recovery_phrase_unlocks_and_the_accounts_key_is_locked_too_and_a_sync_works_while_it_is_not() {
    let server = Server::tireless();
    let token = server.token();
    let (a, b) = (Member::of(&server, &token), Member::of(&server, &token));
    let id = a.device.add("Shop");
    a.run(&["projects", "edit", &id, "--description", "canary-of-a"]).success();
    let phrase = a.init();
    let keys = secrets(&a.key_file().unwrap());
    assert_eq!(a.kept(), "file");
    a.lock();
    let gone = Canaries(vec!["canary-of-a", "canary-of-b"]);
    for (name, bytes) in sealing::files(&a.device.home()) {
        gone.are_not_in(&name, &bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert!(!keys.iter().any(|key| text.contains(key)), "a key is in {name}");
    }
    a.run(&["cloud", "sync"]).fails(4, "E-LOCK-001").says("orkee cloud key unlock");
    a.run(&["cloud", "key", "show", "--offline"]).success().shows("locked on this device");
    a.run(&["doctor"]).exits(0).shows("locked on this device");
    let status = a.json(&["cloud", "status", "--offline"]);
    assert_eq!([&status["lock"]["unlocked"], &status["lock"]["finished"]], [false, true], "{status}");
    assert_eq!(status["sealed"], Value::Null);

    let other = format!("{}art", "abandon ".repeat(23));
    a.run_with(&["cloud", "key", "unlock", "--phrase"], &other).fails(4, "E-LOCK-004");
    a.run_with(&["cloud", "key", "unlock", "--phrase"], &phrase).success();
    assert_eq!((a.description(&id), a.kept()), (json!("canary-of-a"), json!("locked")));
    sealing::join(&|args| b.command(args), &phrase);
    b.run(&["cloud", "sync"]).success();
    assert_eq!(b.description(&id), "canary-of-a");
    b.run(&["projects", "edit", &id, "--description", "canary-of-b"]).success();
    b.run(&["cloud", "sync"]).success();
    // A new epoch of the key is met, and kept locked.
    b.run(&["cloud", "key", "rotate", "--yes"]).success();
    a.run(&["cloud", "sync"]).success();
    assert_eq!((a.description(&id), a.kept()), (json!("canary-of-b"), json!("locked")));
    let status = a.json(&["cloud", "status", "--offline"]);
    assert_eq!([&status["lock"]["unlocked"], &status["sealed"]], [true, true], "{status}");
    a.run(&["cloud", "key", "lock"]).success();
    gone.are_not_in_files(&a.device.home());

    a.run_with(&["cloud", "key", "lock", "--off"], PASSPHRASE).success();
    assert_eq!((a.kept(), secrets(&a.key_file().unwrap()).len()), (json!("file"), keys.len() + 1));
    a.run(&["cloud", "sync"]).success();
}

#[test]
fn k54_a_key_that_comes_to_a_locked_device_is_locked_at_once_or_refused_with_nothing_kept() {
    let server = Server::tireless();
    let token = server.token();
    let (a, b) = (Member::of(&server, &token), Member::of(&server, &token));
    let id = a.device.add("Shop");
    a.lock();
    a.run(&["cloud", "key", "init", "--yes"]).fails(4, "E-LOCK-001").says("orkee cloud key unlock");
    assert_eq!(a.key_file(), None);
    assert_eq!(a.json(&["cloud", "key", "show"])["sealed"], false, "the account was given none");
    a.unlock();
    let phrase = a.init();
    assert_eq!(a.kept(), "locked");
    // The phrase opens the lock that was there before it.
    a.run(&["cloud", "key", "lock"]).success();
    a.run_with(&["cloud", "key", "unlock", "--phrase"], &phrase).success();

    b.lock();
    b.run_with(&["cloud", "key", "recover"], &phrase).fails(4, "E-LOCK-001").says("orkee cloud key unlock");
    assert_eq!(b.key_file(), None);
    let recipients = |of: &Member| of.json(&["cloud", "key", "show"])["recipients"].as_array().unwrap().len();
    assert_eq!(recipients(&a), 2, "the account was not told");
    b.unlock();
    sealing::join(&|args| b.command(args), &phrase);
    b.run(&["cloud", "sync"]).success();
    assert_eq!(
        (b.kept(), b.json(&["projects", "show", &id])["project"]["name"].take()),
        (json!("locked"), json!("Shop"))
    );
    b.run_with(&["cloud", "key", "lock", "--off"], PASSPHRASE).success();
    assert_eq!(b.kept(), "file");
}

#[test]
fn k54_a_lock_that_was_coming_off_is_taken_off_by_the_next_command_and_no_key_goes_with_it() {
    let server = Server::tireless();
    let token = server.token();
    let a = Member::of(&server, &token);
    let id = a.device.add("Shop");
    a.run(&["projects", "edit", &id, "--description", "words"]).success();
    let phrase = a.init();
    a.lock();
    // As `key lock --off` leaves it that was killed once the lock was to come off.
    let coming_off = || {
        let db = rusqlite::Connection::open(a.device.home().join("orkee.db")).unwrap();
        db.execute("UPDATE lock SET fields = '[]', stage = 'sweeping'", []).unwrap();
    };
    coming_off();
    a.unlock();
    assert_eq!((a.kept(), a.description(&id)), (json!("file"), json!("words")));
    a.run(&["cloud", "key", "unlock"]).fails(2, "E-LOCK-006");
    a.run(&["cloud", "sync"]).success();

    // A database that knows no lock, and a key that is sealed under one: what `key recover` replaces.
    a.lock();
    for entry in std::fs::read_dir(a.device.home()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("orkee.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    a.run(&["cloud", "sync"]).fails(2, "E-KEY-037").says("orkee cloud key recover");
    a.run_with(&["cloud", "key", "recover"], &phrase).success();
    a.run(&["cloud", "sync"]).success();
    assert_eq!((a.kept(), a.description(&id)), (json!("file"), json!("words")));
}
