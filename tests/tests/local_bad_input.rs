//! What a person, a file or the system gives `orkee` that it cannot take: a clear error with a hint and the exit code of its
//! kind, the store as it was, and a next command that works.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

use orkee_tests::home::{Home, Ran, finish};
use orkee_tests::namespace;
use rusqlite::Connection;
use serde_json::Value;

/// A device with one project, and what it looked like before.
fn with_one_project() -> (Home, Vec<Value>) {
    let home = Home::new();
    home.add("first");
    let before = home.projects();
    (home, before)
}

#[track_caller]
fn nothing_changed(home: &Home, before: &[Value]) {
    assert_eq!(home.projects(), before);
    home.add("the next one works");
}

fn add(home: &Home, name: &str) -> Ran {
    home.run(["projects", "add", "--name", name])
}

#[test]
fn b01_an_empty_or_blank_name_is_refused() {
    let (home, before) = with_one_project();
    for name in ["", "   "] {
        add(&home, name).fails(2, "E-PROJECT-001").says("name");
    }
    nothing_changed(&home, &before);
}

#[test]
fn b02_a_name_of_ten_kilobytes_is_refused_and_the_error_stays_short() {
    let (home, before) = with_one_project();
    let ran = add(&home, &"x".repeat(10 * 1024)).fails(2, "E-PROJECT-001").says("characters");
    assert!(ran.stderr.len() < 1000, "{ran}");
    nothing_changed(&home, &before);
}

