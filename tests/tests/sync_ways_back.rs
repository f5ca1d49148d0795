//! Whatever overwrites one side names the way back: restores, decisions for one side, the state of an earlier time, mended stores.

#![allow(clippy::unwrap_used)]

use orkee_tests::device::Device;
use orkee_tests::server::Server;
use serde_json::{Value, json};

/// Two devices that both have one project.
fn pair(server: &Server) -> (Device, Device, String) {
    let token = server.token();
    let (a, b) = (Device::with_token(&server.url, &token), Device::with_token(&server.url, &token));
    let id = a.add("shop");
    a.sync();
    b.sync();
    (a, b, id)
}

fn describe(device: &Device, id: &str, text: &str) {
    device.edit(id, "--description", text);
}

#[test]
fn c83_what_local_wins_overwrote_in_the_cloud_can_be_taken_back() {
    for force in [true, false] {
        let server = Server::start();
        let (a, b, id) = pair(&server);
        describe(&a, &id, "from a");
        a.sync();
        describe(&b, &id, "from b");
        b.edit(&id, "--status", "review");
        let flags: &[&str] = if force { &["--force", "--local-wins"] } else { &["--local-wins"] };
        let planned = b.json(&[&["cloud", "sync", "--dry-run"], flags].concat());
        assert_eq!((&planned["restore_point"], &planned["merged"]), (&Value::Null, &json!(1)));
        let done = b.json(&[&["cloud", "sync"], flags].concat());
        let point = done["restore_point"].as_u64().unwrap().to_string();
        a.sync();
        assert_eq!(a.field(&id, "description"), "from b");

        assert_eq!(b.json(&["undo", &point])["changed"][0]["id"], id.as_str());
        b.sync();
        a.sync();
        assert_eq!(a.field(&id, "description"), "from a");
        let status = if force { "planning" } else { "review" };
        assert_eq!(a.field(&id, "status"), status, "without --force only what both changed was decided");
        assert_eq!(a.export(), b.export());
    }
}

#[test]
fn c86_what_a_restore_overwrote_here_can_be_taken_back() {
    let server = Server::start();
    let (a, b, id) = pair(&server);
    describe(&a, &id, "from a");
    a.sync();
    describe(&b, &id, "from b");
    b.run(&["cloud", "restore", "--force", "--cloud-wins"]).exits(2).says("shop").says("--yes");
    assert_eq!(b.field(&id, "description"), "from b");
    let told = b.run(&["cloud", "restore", "--force", "--cloud-wins", "--yes"]).success();
    assert!(told.stderr.contains("orkee undo 1"), "{told}");
    assert_eq!(b.field(&id, "description"), "from a");
    let points = b.json(&["undo", "--list"]);
    assert_eq!(points["points"][0]["operation"], "cloud restore --force --cloud-wins");
    b.run(&["undo"]).success();
    assert_eq!(b.field(&id, "description"), "from b");
    b.sync();
    a.sync();
    assert_eq!(a.field(&id, "description"), "from b");
}

#[test]
fn a_restore_of_one_project_merges_the_others_and_keeps_their_conflicts() {
    let server = Server::start();
    let (a, b, id) = pair(&server);
    let other = a.add("blog");
    a.sync();
    b.sync();
    for project in [&id, &other] {
        describe(&a, project, "from a");
        describe(&b, project, "from b");
    }
    a.sync();
    b.run(&["cloud", "restore", "--project", &id, "--yes"]).exits(5);
    assert_eq!([b.field(&id, "description"), b.field(&other, "description")], ["from a", "from b"]);
    let waiting = b.json(&["cloud", "conflicts"])["conflicts"].take();
    assert_eq!((waiting.as_array().unwrap().len(), &waiting[0]["id"]), (1, &json!(other)));
    assert_eq!(waiting[0]["cloud"], "from a");
}

