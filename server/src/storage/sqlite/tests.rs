//! The suite over SQLite, and what is SQLite's alone.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::StorageError;
use super::super::suite::{Bench, storage_suite};
use super::{FILE, Sqlite};
use crate::storage::{Accounts, Backups, NewAccount};

/// A data folder, and a copy of it.
struct Folder {
    home: TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn copy(&self) -> PathBuf {
        self.home.path().join("copy")
    }
}

impl Bench for Folder {
    type Storage = Sqlite;

    fn open(&self) -> Sqlite {
        Sqlite::open(&self.data()).unwrap()
    }

    fn save(&self) {
        replace(&self.data(), &self.copy());
    }

    fn put_back(&self) {
        replace(&self.copy(), &self.data());
    }
}

fn replace(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

storage_suite!(Folder::new());

fn open_err(folder: &Folder) -> StorageError {
    Sqlite::open(&folder.data()).err().expect("it must not open")
}

#[test]
fn a_newer_schema_and_a_foreign_file_are_refused_and_left_alone() {
    let folder = Folder::new();
    drop(folder.open());
    let file = folder.data().join(FILE);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(open_err(&folder), StorageError::Newer { found: 99, .. }));

    fs::remove_dir_all(folder.data()).unwrap();
    fs::create_dir(folder.data()).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
    assert!(matches!(open_err(&folder), StorageError::Foreign(_)));
    fs::write(&file, b"this is no database, and never was one").unwrap();
    assert!(matches!(open_err(&folder), StorageError::Database { .. }));
    assert_eq!(fs::read(&file).unwrap(), b"this is no database, and never was one");
}

#[test]
fn a_folder_put_back_under_a_running_server_is_noticed() {
    let folder = Folder::new();
    let storage = folder.open();
    storage.account_by_email("a@b").unwrap();
    folder.save();
    folder.put_back();
    assert!(matches!(storage.account_by_email("a@b"), Err(StorageError::Replaced(_))));
    assert!(matches!(storage.drop_backup("x"), Err(StorageError::Replaced(_))));
    fs::remove_dir_all(folder.data()).unwrap();
    assert!(matches!(storage.account_by_email("a@b"), Err(StorageError::Replaced(_))));
}

#[test]
fn the_data_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let storage = folder.open();
    storage
        .create_account(&NewAccount { email: "a@b", password: "p", plan: "p" }, Timestamp::UNIX_EPOCH)
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.data()), 0o700);
    for file in fs::read_dir(folder.data()).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn every_question_of_a_quiet_sync_is_answered_by_an_index() {
    let folder = Folder::new();
    drop(folder.open());
    let connection = Connection::open(folder.data().join(FILE)).unwrap();
    for sql in super::records::READS.iter().chain(super::grants::READS) {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nothing: Vec<Option<i64>> = vec![None; statement.parameter_count()];
        let plan: Vec<String> = statement
            .query_map(rusqlite::params_from_iter(nothing), |row| row.get("detail"))
            .and_then(Iterator::collect)
            .unwrap();
        let plan = plan.join("; ");
        assert!(!plan.contains("SCAN") || plan.contains("SCAN CONSTANT ROW"), "{sql}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}