#[test]
fn b03_control_characters_in_a_name_are_refused_and_not_repeated() {
    let (home, before) = with_one_project();
    for name in ["tab\there", "bell\u{7}", "title\u{1b}]0;x\u{7}", "line\nbreak", "turned\u{202e}round"] {
        let ran = add(&home, name).fails(2, "E-PROJECT-001").says("control character");
        assert!(!ran.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{ran}");
    }
    nothing_changed(&home, &before);
}

#[test]
fn b04_a_path_that_is_not_there_is_refused() {
    let (home, before) = with_one_project();
    let file = home.file("a-file", "");
    for path in ["nowhere/at/all", file.to_str().unwrap()] {
        home.run(["projects", "add", "--name", "x", "--path", path]).fails(2, "E-CLI-001").says("folder");
        home.run(["projects", "locate", "first", path]).fails(2, "E-CLI-001").says("folder");
    }
    nothing_changed(&home, &before);
}

#[test]
fn c60_without_a_terminal_a_missing_name_is_said_and_nothing_waits() {
    let (home, before) = with_one_project();
    home.run(["projects", "add"]).fails(2, "E-CLI-001").says("--name");
    nothing_changed(&home, &before);
}

/// An export of two projects to be damaged.
fn export() -> String {
    let home = Home::new();
    home.add("one");
    home.add("two");
    home.ok(["projects", "export"])
}

#[test]
fn b05_a_truncated_import_is_refused_whole_wherever_it_is_cut() {
    let (home, before) = with_one_project();
    let whole = export();
    for part in [1, whole.len() / 3, whole.len() / 2, whole.len() - 10, whole.trim_end().len() - 1] {
        let file = home.file("cut.json", &whole[..part]);
        let ran = home.run(["projects", "import", file.to_str().unwrap()]);
        ran.fails(2, "E-TRANSFER-001").says("nothing was imported");
    }
    home.run(["projects", "import", home.file("empty.json", "").to_str().unwrap()]).exits(2);
    nothing_changed(&home, &before);
}

#[test]
fn b06_an_import_of_an_unknown_version_is_refused() {
    let (home, before) = with_one_project();
    let later = export().replace("\"version\": 1", "\"version\": 99");
    home.run_with(["projects", "import", "-"], later).fails(2, "E-TRANSFER-003").says("99");
    nothing_changed(&home, &before);
}

#[test]
fn b07_c67_an_import_with_an_id_twice_is_refused_whole() {
    let (home, before) = with_one_project();
    let file = r#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"a"},{"id":"BBBBBBBB","name":"b"},{"id":"AAAAAAAA","name":"c"}]}"#;
    home.run_with(["projects", "import", "-"], file).fails(2, "E-TRANSFER-005").says("AAAAAAAA");
    nothing_changed(&home, &before);
}

#[test]
fn b08_an_import_of_500_mb_is_refused_without_taking_the_memory() {
    let (home, before) = with_one_project();
    let path =
        home.file("large.json", r#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"a","description":""#);
    let mut file = File::options().append(true).open(&path).unwrap();
    let chunk = vec![b'x'; 1 << 20];
    (0..500).for_each(|_| file.write_all(&chunk).unwrap());
    file.write_all(br#""}]}"#).unwrap();
    let ran = limited(&home, "ulimit -v 300000", &["projects", "import", path.to_str().unwrap()]);
    ran.fails(2, "E-TRANSFER-006").says("nothing was imported");

    // Zeros to the end: no JSON at all, seen at the first byte.
    File::create(&path).unwrap().set_len(500 << 20).unwrap();
    limited(&home, "ulimit -v 300000", &["projects", "import", path.to_str().unwrap()]).exits(2);
    nothing_changed(&home, &before);
}

/// Runs `orkee` under a limit of the shell.
fn limited(home: &Home, limit: &str, args: &[&str]) -> Ran {
    let mut shell = home.shell(&format!("{limit}; exec \"$ORKEE\" \"$@\""));
    shell.arg("bash").args(args);
    finish(shell, &[])
}

#[test]
fn b09_c08_a_locked_database_is_said_after_a_wait_and_can_still_be_read() {
    let (home, before) = with_one_project();
    let other = Connection::open(home.orkee().join("orkee.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    add(&home, "second").fails(7, "E-STORE-001").says("locked");
    assert_eq!(home.projects(), before, "reading never waits for a writer");
    other.execute_batch("ROLLBACK").unwrap();
    nothing_changed(&home, &before);
}

#[test]
fn b11_a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let home = Home::new();
    fs::create_dir_all(home.orkee()).unwrap();
    let database = home.orkee().join("orkee.db");
    let garbage = "not a database at all, but long enough to be looked at. ".repeat(100);
    fs::write(&database, &garbage).unwrap();
    for args in [&["projects", "list"][..], &["projects", "add", "--name", "x"]] {
        home.run(args).fails(1, "E-STORE-003").says("orkee.db");
    }
    assert_eq!(fs::read_to_string(&database).unwrap(), garbage);
}

#[test]
fn b11_a_damaged_page_is_told_and_not_made_worse() {
    let home = Home::new();
    for n in 0..50 {
        home.add(&format!("project {n} {}", "x".repeat(150)));
    }
    let database = home.orkee().join("orkee.db");
    Connection::open(&database).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let mut file = File::options().write(true).open(&database).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xA5; usize::try_from(length).unwrap() - 4096]).unwrap();
    let damaged = fs::read(&database).unwrap();
    home.run(["projects", "list"]).fails(1, "E-STORE-003");
    add(&home, "x").fails(1, "E-STORE-003");
    assert!(fs::read(&database).unwrap() == damaged, "the damaged file was changed");
}

#[test]
fn b12_a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (home, before) = with_one_project();
    let database = Connection::open(home.orkee().join("orkee.db")).unwrap();
    let version: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    home.run(["projects", "list"]).fails(1, "E-STORE-004").says("999").says("update orkee");
    add(&home, "x").fails(1, "E-STORE-004");
    database.pragma_update(None, "user_version", version).unwrap();
    nothing_changed(&home, &before);
}

#[test]
fn b10_a_database_that_cannot_be_written_is_said() {
    let (home, before) = with_one_project();
    let ran = namespace::run(
        &home.command([""; 0]),
        r#"mount --bind "$ORKEE_HOME" "$ORKEE_HOME"; mount -o remount,bind,ro "$ORKEE_HOME"; exec "$ORKEE" projects add --name x"#,
    );
    if let Some(ran) = ran {
        ran.fails(1, "E-STORE-002").says("read-only");
    }
    nothing_changed(&home, &before);
}

#[test]
fn b13_a_full_disk_takes_nothing_back_that_was_there_and_adds_nothing() {
    let home = Home::new();
    let script = r#"
        mkdir -p "$ORKEE_HOME"; mount -t tmpfs -o size=1m tmpfs "$ORKEE_HOME"
        "$ORKEE" projects add --name kept >&2
        dd if=/dev/zero of="$ORKEE_HOME/filler" bs=4k 2>/dev/null || true
        code=0; "$ORKEE" projects add --name lost --description "$(printf '%10000s' x)" --json || code=$?
        echo "exit $code" >&2
        rm "$ORKEE_HOME/filler"
        "$ORKEE" projects add --name after >&2
        "$ORKEE" projects list >&2"#;
    let Some(ran) = namespace::run(&home.command([""; 0]), script) else {
        return;
    };
    let ran = ran.success().says("exit 1").says("kept").says("after");
    assert_eq!(ran.json()["error"]["code"], "E-STORE-005", "{ran}");
    assert!(!ran.stderr.contains("\tlost\t"), "{ran}");
}

#[test]
fn b13_a_limit_on_the_size_of_files_is_an_error_and_not_half_a_project() {
    let (home, before) = with_one_project();
    let description = "x".repeat(20_000);
    let args = ["projects", "add", "--name", "lost", "--description", &description];
    let ran = limited(&home, "trap '' XFSZ; ulimit -f 8", &args).exits(1);
    assert!(ran.stderr.starts_with("error[E-STORE-00"), "{ran}");
    nothing_changed(&home, &before);
}

#[test]
fn a_broken_settings_file_is_named_with_its_line() {
    let (home, _) = with_one_project();
    fs::write(home.orkee().join("config.toml"), "[cloud\n").unwrap();
    home.run(["projects", "list"]).fails(2, "E-CONFIG-003").says("config.toml");
    fs::remove_file(home.orkee().join("config.toml")).unwrap();
    fs::write(home.orkee().join(".env"), "A=1\nnonsense\n").unwrap();
    home.run(["projects", "list"]).fails(2, "E-CONFIG-002").says("line 2");
}

#[test]
fn a_home_folder_that_cannot_be_made_is_said() {
    let mut home = Home::new();
    let file = home.file("in-the-way", "");
    home.set("ORKEE_HOME", file.join("below"));
    home.run(["projects", "list"]).fails(2, "E-HOME-002").says("ORKEE_HOME");
}
