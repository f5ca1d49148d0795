//! What is told of what happens on a device, and when: the real binary, what it writes, and what a receiver gets of it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use orkee_tests::device::{Device, many};
use orkee_tests::receiver::{Received, Receiver};
use orkee_tests::relay::{Relay, Seen, Way};
use orkee_tests::server::Server;
use rusqlite::Connection;
use serde_json::{Value, json};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:59";

/// More than come in one page.
const MANY: usize = 1100;

/// Sends the events of a device that these filters let through to a path of the receiver.
#[track_caller]
fn listen(device: &Device, receiver: &Receiver, filters: &[&str]) {
    let mut args =
        vec!["cloud", "webhook", "add", &receiver.url, "--local", "--allow-insecure-loopback", "-q"];
    for filter in filters {
        args.extend(["--event", filter]);
    }
    device.run(&args).success();
}

/// The bodies of so many events, once they have arrived, in the order in which they happened.
#[track_caller]
fn arrived(device: &Device, receiver: &Receiver, count: usize) -> Vec<Value> {
    device.run(&["cloud", "webhook", "drain"]).success();
    let mut bodies: Vec<Value> = receiver.wait_for(count).iter().map(Received::json).collect();
    bodies.sort_by_key(|body| body["timestamp"].as_str().unwrap().to_owned());
    assert_eq!((bodies.len(), events(device)), (count, count), "{bodies:#?}");
    bodies
}

/// How many events were ever written.
fn events(device: &Device) -> usize {
    count(device, "SELECT count(*) FROM events")
}

