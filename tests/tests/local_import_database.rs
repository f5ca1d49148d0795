//! `orkee projects import --from-db`: the database of an earlier Orkee, in every state that one may be found in.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use orkee_tests::home::{Home, Ran};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The tables of an earlier Orkee, as far as they matter, with what must never be read.
const SCHEMA: &str = "
    CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, project_root TEXT, description TEXT, status TEXT, priority TEXT,
        rank INTEGER, setup_script TEXT, dev_script TEXT, cleanup_script TEXT, task_source TEXT, tags TEXT, manual_tasks TEXT,
        mcp_servers TEXT, git_repository TEXT, created_at TEXT, updated_at TEXT, github_token_encrypted TEXT);
    CREATE TABLE users (id TEXT PRIMARY KEY, openai_api_key TEXT);
    INSERT INTO users VALUES ('default', 'TOPSECRET');
    INSERT INTO projects VALUES ('AbCd1234', 'Shop', '/srv/shop', 'Sells', 'active', 'high', 2, 'npm ci', 'npm start', 'rm -r dist',
        'manual', '[\"web\"]', '[{\"id\":1,\"title\":\"Write\",\"description\":\"\",\"details\":null,\"testStrategy\":null,\"priority\":\"high\",
        \"dependencies\":[],\"status\":\"in-progress\",\"subtasks\":[],\"createdAt\":\"2025-01-02T03:04:05.123456789Z\"}]',
        '{\"context7\":true}', '{\"owner\":\"acme\",\"repo\":\"shop\",\"url\":\"git@github.com:acme/shop.git\",\"branch\":null}',
        '2025-01-02T03:04:05.123456789+00:00', '2025-02-03 04:05:06', 'TOPSECRET');
    INSERT INTO projects (id, name, status) VALUES ('6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'By UUID', 'someday');
    INSERT INTO projects (id, name, status) VALUES ('gone1234', 'Gone', 'deleted');";

/// A database beside the person's files.
fn older(home: &Home) -> PathBuf {
    let path = home.folder("old").join("orkee.db");
    Connection::open(&path).unwrap().execute_batch(SCHEMA).unwrap();
    path
}

fn import(home: &Home, path: &Path) -> Ran {
    home.run(["projects", "import", "--from-db", path.to_str().unwrap()])
}

/// Every file of a folder, with a digest of its bytes. Another process reads them: that this one closed a file would end the locks
/// that it has by SQLite.
fn files(folder: &Path) -> Vec<String> {
    let output = Command::new("sh").args(["-c", "sha256sum *"]).current_dir(folder).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

/// Without the index of a log, in which readers say what they read: SQLite's own affair.
fn but_the_index(files: Vec<String>) -> Vec<String> {
    files.into_iter().filter(|file| !file.ends_with("-shm")).collect()
}

fn permit(folder: &Path, mode: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

/// Copies files as they are, whoever has them open.
fn copy(from: &Path, suffixes: &[&str], to: &Path) {
    for suffix in suffixes {
        let from = format!("{}{suffix}", from.display());
        assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
    }
}

#[track_caller]
fn has_all(home: &Home) {
    let names: Vec<Value> = home.projects().iter().map(|p| p["name"].clone()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn c66a_an_older_database_is_taken_over_in_todays_form_and_told_where_that_is_another() {
    let home = Home::new();
    let path = older(&home);
    let before = files(path.parent().unwrap());
    let done = home.json(["projects", "import", "--from-db", path.to_str().unwrap()]);
    assert_eq!(files(path.parent().unwrap()), before, "nothing is written to the source or beside it");
    let uuid = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
    assert_eq!(done["renamed"], json!([{"id": "d4oXBmgi", "from": uuid}]));
    assert_eq!(
        done["changed"],
        json!([{"id": "d4oXBmgi", "field": "status", "from": "someday", "to": null},
               {"id": "AbCd1234", "field": "status", "from": "active", "to": "building"}])
    );
    assert_eq!(done["deleted_there"], json!(["Gone"]));
    let shop = home.json(["projects", "show", "Shop"])["project"].take();
    for (field, value) in [
        ("projectRoot", json!("/srv/shop")),
        ("status", json!("building")),
        ("rank", json!(2)),
        ("tags", json!(["web"])),
        ("mcpServers", json!({"context7": true})),
        ("createdAt", json!("2025-01-02T03:04:05.123Z")),
        ("updatedAt", json!("2025-02-03T04:05:06.000Z")),
    ] {
        assert_eq!(shop[field], value, "{field}");
    }
    assert_eq!(shop["gitRepository"]["owner"], "acme");
    assert!(home.ok(["projects", "show", "Shop"]).contains("1  Write"), "its tasks can be read");
    let export = home.ok(["projects", "export"]);
    assert!(!export.contains("TOPSECRET"), "{export}");
    for entry in fs::read_dir(home.orkee()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(9).any(|window| window == b"TOPSECRET"));
    }

    let again = home.json(["projects", "import", "--from-db", path.to_str().unwrap()]);
    assert_eq!(again["unchanged"].as_array().unwrap().len(), 2, "{again}");
    assert_eq!(home.ok(["projects", "export"]), export);
}

#[test]
fn c66a_a_database_that_another_process_has_open_gives_what_is_committed_in_its_log() {
    let home = Home::new();
    let path = older(&home);
    let other = Connection::open(&path).unwrap();
    other.query_row("PRAGMA journal_mode = wal", [], |_| Ok(())).unwrap();
    other.execute_batch("UPDATE projects SET name = 'From the log' WHERE id = 'AbCd1234'").unwrap();
    let folder = path.parent().unwrap();
    let (names, before) = (files(folder).len(), but_the_index(files(folder)));
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE projects SET name = 'not yet' WHERE id = 'AbCd1234'")
        .unwrap();
    import(&home, &path).success();
    assert_eq!(home.projects()[0]["name"], "From the log");
    assert_eq!((files(folder).len(), but_the_index(files(folder))), (names, before));
}

#[test]
fn c66a_a_copied_log_is_read_and_no_file_is_made_beside_it() {
    let home = Home::new();
    let path = older(&home);
    let other = Connection::open(&path).unwrap();
    other.query_row("PRAGMA journal_mode = wal", [], |_| Ok(())).unwrap();
    other.execute_batch("UPDATE projects SET name = 'From the log' WHERE id = 'AbCd1234'").unwrap();
    // As `cp orkee.db orkee.db-wal BACKUP` leaves it.
    let backup = home.folder("backup");
    copy(&path, &["", "-wal"], &backup);
    let before = files(&backup);
    permit(&backup, 0o555);
    import(&home, &backup.join("orkee.db")).success();
    permit(&backup, 0o755);
    assert_eq!(home.projects()[0]["name"], "From the log");
    assert_eq!(files(&backup), before);

    // As a program leaves it that was killed.
    let killed = home.folder("killed");
    copy(&path, &["", "-wal", "-shm"], &killed);
    let other_home = Home::new();
    import(&other_home, &killed.join("orkee.db")).success();
    assert_eq!(other_home.projects()[0]["name"], "From the log");
    assert_eq!(but_the_index(files(&killed)), but_the_index(files(path.parent().unwrap())));

    // In WAL mode, and closed: the file alone.
    drop(other);
    assert_eq!(files(path.parent().unwrap()).len(), 1);
    let before = files(path.parent().unwrap());
    import(&home, &path).success();
    assert_eq!(files(path.parent().unwrap()), before);
    has_all(&home);
}

#[test]
fn c66a_an_unfinished_change_of_a_program_that_was_killed_is_not_taken_over() {
    let home = Home::new();
    let path = older(&home);
    let other = Connection::open(&path).unwrap();
    // Small enough a cache that the change reaches the file before it is committed.
    other
        .execute_batch(
            "PRAGMA cache_size = 1; BEGIN; UPDATE projects SET name = 'half'; \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) \
             INSERT INTO projects (id, name, description) SELECT 'x' || (1000000 + i), 'half', hex(zeroblob(500)) FROM n",
        )
        .unwrap();
    let killed = home.folder("killed");
    copy(&path, &["", "-journal"], &killed);
    let before = files(&killed);
    import(&home, &killed.join("orkee.db")).success();
    has_all(&home);
    assert_eq!(home.projects()[0]["name"], "Shop");
    assert_eq!(files(&killed), before);
}

#[test]
fn c66a_missing_columns_nulls_and_numbers_for_texts_are_no_obstacle() {
    let home = Home::new();
    let path = home.folder("old").join("few.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TABLE projects (ID TEXT, Name, rank TEXT, created_at INTEGER, tags BLOB, description INTEGER);
             INSERT INTO projects VALUES ('AAAAAAAA', 123, '7', 1735787045, x'5B2261225D', 5), ('BBBBBBBB', 'bare', NULL, NULL, '', NULL);",
        )
        .unwrap();
    import(&home, &path).success();
    let first = &home.projects()[0];
    assert_eq!((&first["name"], &first["rank"], &first["tags"]), (&json!("123"), &json!(7), &json!(["a"])));
    assert_eq!(
        (&first["createdAt"], &first["description"]),
        (&json!("2025-01-02T03:04:05.000Z"), &json!("5"))
    );
}

#[test]
fn c67_a_column_that_cannot_be_read_stops_the_import_and_is_named_with_its_project() {
    for (change, said) in [
        ("SET tags = '[\"cut' WHERE id = 'AbCd1234'", ["\"AbCd1234\"", "`tags` must be JSON"]),
        (
            "SET created_at = 'yesterday' WHERE id = 'AbCd1234'",
            ["\"AbCd1234\"", "`createdAt` must be a time"],
        ),
        ("SET name = '  ' WHERE id = 'AbCd1234'", ["\"AbCd1234\"", "`name`"]),
        ("SET id = '' WHERE id = 'AbCd1234'", ["project 1", "`id`"]),
        (
            "SET description = x'ff' WHERE id = 'AbCd1234'",
            ["\"AbCd1234\"", "`description` must be UTF-8 text"],
        ),
    ] {
        let home = Home::new();
        let path = older(&home);
        Connection::open(&path).unwrap().execute_batch(&format!("UPDATE projects {change}")).unwrap();
        import(&home, &path).fails(2, "E-TRANSFER-007").says(said[0]).says(said[1]);
        assert_eq!(home.projects().len(), 0, "{change}");
    }
}

#[test]
fn c67_two_rows_of_one_id_are_refused() {
    let home = Home::new();
    let path = home.folder("old").join("twice.db");
    let sql =
        "CREATE TABLE projects (id, name); INSERT INTO projects VALUES ('AAAAAAAA', 'a'), ('AAAAAAAA', 'b')";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    import(&home, &path).fails(2, "E-TRANSFER-005").says("AAAAAAAA");
    assert_eq!(home.projects().len(), 0);
}

#[test]
fn b23_what_is_no_database_of_an_orkee_is_refused_with_the_reason() {
    let home = Home::new();
    home.add("first");
    let before = home.projects();
    let none = home.file("none.db", "not a database at all, but long enough to look at".repeat(100));
    import(&home, &none).fails(2, "E-TRANSFER-010").says("is no database");
    let foreign = home.path("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    import(&home, &foreign).fails(2, "E-TRANSFER-010").says("another program");
    import(&home, &home.file("empty.db", "")).fails(2, "E-TRANSFER-010");
    let whole = fs::read(older(&home)).unwrap();
    import(&home, &home.file("cut.db", &whole[..whole.len() / 2])).fails(2, "E-TRANSFER-010").says("damaged");
    for path in [home.path("nowhere.db"), home.folder("folder")] {
        import(&home, &path).fails(2, "E-TRANSFER-008").says(path.to_str().unwrap());
    }
    let newer = home.path("newer.db");
    home.ok(["projects", "list"]);
    fs::copy(home.orkee().join("orkee.db"), &newer).unwrap();
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 999").unwrap();
    import(&home, &newer).fails(2, "E-TRANSFER-010").says("schema 999");
    import(&home, &home.orkee().join("orkee.db")).fails(2, "E-TRANSFER-011").says("itself");
    assert_eq!(home.projects(), before);
    home.add("the next one works");
}

#[test]
fn b23_c08_a_database_that_somebody_is_writing_to_is_said_after_a_wait() {
    let home = Home::new();
    let path = older(&home);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    import(&home, &path).fails(7, "E-TRANSFER-010").says("locked");
    other.execute_batch("ROLLBACK").unwrap();
    import(&home, &path).success();
    has_all(&home);
}
