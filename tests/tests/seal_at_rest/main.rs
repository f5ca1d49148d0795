//! `orkee cloud key lock` and `key unlock`: what is sealed on this device, with the real program.

#![allow(clippy::unwrap_used)]

mod account;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use orkee_tests::canary::Canaries;
use orkee_tests::folder;
use orkee_tests::home::{Home, Ran};
use orkee_tests::terminal::Terminal;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse battery staple";

/// What stands in chosen fields, now or before.
const SECRETS: [&str; 7] = [
    "canary-description-now",
    "canary-description-before",
    "canary-setup-script",
    "canary-dev-script",
    "canary-cleanup-script",
    "canary-manual-task",
    "canary-of-what-was-deleted",
];

/// The fields that they stand in, as they are named.
const FIELDS: [&str; 5] = ["description", "setupScript", "devScript", "cleanupScript", "manualTasks"];

/// A device with a folder in memory for its session.
struct Locked {
    home: Home,
    session: tempfile::TempDir,
    id: String,
}

impl Locked {
    /// Projects with texts in their chosen fields, old ones and a deleted one too; nothing is locked yet.
    fn new() -> Self {
        let session = folder::session();
        let mut home = Home::new();
        home.set("XDG_RUNTIME_DIR", session.path());
        let id = home.add("Shop");
        home.ok(["projects", "edit", &id, "--description", "canary-description-before"]);
        home.ok(["projects", "edit", &id, "--description", "canary-description-now"]);
        // Scripts have no flags: they come with an import.
        let mut project = home.json(["projects", "show", &id])["project"].take();
        project["setupScript"] = json!("canary-setup-script");
        project["devScript"] = json!("canary-dev-script");
        project["cleanupScript"] = json!("canary-cleanup-script");
        project["manualTasks"] = json!([{"id": 1, "title": "canary-manual-task", "status": "pending"}]);
        let file = home.file("scripts.json", json!({"version": 1, "projects": [project]}).to_string());
        home.ok(["projects", "import", file.to_str().unwrap(), "--on-conflict", "replace"]);
        std::fs::remove_file(file).unwrap();
        let gone = home.add("Gone");
        home.ok(["projects", "edit", &gone, "--description", "canary-of-what-was-deleted"]);
        home.ok(["projects", "delete", &gone, "--yes"]);
        Self { home, session, id }
    }

    fn lock(&self) -> Ran {
        self.home.run_with(["cloud", "key", "lock"], PASSPHRASE)
    }

    fn unlock(&self, args: &[&str]) -> Ran {
        self.home.run_with([&["cloud", "key", "unlock"], args].concat(), PASSPHRASE)
    }

    #[track_caller]
    fn has_no_plain_byte(&self) {
        Canaries(SECRETS.to_vec()).are_not_in_files(&self.home.orkee());
    }

    fn description(&self) -> Value {
        self.home.json(["projects", "show", &self.id])["project"]["description"].clone()
    }

    /// The file that the key is in while the device is unlocked.
    fn key_file(&self) -> Option<std::path::PathBuf> {
        let files = std::fs::read_dir(self.session.path().join("orkee")).ok()?;
        files.map(|file| file.unwrap().path()).next()
    }
}

fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => holds(&path, text),
            false => std::fs::read(&path).unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes()),
        }
    })
}

#[test]
fn k45_after_a_lock_no_byte_of_a_chosen_field_is_in_the_folder_old_values_included() {
    let device = Locked::new();
    assert!(SECRETS.iter().all(|secret| holds(&device.home.orkee(), secret)), "they are there before");
    let said = device.lock().success();
    assert!(said.stdout.contains("description"), "{said}");
    device.has_no_plain_byte();
    assert!(holds(&device.home.orkee(), "Shop"), "names are for lists");

    device.unlock(&[]).success();
    device.has_no_plain_byte();
    assert_eq!(device.description(), "canary-description-now");
    device.home.ok(["projects", "edit", &device.id, "--description", "canary-description-before"]);
    device.home.ok(["projects", "revert", &device.id, "--to", "3"]);
    device.home.ok(["projects", "restore", &deleted(&device)]);
    device.has_no_plain_byte();
    assert_eq!(device.description(), "canary-description-now");
}

