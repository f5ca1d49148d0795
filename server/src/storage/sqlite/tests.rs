//! The suite over SQLite, and what is SQLite's alone.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orkee_core::event::{EventKind, NewEvent, Owner, emit};
use orkee_core::id::SystemIds;
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::StorageError;
use super::super::suite::{Bench, storage_suite};
use super::{FILE, Sqlite};
use crate::secret::SecretHash;
use crate::storage::{
    Accounts, Backups, Cursor, Exchange, Exchanged, Grants, Head, NewAccount, Origin, PageLimit, Position,
    RecordId, Records,
};

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
        .create_account(&NewAccount { email: "a@b", password: Some("p"), plan: "p" }, Timestamp::UNIX_EPOCH)
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
    for sql in super::records::READS.iter().chain(super::grants::READS).chain(super::teams::READS) {
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

/// What version 1 kept: two accounts, one of which wrote, deleted, pruned, and is signed in.
const FIRST_SCHEMA: &str = "
    INSERT INTO accounts (rowid, id, email, password, plan, created_at, newest, pruned)
        VALUES (1, 'one', 'bob@example.com', 'phc b', 'Pro Plan', 5, 0, 0),
               (7, 'two', 'ann@example.com', 'phc', 'Pro Plan', 6, 9, 3);
    INSERT INTO runs (account, first, tag) VALUES (7, 1, 'old'), (7, 5, 'new');
    INSERT INTO records (rowid, account, id, revision, created, written_at, kind, envelope)
        VALUES (3, 7, 'aaaaaaaa', 8, 1, 10, 0, x'61'), (4, 7, 'bbbbbbbb', 9, 4, 11, 1, x'62');
    INSERT INTO replaced (record, revision, replaced_at, envelope) VALUES (3, 1, 10, x'63');
    INSERT INTO grants (rowid, id, account, name, created_at) VALUES (2, 'grant', 7, 'laptop', 5);
    INSERT INTO backups (rowid, id, account, created_at, bytes, sha256) VALUES (2, 'backup', 7, 5, 0, 'hash');";

#[test]
fn what_the_first_schema_kept_is_there_after_it_was_brought_up_to_date() {
    let folder = Folder::new();
    fs::create_dir(folder.data()).unwrap();
    let token = SecretHash::of("token");
    let connection = Connection::open(folder.data().join(FILE)).unwrap();
    connection.execute_batch(super::migrations::STEPS[0]).unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    connection.execute("INSERT INTO access_tokens (hash, grant_row) VALUES (?1, 2)", [token.0]).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.pragma_update(None, "application_id", super::migrations::APPLICATION).unwrap();
    drop(connection);

    let storage = folder.open();
    let (ann, password) = storage.account_by_email("ann@example.com").unwrap().unwrap();
    assert_eq!((ann.id.as_str(), password.as_deref(), ann.disabled), ("two", Some("phc"), false));
    let caller = storage.caller(token, Timestamp::UNIX_EPOCH).unwrap().unwrap();
    assert_eq!((caller.account.key, caller.device.as_str()), (ann.key, "laptop"));
    assert_eq!(storage.backups(ann.key).unwrap().len(), 1);
    let id = RecordId::new("aaaaaaaa").unwrap();
    assert_eq!(storage.record(ann.space, id).unwrap().unwrap().revision, 8);
    assert_eq!(storage.replaced(ann.space, id).unwrap().len(), 1);
    let ask = |since, number, tag: &str| {
        let cursor = Cursor {
            position: Some(Position { since, listing: 0 }),
            head: Some(Head { number, tag: tag.to_owned() }),
        };
        let page = PageLimit { changes: 10, bytes: 1 << 20 };
        let exchange = Exchange { cursor, writes: Vec::new(), page, witness: None, origin: Origin::Device };
        storage.exchange(ann.space, &exchange, Timestamp::UNIX_EPOCH).unwrap()
    };
    match ask(4, 4, "old") {
        Exchanged::Reply(reply) => assert_eq!((reply.page.len(), reply.page[0].stored.revision), (2, 8)),
        other => panic!("{other:?}"),
    }
    assert_eq!(ask(9, 9, "old"), Exchanged::NewEpoch);
    assert_eq!(ask(2, 4, "old"), Exchanged::Expired);
    let new = NewAccount { email: "eve@example.com", password: None, plan: "p" };
    let eve = storage.create_account(&new, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(storage.record(eve.space, id).unwrap(), None);
    drop(storage);
    drop(folder.open());
}

/// A database of the first schema, and in an unused place of its file something that was deleted.
fn with_something_deleted() -> (Folder, PathBuf) {
    let folder = Folder::new();
    fs::create_dir(folder.data()).unwrap();
    let file = folder.data().join(FILE);
    let connection = Connection::open(&file).unwrap();
    connection.pragma_update(None, "secure_delete", false).unwrap();
    connection.execute_batch(super::migrations::STEPS[0]).unwrap();
    connection.execute_batch(FIRST_SCHEMA).unwrap();
    connection
        .execute_batch(
            "UPDATE records SET envelope = CAST(replace(hex(zeroblob(1500)), '00', 'canary') AS BLOB) WHERE rowid = 3;
             UPDATE records SET envelope = x'61' WHERE rowid = 3; PRAGMA user_version = 1",
        )
        .unwrap();
    connection.pragma_update(None, "application_id", super::migrations::APPLICATION).unwrap();
    drop(connection);
    (folder, file)
}

fn has_canary(file: &Path) -> bool {
    fs::read(file).unwrap().windows(6).any(|bytes| bytes == b"canary")
}

#[test]
fn k58_what_an_older_version_deleted_is_in_no_file_after_it_was_brought_up_to_date() {
    let (folder, file) = with_something_deleted();
    assert!(has_canary(&file));
    drop(folder.open());
    assert!(!has_canary(&file));
}

#[test]
fn k58_a_database_that_cannot_be_written_anew_is_used_all_the_same_and_the_next_start_does_it() {
    let (folder, file) = with_something_deleted();
    let mut connection = Connection::open(&file).unwrap();
    let tx = connection.transaction().unwrap();
    super::migrations::steps(&tx, &file).unwrap();
    tx.commit().unwrap();
    let owed = |connection: &Connection| -> i64 {
        connection.query_row("SELECT count(*) FROM owed", [], |row| row.get(0)).unwrap()
    };
    {
        // Like a full disk, a statement under way lets everything else be done.
        let mut statement = connection.prepare("SELECT * FROM accounts").unwrap();
        let mut rows = statement.query([]).unwrap();
        assert!(rows.next().unwrap().is_some());
        super::migrations::overwrite_what_was_freed(&connection, &file).unwrap();
    }
    assert!(owed(&connection) == 1 && has_canary(&file));
    drop(connection);
    drop(folder.open());
    assert!(!has_canary(&file));
    assert_eq!(owed(&Connection::open(&file).unwrap()), 0);
}

#[test]
fn a_damaged_database_is_not_brought_up_to_date() {
    let folder = Folder::new();
    fs::create_dir(folder.data()).unwrap();
    let connection = Connection::open(folder.data().join(FILE)).unwrap();
    connection.execute_batch(super::migrations::STEPS[0]).unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO runs (account, first, tag) VALUES (9, 1, 'x')")
        .unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.pragma_update(None, "application_id", super::migrations::APPLICATION).unwrap();
    assert!(matches!(open_err(&folder), StorageError::Torn(_)));
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
}

#[test]
fn a_database_of_each_schema_keeps_events_after_it_was_brought_up_to_date() {
    for steps in 1..super::migrations::STEPS.len() {
        let folder = Folder::new();
        fs::create_dir(folder.data()).unwrap();
        let file = folder.data().join(FILE);
        let connection = Connection::open(&file).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        for step in &super::migrations::STEPS[..steps] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", steps).unwrap();
        connection.pragma_update(None, "application_id", super::migrations::APPLICATION).unwrap();
        drop(connection);
        drop(folder.open());
        let connection = Connection::open(&file).unwrap();
        connection
            .execute_batch(
                "INSERT INTO spaces (rowid) VALUES (70);
                 INSERT INTO endpoints (owner, id, url, filters, dispatcher, ordered, pulled, loopback, private, created_at)
                     VALUES (70, 'ep_1', 'https://example.com', '[]', 'webhook', 0, 0, 0, '[]', 0)",
            )
            .unwrap();
        let told = NewEvent::of(EventKind::ProjectCreated, "aaaaaaaa");
        let written = emit(&connection, Owner(70), &told, Timestamp::UNIX_EPOCH, &SystemIds).unwrap();
        assert_eq!(written, 1, "from schema {steps}");
    }
}