fn count(device: &Device, sql: &str) -> usize {
    let database = Connection::open(device.home().join("orkee.db")).unwrap();
    database.busy_timeout(Duration::from_secs(60)).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The only body of this event; without its time, which is one of the last minutes.
#[track_caller]
fn only(bodies: &[Value], event: &str) -> Value {
    let mut of_it = bodies.iter().filter(|body| body["event"] == event).cloned();
    let mut body = of_it.next().unwrap();
    assert_eq!(of_it.next(), None);
    let text = body["timestamp"].take();
    let text = text.as_str().unwrap();
    let at: jiff::Timestamp = text.parse().unwrap();
    assert!(text.ends_with('Z') && at.duration_until(jiff::Timestamp::now()).as_secs() < 600, "{text}");
    body.as_object_mut().unwrap().remove("timestamp");
    body
}

/// What is published of an event of a project.
fn body(event: &str, project: &str, sequence: u64, data: Value) -> Value {
    json!({"event": event, "type": event, "project_id": project, "sequence": sequence, "data": data})
}

#[test]
fn w08_w19_what_a_person_does_with_projects_arrives_as_published_and_numbered() {
    let (device, receiver) = (Device::new(NOWHERE), Receiver::start());
    listen(&device, &receiver, &[]);
    let id = device.add("Shop");
    device.run(&["projects", "edit", &id, "--name", "Store", "--description", "sells"]).success();
    device.run(&["projects", "edit", &id, "--name", "Store"]).success();
    device.run(&["projects", "delete", &id, "--yes"]).success();
    let bodies = arrived(&device, &receiver, 3);
    assert_eq!(only(&bodies, "project.created"), body("project.created", &id, 1, json!({"name": "Shop"})));
    let updated = json!({"name": "Store", "fields": ["description", "name"]});
    let mut told = only(&bodies, "project.updated");
    told["data"]["fields"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    assert_eq!(told, body("project.updated", &id, 2, updated));
    assert_eq!(only(&bodies, "project.deleted"), body("project.deleted", &id, 3, json!({"name": "Store"})));
}

#[test]
fn w08_what_import_scan_restore_revert_and_undo_do_is_told_and_what_they_only_try_is_not() {
    let (device, receiver) = (Device::new(NOWHERE), Receiver::start());
    listen(&device, &receiver, &["project.*"]);
    let export = device.path("export.json");
    std::fs::write(&export, many(3)).unwrap();
    let export = export.to_str().unwrap();
    device.run(&["projects", "import", export, "--dry-run"]).success();
    assert_eq!(events(&device), 0);
    device.run(&["projects", "import", export]).success();
    assert_eq!(events(&device), 3);
    std::fs::write(export, many(3).replace("project 1", "other 1")).unwrap();
    device.run(&["projects", "import", export, "--on-conflict", "replace"]).success();
    device.run(&["undo"]).success();
    assert_eq!(events(&device), 5);
    device.run(&["projects", "delete", "proj0000", "--yes"]).success();
    device.run(&["projects", "restore", "proj0000"]).success();
    device.run(&["projects", "revert", "proj0001", "--to", "2"]).success();
    assert_eq!(events(&device), 8);
    let found = device.path("code/found");
    std::fs::create_dir_all(&found).unwrap();
    let git = std::process::Command::new("git").arg("init").arg("-q").arg(&found).status().unwrap();
    assert!(git.success());
    let code = device.path("code");
    let scan = ["projects", "scan", code.to_str().unwrap()];
    device.run(&[&scan[..], &["--dry-run"]].concat());
    assert_eq!(events(&device), 8);
    device.run(&[&scan[..], &["--yes"]].concat()).success();
    let bodies = arrived(&device, &receiver, 9);
    let of = |id: &str| {
        let mut of_it: Vec<&Value> = bodies.iter().filter(|body| body["project_id"] == id).collect();
        of_it.sort_by_key(|body| body["sequence"].as_u64().unwrap());
        of_it
            .iter()
            .map(|body| (body["event"].as_str().unwrap(), body["data"]["name"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let (created, updated, deleted) = ("project.created", "project.updated", "project.deleted");
    assert_eq!(of("proj0000"), [(created, "project 0"), (deleted, "project 0"), (created, "project 0")]);
    assert_eq!(
        of("proj0001"),
        [(created, "project 1"), (updated, "other 1"), (updated, "project 1"), (updated, "other 1")]
    );
    assert_eq!(bodies.iter().filter(|body| body["data"]["name"] == "found").count(), 1);
}

#[test]
fn w08_what_a_device_does_with_a_server_arrives_as_published() {
    let mut server = Server::start();
    let (here, receiver) = (Device::new(&server.url), Receiver::start());
    listen(&here, &receiver, &["device.*", "sync.*", "conflict.detected"]);
    here.login(&server.person());
    let there = Device::new(&server.url).warmed_by(&here);
    there.login(&server.person());
    let id = here.add("Shop");
    here.sync();
    let bodies = arrived(&here, &receiver, 2);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let this = json!({"name": host, "platform": std::env::consts::OS});
    let of_device = |event: &str, sequence: u64, device: &Value| json!({"event": event, "type": event, "project_id": null, "sequence": sequence, "data": {"device": device}});
    assert_eq!(only(&bodies, "device.added"), of_device("device.added", 1, &this));
    assert_eq!(only(&bodies, "sync.completed"), body("sync.completed", &id, 1, json!({"name": "Shop"})));

    there.sync();
    there.edit(&id, "--name", "Theirs");
    there.sync();
    here.edit(&id, "--name", "Ours");
    here.sync_whatever();
    let bodies = arrived(&here, &receiver, 4);
    let conflict = json!({"name": "Ours", "field": "name"});
    assert_eq!(only(&bodies, "conflict.detected"), body("conflict.detected", &id, 2, conflict));
    assert_eq!(bodies.iter().filter(|body| body["event"] == "sync.completed").count(), 2);

    let devices = here.json(&["cloud", "devices"]);
    let other =
        devices["devices"].as_array().unwrap().iter().find(|device| device["current"] == false).unwrap();
    here.run(&["cloud", "devices", "revoke", other["id"].as_str().unwrap(), "--yes"]).success();
    let bodies = arrived(&here, &receiver, 5);
    let revoked = json!({"id": other["id"], "name": host, "platform": std::env::consts::OS});
    assert_eq!(only(&bodies, "device.revoked"), of_device("device.revoked", 2, &revoked));

    server.stop();
    let failed = here.run(&["cloud", "sync", "--json"]);
    assert_eq!(failed.code, Some(6), "{failed}");
    let bodies = arrived(&here, &receiver, 6);
    let told = only(&bodies, "sync.failed");
    assert_eq!((&told["project_id"], &told["sequence"]), (&Value::Null, &json!(3)));
    let audit = here.json(&["audit"]);
    assert_eq!(told["data"]["code"], audit["entries"][0]["code"], "{audit}");
    assert!(!told["data"]["message"].as_str().unwrap().is_empty());

    server.resume();
    here.run(&["cloud", "logout"]).success();
    let told = arrived(&here, &receiver, 7);
    let last = told
        .iter()
        .filter(|body| body["event"] == "device.revoked")
        .max_by_key(|body| body["sequence"].as_u64());
    assert_eq!(last.unwrap()["data"]["device"], this);
}

#[test]
fn w08a_a_hundred_projects_that_a_sync_brings_are_told_each_and_one_more_as_a_number() {
    let server = Server::start();
    for projects in [100, 101] {
        let token = server.account(&format!("of{projects}@example.com"));
        let there = Device::with_token(&server.url, &token);
        there.import(&many(projects));
        there.sync();
        let (here, receiver) = (Device::with_token(&server.url, &token).warmed_by(&there), Receiver::start());
        listen(&here, &receiver, &["sync.completed"]);
        here.run(&["cloud", "sync", "--dry-run"]).success();
        assert_eq!(events(&here), 0, "a dry run tells nothing");
        assert_eq!(here.sync()["pulled"], projects);
        if projects == 101 {
            let told = json!({"event": "sync.completed", "type": "sync.completed", "project_id": null, "sequence": 1, "count": 101});
            assert_eq!(only(&arrived(&here, &receiver, 1), "sync.completed"), told);
            continue;
        }
        let bodies = arrived(&here, &receiver, 100);
        let told: BTreeSet<&str> = bodies.iter().map(|body| body["project_id"].as_str().unwrap()).collect();
        assert_eq!(told.len(), 100);
        assert!(bodies.iter().all(|body| body.get("count").is_none() && body["event"] == "sync.completed"));
        here.sync();
        assert_eq!(events(&here), 100, "a sync that brings nothing tells nothing");
    }
}

#[test]
fn w08a_w16_what_a_sync_that_was_killed_between_two_pages_brought_is_told_by_the_next_one() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let token = server.token();
    let there = Device::with_token(&relay.url, &token);
    there.import(&many(MANY));
    there.sync();
    let (here, receiver) = (Device::with_token(&relay.url, &token).warmed_by(&there), Receiver::start());
    listen(&here, &receiver, &["sync.*"]);
    relay.decide(
        |seen: &Seen| if seen.path == "/v1/sync" && seen.earlier == 1 { Way::Held } else { Way::Through },
    );
    let mut sync =
        here.orkee(&["cloud", "sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    relay.wait_until_kept();
    sync.kill().unwrap();
    sync.wait().unwrap();
    relay.release();
    relay.pass();
    assert_eq!((count(&here, "SELECT count(*) FROM records"), events(&here)), (500, 0));
    assert_eq!(here.sync()["pulled"], MANY - 500);
    assert_eq!(only(&arrived(&here, &receiver, 1), "sync.completed")["count"], MANY);
}

#[test]
fn w16_w17_an_import_that_is_killed_at_any_moment_leaves_an_event_of_each_project_that_it_left_and_of_no_other()
 {
    let mut left = BTreeSet::new();
    for delay in (0..).map(|n| n * 15) {
        let (device, receiver) = (Device::new(NOWHERE), Receiver::start());
        listen(&device, &receiver, &["project.created"]);
        let export = device.path("export.json");
        std::fs::write(&export, many(3000)).unwrap();
        let args = ["projects", "import", export.to_str().unwrap()];
        let mut import = device.orkee(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        import.kill().unwrap();
        import.wait().unwrap();
        let pairs = "SELECT count(*) FROM events v JOIN records r ON r.id = v.project AND r.space = v.owner";
        let projects = count(&device, "SELECT count(*) FROM records");
        assert_eq!((events(&device), count(&device, pairs)), (projects, projects), "after {delay} ms");
        left.insert(projects);
        if projects > 0 {
            break;
        }
    }
    assert_eq!(left, [0, 3000].into(), "it was killed before and after its end");
}

#[test]
fn w17_what_is_refused_or_taken_back_tells_nothing() {
    let (device, receiver) = (Device::new(NOWHERE), Receiver::start());
    listen(&device, &receiver, &[]);
    let id = device.add("Shop");
    device.run(&["projects", "edit", &id, "--status", "no-such-status"]).exits(2);
    device.run(&["projects", "add", "--name", ""]).exits(2);
    device.run(&["projects", "delete", "no-such-project", "--yes"]).exits(2);
    // The database fails in the middle of the transaction, behind the event.
    let database = Connection::open(device.home().join("orkee.db")).unwrap();
    database
        .execute_batch("CREATE TRIGGER fails BEFORE UPDATE ON writer BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    device.run(&["projects", "edit", &id, "--name", "Store"]).exits(1);
    database.execute_batch("DROP TRIGGER fails").unwrap();
    assert_eq!(arrived(&device, &receiver, 1)[0]["event"], "project.created");
    device.edit(&id, "--name", "Store");
    assert_eq!(arrived(&device, &receiver, 2)[1]["sequence"], 2, "what was taken back has no number");
}
