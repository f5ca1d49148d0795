//! Ways back on one device: restore points, bounds of history, and a look whether the store is sound.

#![allow(clippy::unwrap_used)]

use std::fs;

use orkee_tests::home::Home;
use serde_json::{Value, json};

#[test]
fn s13_what_an_import_overwrote_is_given_back_by_undo_and_that_can_be_undone() {
    let home = Home::new();
    let id = home.add("mine");
    let theirs = home.ok(["projects", "export"]).replace("\"mine\"", "\"theirs\"");
    let file = home.file("theirs.json", theirs);
    let file = file.to_str().unwrap();
    let done = home.json(["projects", "import", file, "--on-conflict", "replace"]);
    assert_eq!(done["restore_point"], 1);
    assert_eq!(home.projects()[0]["name"], "theirs");
    home.ok(["projects", "edit", &id, "--status", "review"]);

    let listed = home.json(["undo", "--list"]);
    assert_eq!(listed["points"][0]["operation"], "projects import");
    let undone = home.json(["undo"]);
    assert_eq!(undone["changed"][0]["fields"], json!(["name"]));
    assert_eq!(home.projects()[0]["name"], "mine");
    assert_eq!(home.projects()[0]["status"], "review", "what was written since stays");

    let quiet = home.run(["undo", &undone["restore_point"].to_string(), "-q"]).success();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    assert_eq!(home.projects()[0]["name"], "theirs");
}

#[test]
fn s13_with_nothing_to_undo_or_a_point_that_is_not_there_the_command_says_so() {
    let home = Home::new();
    home.run(["undo"]).fails(2, "E-STORE-016").says("there is nothing to undo");
    home.run(["undo", "7"]).fails(2, "E-STORE-016").says("orkee undo --list");
    assert_eq!(home.json(["undo", "--list"])["points"], json!([]));
}

#[test]
fn c75_history_is_bounded_by_the_settings_and_says_where_it_begins() {
    let mut home = Home::new();
    let id = home.add("v1");
    home.set("ORKEE_HISTORY_VERSIONS", "2");
    for n in 2..=6 {
        home.ok(["projects", "edit", &id, "--name", &format!("v{n}")]);
    }
    let versions = home.json(["projects", "history", &id])["versions"].take();
    let numbers: Vec<&Value> = versions.as_array().unwrap().iter().map(|v| &v["n"]).collect();
    assert_eq!(numbers, [4, 5, 6]);
    let shown = home.run(["projects", "history", &id]).success();
    assert!(shown.stdout.contains("older versions were forgotten"), "{shown}");
    home.set("ORKEE_HISTORY_VERSIONS", "many");
    home.run(["projects", "list"]).exits(2).says("ORKEE_HISTORY_VERSIONS").says("0 for no limit");
}

#[test]
fn s17_doctor_finds_what_makes_no_sense_and_changes_nothing() {
    let home = Home::new();
    let id = home.add("shop");
    let sound = home.json(["doctor"]);
    assert_eq!((&sound["sound"], &sound["findings"]), (&json!(true), &json!([])));

    let path = home.orkee().join("orkee.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute("UPDATE tracking SET base_at = 77", []).unwrap();
    database.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    let ran = home.run(["doctor", "--json"]).exits(1);
    let found = ran.json();
    assert_eq!(found["findings"][0]["id"], id.as_str());
    assert_eq!(found["findings"][0]["mended_by"], "orkee cloud sync --force");
    home.run(["doctor"]).exits(1).shows("hint: run `orkee cloud sync --force`");
    assert_eq!(fs::read(&path).unwrap(), before);

    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute("UPDATE spaces SET tenant = 'acme'", []).unwrap();
    drop(database);
    home.run(["doctor"]).exits(1).shows("hint: run `ORKEE_CLOUD_TENANT=acme orkee cloud sync --force`");
}

#[test]
fn s17_doctor_tells_a_damaged_file() {
    let home = Home::new();
    for n in 0..40 {
        home.add(&format!("project {n}"));
    }
    let path = home.orkee().join("orkee.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(database);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let ran = home.run(["doctor"]);
    assert_eq!(ran.code, Some(1), "{ran}");
}

#[test]
fn an_export_of_a_store_with_a_project_that_cannot_be_read_fails_instead_of_writing_what_nobody_can_read() {
    let home = Home::new();
    home.add("shop");
    let database = rusqlite::Connection::open(home.orkee().join("orkee.db")).unwrap();
    database.execute("UPDATE records SET payload = '{\"id\": \"x'", []).unwrap();
    drop(database);
    let file = home.path("export.json");
    for format in ["json", "ndjson", "toml"] {
        let args = ["projects", "export", "--format", format, "--output", file.to_str().unwrap()];
        home.run(args).fails(1, "E-STORE-007").says("orkee doctor");
        assert!(!file.exists());
    }
}