/// The id of the project that was deleted.
fn deleted(device: &Locked) -> String {
    let db = rusqlite::Connection::open(device.home.orkee().join("orkee.db")).unwrap();
    db.query_row("SELECT id FROM records WHERE name IS NULL", [], |row| row.get(0)).unwrap()
}

#[test]
fn k46_while_it_is_locked_projects_are_listed_and_shown_without_what_is_sealed() {
    let device = Locked::new();
    let (home, id) = (&device.home, &device.id);
    device.lock().success();
    let listed = home.projects();
    assert_eq!(listed[0]["name"], "Shop");
    assert_eq!(listed[0]["lockedFields"], json!(FIELDS));
    assert_eq!((listed[0].get("description"), listed[0].get("devScript")), (None, None));
    let shown = home.json(["projects", "show", id]);
    assert_eq!(shown["locked_fields"], json!(FIELDS));
    assert_eq!(shown["project"].get("description"), None);
    let page = home.run(["projects", "show", id]).success();
    assert_eq!(page.stdout.matches("(locked)").count(), FIELDS.len(), "{page}");
    let history = home.run(["projects", "history", id]).success();
    assert!(history.stdout.contains("(locked) → (locked)"), "{history}");
    let found = home.run(["projects", "list", "--search", "canary"]).success();
    assert!(found.stdout.is_empty() && found.stderr.contains("was not searched"), "{found}");
    assert!(home.ok(["projects", "list", "--search", "shop"]).contains("Shop"));
    assert_eq!(home.json(["cloud", "conflicts"])["conflicts"], json!([]));
    home.run(["doctor"]).exits(0);
    device.unlock(&[]).success();
    assert!(home.ok(["projects", "list", "--search", "CANARY"]).contains("Shop"));
}