#[test]
fn a_restore_that_overwrites_nothing_leaves_no_restore_point() {
    let server = Server::start();
    let (a, b, id) = pair(&server);
    a.add("blog");
    a.sync();
    assert_eq!(b.json(&["cloud", "restore"])["restore_point"], Value::Null);
    assert_eq!(b.json(&["undo", "--list"])["points"], json!([]));
    assert_eq!(b.field(&id, "name"), "shop");
}

#[test]
fn c76_restore_at_brings_back_the_state_of_an_earlier_time_and_the_next_sync_carries_it() {
    let server = Server::start();
    let (a, b, id) = pair(&server);
    describe(&a, &id, "early");
    a.sync();
    let then = jiff::Timestamp::now().to_string();
    describe(&a, &id, "late");
    let other = a.add("new");
    a.run(&["cloud", "restore", "--at", &then]).exits(2).says("--yes").says("shop");
    let planned = a.json(&["cloud", "restore", "--at", &then, "--dry-run"]);
    assert_eq!(
        (&planned["changed"][0]["fields"], &planned["dry_run"]),
        (&json!(["description"]), &json!(true))
    );
    assert_eq!(a.field(&id, "description"), "late");

    let done = a.json(&["cloud", "restore", "--at", &then, "--yes"]);
    assert_eq!(done["newer"][0]["id"], other.as_str());
    assert_eq!(a.field(&id, "description"), "early");
    a.sync();
    b.sync();
    assert_eq!(b.field(&id, "description"), "early");
    assert_eq!(b.field(&other, "name"), "new", "what did not exist then stays");
    a.run(&["undo"]).success();
    assert_eq!(a.field(&id, "description"), "late");
    a.run(&["cloud", "restore", "--at", "0s ago", "--project", "nothing0"]).exits(2).says("nothing0");
    a.run(&["cloud", "restore", "--at", "someday"]).exits(2).says("2h ago");
    a.run(&["cloud", "restore", "--at", "2999-01-01"]).exits(2).says("future");
}

#[test]
fn c83a_a_forced_sync_mends_a_store_whose_state_was_damaged() {
    let server = Server::start();
    let (a, b, id) = pair(&server);
    describe(&b, &id, "from b");
    b.sync();
    a.edit(&id, "--status", "review");
    let database = rusqlite::Connection::open(a.home().join("orkee.db")).unwrap();
    database
        .execute_batch("UPDATE tracking SET base_at = 77, clean_at = version, listed = 9; UPDATE spaces SET position = '999'")
        .unwrap();
    drop(database);
    a.run(&["doctor"]).exits(1);
    let done = a.json(&["cloud", "sync", "--force"]);
    assert_eq!(done["mended"], 2, "{done}");
    a.run(&["doctor"]).success();
    b.sync();
    assert_eq!(a.export(), b.export());
    assert_eq!([a.field(&id, "status"), a.field(&id, "description")], ["review", "from b"].map(Value::from));
}

#[test]
fn c89_a_record_that_was_set_aside_is_sent_again_when_it_is_retried() {
    let server = Server::start();
    let a = Device::with_token(&server.url, &server.token());
    let id = a.add("shop");
    // As a server that refused it would leave it.
    let database = rusqlite::Connection::open(a.home().join("orkee.db")).unwrap();
    database.execute("UPDATE tracking SET parked_at = version, parked = 'it is odd'", []).unwrap();
    drop(database);
    assert_eq!(a.sync()["pushed"], 0);
    assert_eq!(a.json(&["cloud", "parked"])["parked"][0]["reason"], "it is odd");
    a.run(&["cloud", "parked", "retry", "nothing0"]).exits(2);
    let retried = a.run(&["cloud", "parked", "retry", &id]).success();
    assert!(retried.stdout.contains("1 to be sent again"), "{retried}");
    assert_eq!(a.json(&["cloud", "parked"])["parked"], json!([]));
    assert_eq!(a.sync()["pushed"], 1);
}
