//! Moving in on two devices at once: what both import, or find on their disks, is there once after a sync, and nothing is in conflict.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use orkee_tests::device::Device;
use orkee_tests::server::Server;
use rusqlite::Connection;
use serde_json::{Value, json};

/// A server, and two devices that are signed in to the same account.
fn pair() -> (Server, Device, Device) {
    let server = Server::start();
    let token = server.token();
    let (a, b) = (Device::with_token(&server.url, &token), Device::with_token(&server.url, &token));
    (server, a, b)
}

/// Each device takes the source in by itself; after that both sync. One of each, no conflict, the same bytes, and then silence.
#[track_caller]
fn one_of_each(a: &Device, b: &Device, import: &[&str], count: usize) {
    for device in [a, b] {
        device.run(&[&["projects", "import"], import].concat()).success();
    }
    for device in [a, b, a] {
        device.sync();
    }
    assert_eq!(a.export(), b.export());
    for device in [a, b] {
        assert_eq!(device.json(&["projects", "list"])["projects"].as_array().unwrap().len(), count);
        assert_eq!(device.json(&["cloud", "conflicts"])["conflicts"], json!([]));
        let third = device.sync();
        assert_eq!(
            (&third["pushed"], &third["pulled"], &third["merged"]),
            (&json!(0), &json!(0), &json!(0)),
            "{third}"
        );
    }
    assert_eq!(a.export(), b.export());
}

const OLDER: &str = "
    CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT, status TEXT, tags TEXT, manual_tasks TEXT, mcp_servers TEXT, created_at TEXT,
        updated_at TEXT);
    INSERT INTO projects VALUES ('AbCd1234', 'Shop', 'active', '[\"b\",\"a\"]', '[{\"id\":1,\"title\":\"Write\",\"details\":null}]',
        '[\"context7\"]', '2025-01-02 03:04:05', '2025-02-03 04:05:06');
    INSERT INTO projects VALUES ('6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'By UUID', NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO projects (id, name, updated_at) VALUES ('cafe-1', 'Half a date', '2025-02-03 04:05:06');";

#[test]
fn c66b_one_older_database_imported_on_two_devices_gives_one_of_each() {
    let (_server, a, b) = pair();
    let path = a.path("old.db");
    Connection::open(&path).unwrap().execute_batch(OLDER).unwrap();
    one_of_each(&a, &b, &["--from-db", path.to_str().unwrap()], 3);
}

#[test]
fn c66b_one_older_file_imported_on_two_devices_gives_one_of_each() {
    let (_server, a, b) = pair();
    let path = a.path("projects.json");
    let file = r#"{"version":"1.0.0","projects":{
        "AbCd1234":{"id":"AbCd1234","name":"Shop","projectRoot":"/srv/shop","status":"pre-launch","tags":null,"manualTasks":[
            {"id":1,"title":"t","description":"","dependencies":[],"status":"done","subtasks":[],"createdAt":"2025-01-02T03:04:05Z"}],
            "createdAt":"2025-01-02T03:04:05.123456789Z","updatedAt":"2025-01-02T03:04:05+02:00"},
        "6f9619ff-8b86-d011-b42d-00cf4fc964ff":{"name":"By UUID"}}}"#;
    fs::write(&path, file).unwrap();
    one_of_each(&a, &b, &[path.to_str().unwrap()], 2);
}

#[test]
fn c66b_one_export_imported_on_two_devices_gives_one_of_each_with_and_without_times() {
    let (_server, a, b) = pair();
    let path = a.path("export.json");
    let file = r#"{"version":1,"projects":[{"id":"AAAAAAAA","name":"timeless","tags":["x","y"]},
        {"id":"BBBBBBBB","name":"made","createdAt":"2025-01-02T03:04:05Z","future":{"b":1.50}},
        {"id":"CCCCCCCC","name":"dated","createdAt":"2025-01-02T03:04:05.000Z","updatedAt":"2025-02-03T04:05:06.000Z"}]}"#;
    fs::write(&path, file).unwrap();
    one_of_each(&a, &b, &[path.to_str().unwrap()], 3);
}

/// A git checkout on a device's disk.
fn checkout(device: &Device, name: &str) {
    let git = device.path(name).join(".git");
    fs::create_dir_all(&git).unwrap();
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(git.join("config"), "[remote \"origin\"]\n\turl = git@github.com:acme/shop.git\n").unwrap();
}

fn scan(device: &Device) -> Value {
    device.json(&["projects", "scan", "code", "--yes"])
}

#[test]
fn c74_a_scan_after_a_sync_locates_what_the_other_device_has() {
    let (_server, a, b) = pair();
    checkout(&a, "code/shop");
    checkout(&b, "code/deep/shop");
    let id = scan(&a)["added"][0]["id"].as_str().unwrap().to_owned();
    a.sync();
    // Both devices are on this machine: to the other one, the folder is nowhere.
    fs::rename(a.path("code"), a.path("moved")).unwrap();
    let planned = b.json(&["cloud", "restore", "--dry-run"]);
    assert_eq!(planned["missing_folders"], json!([]));
    let ran = b.run(&["cloud", "restore"]).success();
    assert!(
        ran.stderr.contains("1 project has no folder on this device") && ran.stderr.contains(&id),
        "{ran}"
    );
    let done = scan(&b);
    assert_eq!((&done["located"][0]["id"], &done["added"]), (&json!(id), &json!([])));
    assert_eq!(b.sync()["pushed"], 0, "a folder of this device is not sent");
    assert_eq!(scan(&b)["known"][0]["projects"], json!([id]));
}

#[test]
fn c69a_a_restore_names_a_few_projects_without_a_folder_here_and_looks_at_no_more_than_a_thousand() {
    let (_server, a, b) = pair();
    let project =
        |n: usize| format!("{{\"id\":\"{n:08}\",\"name\":\"p{n}\",\"projectRoot\":\"/nowhere/p{n}\"}}\n");
    a.import(&(0..1_001).map(project).collect::<String>());
    a.sync();
    let ran = b.run(&["cloud", "restore"]).success();
    assert!(ran.stderr.contains("Of the first 1000 projects, 1000 have no folder on this device"), "{ran}");
    assert!(ran.stderr.len() < 1_000, "{ran}");
    b.run(&["projects", "delete", "00000000", "--yes"]).success();
    let other = b.run(&["cloud", "restore"]).success();
    assert!(!other.stderr.contains("no folder"), "what was there before is no news: {other}");
    let missing = b.json(&["projects", "list", "--missing"])["projects"].take();
    assert_eq!(missing.as_array().unwrap().len(), 1_000);
}

#[test]
fn c74_what_two_devices_found_before_they_were_in_step_is_shown_with_both_ids() {
    let (_server, a, b) = pair();
    checkout(&a, "code/shop");
    checkout(&b, "code/shop");
    let mut ids = [&a, &b].map(|device| scan(device)["added"][0]["id"].as_str().unwrap().to_owned());
    ids.sort();
    a.sync();
    let ran = b.run(&["cloud", "sync"]).success();
    for text in ["2 projects are called shop", "of the same repository", &ids[0], &ids[1]] {
        assert!(ran.stderr.contains(text), "no {text}: {ran}");
    }
    a.sync();
    for device in [&a, &b] {
        let told = scan(device);
        assert_eq!((&told["added"], &told["located"]), (&json!([]), &json!([])));
        let named: Vec<&Value> =
            told["same_repository"][0]["projects"].as_array().unwrap().iter().map(|p| &p["id"]).collect();
        assert_eq!(named, [&json!(ids[0]), &json!(ids[1])]);
    }
    assert_eq!(a.export(), b.export());
}