#[test]
fn k47_while_it_is_locked_what_would_change_a_project_or_needs_its_text_is_refused_and_changes_nothing() {
    let device = Locked::new();
    let (home, id) = (&device.home, &device.id);
    let gone = deleted(&device);
    let file = home.file("projects.json", home.ok(["projects", "export"]));
    let file = file.to_str().unwrap();
    let out = home.path("out.json");
    device.lock().success();
    let state = || {
        let db = rusqlite::Connection::open(home.orkee().join("orkee.db")).unwrap();
        let texts = "SELECT group_concat(payload || ancestry) FROM (SELECT payload, ancestry FROM records UNION ALL \
                     SELECT payload, ancestry FROM history)";
        db.query_row(texts, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let before = state();
    for args in [
        &["projects", "add", "--name", "New"][..],
        &["projects", "edit", id, "--status", "review"],
        &["projects", "edit", id, "--description", "new words"],
        &["projects", "delete", id, "--yes"],
        &["projects", "restore", &gone],
        &["projects", "revert", id, "--to", "1"],
        &["projects", "export"],
        &["projects", "export", "--output", out.to_str().unwrap()],
        &["projects", "import", file],
        &["projects", "scan", "--yes", "."],
        &["undo"],
        &["cloud", "conflicts", "resolve", id, "--all", "cloud"],
        &["cloud", "sync"],
        &["cloud", "restore", "--yes"],
    ] {
        home.run(args).fails(4, "E-LOCK-001").says("orkee cloud key unlock");
    }
    assert_eq!(state(), before);
    assert!(!out.exists());
    let other = Home::new();
    let database = home.orkee().join("orkee.db");
    other
        .run(["projects", "import", "--from-db", database.to_str().unwrap()])
        .fails(2, "E-TRANSFER-010")
        .says("locked");
    assert_eq!(other.projects(), [json!(null); 0]);
}

#[test]
fn k48_the_key_is_in_memory_for_a_while_in_a_private_file_and_a_lock_takes_it_away() {
    let device = Locked::new();
    device.lock().success();
    assert!(device.key_file().is_none());
    device.home.run_with(["cloud", "key", "unlock"], "another passphrase").fails(4, "E-LOCK-004");
    assert!(device.key_file().is_none());
    device.unlock(&["--for", "1h"]).success();
    let file = device.key_file().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(device.description(), "canary-description-now");
    device.unlock(&["--for", "1s"]).success();
    orkee_tests::wait::until("the end of its time", || device.description().is_null().then_some(()));
    assert!(device.key_file().is_none());

    let until = device.home.run_with(["cloud", "key", "unlock", "--until-logout", "--json"], PASSPHRASE);
    assert_eq!(until.success().json()["until"], Value::Null);
    let file = device.key_file().unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    assert_eq!(device.description(), Value::Null, "others could have read it");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(device.description(), "canary-description-now");
    device.home.ok(["cloud", "key", "lock"]);
    assert!(device.key_file().is_none());
    assert_eq!(device.description(), Value::Null);

    // Whatever else fails: the key goes first.
    device.unlock(&[]).success();
    std::fs::set_permissions(device.session.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(device.home.orkee().join("config.toml"), "[lock]\nfields = [\"name\"]\n").unwrap();
    device.home.run(["cloud", "key", "lock"]).exits(2).says("setupScript");
    assert!(device.key_file().is_none());
}

#[test]
fn k49_where_there_is_no_memory_for_the_key_that_is_said_and_nothing_is_unlocked() {
    let mut device = Locked::new();
    device.home.set("XDG_RUNTIME_DIR", "");
    device.lock().success().says("XDG_RUNTIME_DIR").says("orkee cloud key lock --off");
    device.unlock(&[]).fails(2, "E-LOCK-002").says("XDG_RUNTIME_DIR").says("never written to a disk");
    std::fs::set_permissions(device.session.path(), PermissionsExt::from_mode(0o755)).unwrap();
    device.home.set("XDG_RUNTIME_DIR", device.session.path());
    device.unlock(&[]).fails(2, "E-LOCK-002").says("others than its owner");
    assert!(device.key_file().is_none());
}

#[test]
fn k50_a_lock_that_is_killed_anywhere_is_finished_by_the_next_one() {
    let device = Locked::new();
    let many: Vec<String> = (0..300)
        .map(|n| {
            format!("{{\"id\":\"m{n:07}\",\"name\":\"P{n}\",\"description\":\"canary-dev-script {n}\"}}")
        })
        .collect();
    let file = device.home.file("many.json", format!("{{\"version\":1,\"projects\":[{}]}}", many.join(",")));
    device.home.ok(["projects", "import", file.to_str().unwrap()]);
    for stage in ["sweeping", "wiping"] {
        killed_at(&device, &["cloud", "key", "lock"], stage);
        assert_eq!(device.home.projects().len(), 301, "whatever came of it");
    }
    device.lock().success();
    device.has_no_plain_byte();
    device.unlock(&[]).success();
    assert_eq!(device.description(), "canary-description-now");
    let all = device.home.projects();
    assert!(all.iter().all(|project| project.get("description").is_some()), "nothing was lost");
}

/// Starts a command that has the passphrase, and kills it as soon as the lock is at this stage. On a busy machine the stage may be over
/// before it is seen: then all is as it was, once more.
#[track_caller]
fn killed_at(device: &Locked, args: &[&str], stage: &str) {
    let before = tempfile::tempdir().unwrap();
    folder::replace(before.path(), &device.home.orkee());
    let is_killed = (0..50).any(|_| {
        folder::replace(&device.home.orkee(), before.path());
        is_killed_at(device, args, stage)
    });
    assert!(is_killed, "it was never {stage}");
}

/// Whether it could be.
fn is_killed_at(device: &Locked, args: &[&str], stage: &str) -> bool {
    let mut child = device
        .home
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), PASSPHRASE.as_bytes()).unwrap();
    let db = rusqlite::Connection::open(device.home.orkee().join("orkee.db")).unwrap();
    let is = || {
        db.query_row("SELECT stage FROM lock", [], |row| row.get::<_, String>(0)).is_ok_and(|it| it == stage)
    };
    while !is() {
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            return false;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap().signal().is_some()
}

#[test]
fn k51_taking_the_lock_off_gives_all_of_it_back_readable() {
    let device = Locked::new();
    let before = device.home.ok(["projects", "export"]);
    device.home.run(["cloud", "key", "lock", "--off"]).fails(2, "E-LOCK-006");
    device.lock().success();
    device.home.run_with(["cloud", "key", "lock", "--off"], "not it, not at all").fails(4, "E-LOCK-004");
    device.has_no_plain_byte();
    device.home.run_with(["cloud", "key", "lock", "--off"], PASSPHRASE).success();
    assert!(SECRETS.iter().all(|secret| holds(&device.home.orkee(), secret)));
    assert_eq!(device.home.ok(["projects", "export"]), before);
    device.unlock(&[]).fails(2, "E-LOCK-006");
}

#[test]
fn k52_a_setting_says_which_fields_and_nonsense_in_it_is_named() {
    let mut device = Locked::new();
    device.home.set("ORKEE_LOCK_FIELDS", "description, name");
    device.lock().exits(2).says("ORKEE_LOCK_FIELDS").says("setupScript").says("manualTasks");
    device.home.set("ORKEE_LOCK_FIELDS", "");
    std::fs::write(device.home.orkee().join("config.toml"), "[lock]\nfields = [\"devScript\"]\n").unwrap();
    device.lock().success();
    assert!(!holds(&device.home.orkee(), "canary-dev-script"));
    assert_eq!(device.description(), "canary-description-now", "it was not chosen");
    std::fs::write(device.home.orkee().join("config.toml"), "[lock]\nfields = \"description,setupScript\"\n")
        .unwrap();
    device.lock().success();
    assert!(holds(&device.home.orkee(), "canary-dev-script"), "chosen no more");
    assert!(
        !holds(&device.home.orkee(), "canary-description") && !holds(&device.home.orkee(), "canary-setup")
    );
}

#[test]
fn k53_another_passphrase_takes_the_place_of_the_old_one_and_a_forgotten_one_is_not_made_up_for_without_an_account()
 {
    let device = Locked::new();
    device.home.run_with(["cloud", "key", "lock"], "short").fails(2, "E-KEY-046");
    assert_eq!(device.description(), "canary-description-now");
    device.lock().success().says("if you forget the passphrase");
    device.home.run_with(["cloud", "key", "unlock", "--phrase"], "word ".repeat(24)).fails(4, "E-LOCK-005");
    device.unlock(&[]).success();
    device.home.run_with(["cloud", "key", "lock", "--new-passphrase"], "another long passphrase").success();
    device.unlock(&[]).fails(4, "E-LOCK-004");
    device.home.run_with(["cloud", "key", "unlock"], "another long passphrase").success();
    assert_eq!(device.description(), "canary-description-now");
}

#[test]
fn a_passphrase_on_standard_input_is_one_line_and_what_is_behind_it_is_refused() {
    let device = Locked::new();
    for given in [format!("{PASSPHRASE}\n{PASSPHRASE}\n"), format!("{PASSPHRASE}\n\n"), "x".repeat(1 << 20)] {
        let ran = device.home.run_with(["cloud", "key", "lock"], &given).fails(2, "E-CLI-001");
        assert!(!ran.stderr.contains(PASSPHRASE), "{ran}");
    }
    assert_eq!(device.description(), "canary-description-now", "nothing is locked");
    device.home.run_with(["cloud", "key", "lock"], format!("{PASSPHRASE}\r\n")).success();
    device.home.run_with(["cloud", "key", "unlock"], format!("{PASSPHRASE}\n")).success();
    device
        .home
        .run_with(["cloud", "key", "unlock"], format!("{PASSPHRASE}\n{PASSPHRASE}\n"))
        .fails(2, "E-CLI-001");
}

#[test]
fn a_question_for_a_secret_that_a_signal_ends_leaves_the_terminal_as_it_was() {
    let device = Locked::new();
    for signal in [Signal::TERM, Signal::HUP, Signal::QUIT] {
        let mut command = device.home.command(["cloud", "key", "lock"]);
        command.env("TERM", "xterm");
        let mut terminal = Terminal::open(command, 80);
        terminal.wait_for("Passphrase");
        let modes = terminal.modes();
        kill_process(Pid::from_child(&terminal.child), signal).unwrap();
        let ended = terminal.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(signal.as_raw()), "{ended}");
        let after = terminal.modes();
        assert!(!modes.contains("ECHO |") && after.contains("ECHO |"), "{modes}\n{after}");
    }
}
