//! Every error of the store, made to happen.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::diagnostic::{Diagnostic, Kind};
use crate::home::Home;

/// Set for the process that [`as_a_child`] starts: the folder that it works in.
const CHILD: &str = "ORKEE_TEST_FOLDER";
/// `nobody`: for tests that run as root, whom no permission stops.
const NOBODY: u32 = 65534;

fn filled() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    add(&mut Store::open(&path).unwrap(), "aaaaaaaa", "Shop");
    (folder, path)
}

fn try_add(path: &Path) -> Result<(), StoreError> {
    let mut store = Options::default().wait(Duration::from_millis(20)).open(path)?;
    store.add(Project::new(id("bbbbbbbb"), "Another")).map(drop)
}

/// The error, once its parts have been looked at; and the store as it was.
fn fails(path: &Path, code: &str, kind: Kind) -> StoreError {
    let error = try_add(path).unwrap_err();
    assert_eq!((error.code(), error.kind()), (code, kind), "{error:?}");
    assert!(error.hint().is_some());
    error
}

#[test]
fn what_is_to_be_there_is_not_made_where_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("orkee.db"), folder.path().join("home/orkee.db")] {
        let error = Options::default().existing().open(&path).err().unwrap();
        assert_eq!((error.code(), error.kind()), ("E-STORE-017", Kind::Failed), "{error:?}");
        assert!(error.hint().is_some());
    }
    let trail =
        Trail::new(&Home::at(folder.path()).unwrap(), |error| assert_eq!(error.code(), "E-STORE-017"));
    trail.existing().note(&AuditEntry::new("", AuditAction::Undo, AuditOutcome::Done));
    assert!(!folder.path().join("orkee.db").exists() && !folder.path().join("home").exists());
    let (_folder, path) = filled();
    assert!(Options::default().existing().open(&path).is_ok());
}

#[test]
fn a_database_that_another_process_is_writing_is_locked_and_waited_for() {
    let (_folder, path) = filled();
    let mut other = Store::open(&path).unwrap();
    other
        .write::<_, StoreError>(Durability::Full, |tx| {
            fails(&path, "E-STORE-001", Kind::Timeout);
            // Reading goes on meanwhile.
            assert_eq!(Store::open(&path)?.count()?, 1);
            tx.record(id("aaaaaaaa")).map(drop)
        })
        .unwrap();
    try_add(&path).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    fs::write(&path, "hello, I am text of more than a hundred bytes, ".repeat(20)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = fails(&path, "E-STORE-003", Kind::Failed);
    assert!(error.to_string().contains("orkee.db"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_with_damaged_pages_is_corrupt() {
    let (_folder, path) = filled();
    let mut bytes = fs::read(&path).unwrap();
    let page = 8192;
    bytes[page..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    fails(&path, "E-STORE-003", Kind::Failed);
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let (_folder, path) = filled();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    raw.close().unwrap();
    let before = fs::read(&path).unwrap();
    let error = fails(&path, "E-STORE-004", Kind::Failed);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    let known = migrations::known();
    assert_eq!(cause, format!("the database has schema 99, this version knows up to {known}"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&path).unwrap();
    fails(&path, "E-STORE-003", Kind::Failed);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_full_database_takes_the_whole_edit_back() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let error = store
        .update(id("aaaaaaaa"), |project| {
            project.description = Some("x".repeat(20_000));
            Ok::<_, StoreError>(())
        })
        .unwrap_err();
    assert_eq!((error.code(), error.kind()), ("E-STORE-005", Kind::Failed), "{error:?}");
    let stored = store.get(id("aaaaaaaa")).unwrap();
    assert_eq!((stored.number, stored.project().description), (1, None));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_names_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = fails(&file.join("below/orkee.db"), "E-STORE-006", Kind::Failed);
    assert!(error.to_string().contains("below/orkee.db"), "{error}");
}

#[test]
fn a_stored_payload_that_is_damaged_is_named_and_stops_only_itself() {
    let (_folder, path) = filled();
    let mut store = Store::open(&path).unwrap();
    add(&mut store, "bbbbbbbb", "Good");
    store.connection.execute("UPDATE records SET payload = '{\"id' WHERE id = 'aaaaaaaa'", []).unwrap();
    let error = store.get(id("aaaaaaaa")).unwrap_err();
    assert_eq!(error.code(), "E-STORE-007");
    assert!(error.to_string().contains("aaaaaaaa"));
    assert_eq!(names(&store, &Filter::default()), ["Good", "Shop"]);
}

#[test]
fn what_the_store_makes_only_its_owner_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home/orkee.db");
    let mut store = Store::open(&path).unwrap();
    add(&mut store, "aaaaaaaa", "Shop");
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

/// Runs `test` again in a process of its own, after `prepare`, with the folder in [`CHILD`].
fn as_a_child(test: &str, folder: &Path, prepare: impl FnOnce(&mut Command)) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", test]).env(CHILD, folder).current_dir("/");
    prepare(&mut command);
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

/// For the child: the error that its own work ends in.
fn child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(|folder| PathBuf::from(folder).join("orkee.db"))
}

#[test]
fn a_store_in_a_folder_that_is_not_ours_to_write_is_read_only() {
    if let Some(path) = child() {
        let error = try_add(&path).unwrap_err();
        assert!(matches!(error.code(), "E-STORE-002" | "E-STORE-006"), "{error:?}");
        assert_eq!(error.kind(), Kind::Failed);
        return;
    }
    let (folder, path) = filled();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let test = "store::tests::failures::a_store_in_a_folder_that_is_not_ours_to_write_is_read_only";
    as_a_child(test, folder.path(), |command| {
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY);
        }
    });
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(names(&Store::open(&path).unwrap(), &Filter::default()), ["Shop"]);
}

#[test]
fn a_write_that_the_system_cuts_short_takes_the_whole_edit_back() {
    if let Some(path) = child() {
        let mut store = Store::open(&path).unwrap();
        let limit = rustix::process::Rlimit { current: Some(64 << 10), maximum: Some(64 << 10) };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
        let text = "x".repeat(20_000);
        let mut last = Ok(());
        for n in 0..100 {
            let mut project = Project::new(ProjectId::random(), format!("{n}"));
            project.description = Some(text.clone());
            last = store.add(project).map(drop);
            if last.is_err() {
                break;
            }
        }
        let error = last.unwrap_err();
        assert!(matches!(error.code(), "E-STORE-005" | "E-STORE-006"), "{error:?}");
        return;
    }
    let (folder, path) = filled();
    let test = "store::tests::failures::a_write_that_the_system_cuts_short_takes_the_whole_edit_back";
    as_a_child(test, folder.path(), |command| {
        // The signal that the limit sends would end the process; ignored, the write fails.
        let inner = format!("trap '' XFSZ; exec {} \"$@\"", command.get_program().to_string_lossy());
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut shell = Command::new("sh");
        shell.args(["-c", &inner, "sh"]).args(args).env(CHILD, folder.path());
        *command = shell;
    });
    let store = Store::open(&path).unwrap();
    let check: String = store.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    assert!(names(&store, &Filter::default()).contains(&"Shop".to_owned()));
}
