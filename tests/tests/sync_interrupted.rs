//! Syncs that are killed, that meet another one, or whose server forgets: the end is the same, and nothing is lost.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Child, Stdio};

use orkee_tests::device::{Device, many};
use orkee_tests::folder;
use orkee_tests::home::Ran;
use orkee_tests::relay::{Relay, Seen, Way};
use orkee_tests::server::Server;
use serde_json::{Value, json};

/// More than the server takes in two requests.
const MANY: usize = 1100;

fn start(device: &Device, args: &[&str]) -> Child {
    device.orkee(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Kills a command at the moment when the `nth` sync request is kept waiting in this way.
fn kill_at(device: &Device, relay: &Relay, args: &[&str], nth: usize, way: &Way) {
    let way = way.clone();
    let is_meant = move |seen: &Seen| seen.path == "/v1/sync" && seen.earlier == nth;
    relay.decide(move |seen| if is_meant(seen) { way.clone() } else { Way::Through });
    let mut child = start(device, args);
    relay.wait_until_kept();
    assert!(child.try_wait().unwrap().is_none(), "it waits for the answer");
    child.kill().unwrap();
    child.wait().unwrap();
    relay.release();
    relay.pass();
}

fn projects(device: &Device) -> Vec<Value> {
    let export: Value = serde_json::from_str(&device.export()).unwrap();
    export["projects"].as_array().unwrap().clone()
}

#[test]
fn c90_a_sync_that_is_killed_at_any_request_ends_the_same_when_it_is_run_again() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    // One request looks what is there, three bring the batches.
    for nth in 0..4 {
        for way in [Way::Held, Way::Ignored] {
            let token = server.account(&format!("{way:?}{nth}@example.com"));
            let a = Device::with_token(&relay.url, &token);
            a.import(&many(MANY));
            kill_at(&a, &relay, &["cloud", "sync"], nth, &way);
            a.edit("proj0000", "--description", "edited after the kill");
            a.sync();
            let b = Device::with_token(&relay.url, &token);
            b.json(&["cloud", "restore"]);
            assert_eq!(b.export(), a.export(), "{way:?} {nth}");
            assert_eq!(projects(&b).len(), MANY);
            let again = a.sync();
            assert_eq!([&again["round_trips"], &again["pushed"]], [1, 0], "{again}");
        }
    }
}

#[test]
fn c90_a_restore_that_is_killed_on_a_later_page_goes_on() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let token = server.token();
    let (a, b) = (Device::with_token(&relay.url, &token), Device::with_token(&relay.url, &token));
    a.import(&many(MANY));
    a.sync();
    kill_at(&b, &relay, &["cloud", "restore"], 1, &Way::Held);
    assert_eq!(projects(&b).len(), 500, "the first page is kept");
    let done = b.json(&["cloud", "restore"]);
    assert_eq!(done["pulled"], MANY - 500, "{done}");
    assert_eq!(b.export(), a.export());
}

#[test]
fn what_another_device_made_of_a_version_whose_answer_was_lost_is_joined_with_what_was_edited_meanwhile() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let token = server.token();
    let (a, b) = (Device::with_token(&relay.url, &token), Device::with_token(&relay.url, &token));
    // The first sync of all looks before it sends anything.
    a.sync();
    let id = a.add("shop");
    kill_at(&a, &relay, &["cloud", "sync"], 0, &Way::Held);
    b.sync();
    b.edit(&id, "--name", "renamed on b");
    b.sync();
    a.edit(&id, "--description", "described on a");
    assert_eq!(a.sync()["conflicts"], 0);
    b.sync();
    assert_eq!(a.export(), b.export());
    assert_eq!(
        [a.field(&id, "name"), a.field(&id, "description")],
        ["renamed on b", "described on a"].map(Value::from)
    );
}

#[test]
fn c08_a_second_sync_at_the_same_time_is_told_who_is_at_it() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    let id = device.add("shop");
    relay.on_sync(Way::Held);
    let mut first = start(&device, &["cloud", "sync", "--json"]);
    relay.wait_until_kept();
    for command in ["sync", "restore"] {
        device.run(&["cloud", command, "-q"]).fails(7, "E-SYNC-004").says(&format!("process {}", first.id()));
    }
    // Local work goes on meanwhile.
    device.edit(&id, "--description", "while a sync runs");
    assert!(first.try_wait().unwrap().is_none());
    relay.pass();
    relay.release();
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    device.sync();
    let other = Device::with_token(&relay.url, &server.token());
    other.sync();
    assert_eq!(other.field(&id, "description"), "while a sync runs");
}

/// An account with three devices, whose server can be put back.
struct Account {
    server: Server,
    relay: Relay,
    a: Device,
    b: Device,
    c: Device,
}

impl Account {
    fn new() -> Self {
        let server = Server::start();
        let relay = Relay::to(&server.url);
        let token = server.token();
        let device = || Device::with_token(&relay.url, &token);
        let (a, b, c) = (device(), device(), device());
        Self { server, relay, a, b, c }
    }

    fn start_server(&mut self) {
        self.server.start_again();
        self.relay.lead_to(&self.server.url);
    }

    /// Keeps a copy of the server's folder.
    fn back_up(&mut self, copy_at: &Path) {
        self.server.stop();
        folder::replace(copy_at, &self.server.data());
        self.start_server();
    }

    /// Puts the copy back.
    fn put_back(&mut self, copy_at: &Path) {
        self.server.stop();
        folder::replace(&self.server.data(), copy_at);
        self.start_server();
    }
}

#[test]
fn a_server_whose_folder_was_put_back_and_written_past_its_old_end_loses_nothing_of_any_device() {
    let mut account = Account::new();
    let backup = tempfile::tempdir().unwrap();
    let old = account.a.add("old");
    let dropped = account.a.add("dropped later");
    account.a.sync();
    account.b.sync();
    account.back_up(backup.path());

    let after = account.a.add("after the copy");
    account.a.edit(&old, "--description", "edited after the copy");
    account.a.run(&["projects", "delete", &dropped, "--yes"]).success();
    account.a.sync();
    let on_b = account.b.add("of b after the copy");
    account.b.sync();
    account.a.sync();
    let waiting = account.b.add("not sent yet");

    account.put_back(backup.path());
    let fresh: Vec<String> = (0..12).map(|i| account.c.add(&format!("fresh {i}"))).collect();
    account.c.sync();

    let told: Ran = account.a.run(&["cloud", "sync"]).success();
    told.says("put back to an older state");
    for device in [&account.b, &account.c, &account.a, &account.b] {
        device.sync();
    }
    assert_eq!(account.a.export(), account.b.export());
    assert_eq!(account.a.export(), account.c.export());
    let names: Vec<String> =
        projects(&account.c).iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect();
    assert!([&old, &after, &on_b, &waiting].into_iter().chain(&fresh).all(|id| names.contains(id)));
    assert_eq!(account.c.field(&old, "description"), "edited after the copy");
    assert!(!names.contains(&dropped), "what was deleted stays deleted");
    assert_eq!(account.a.json(&["cloud", "conflicts"])["conflicts"], json!([]));
    let quiet = account.a.sync();
    assert_eq!([&quiet["round_trips"], &quiet["pushed"]], [1, 0], "{quiet}");
}

#[test]
fn a_device_whose_folder_was_put_back_goes_on_without_taking_anything_back() {
    let account = Account::new();
    let backup = tempfile::tempdir().unwrap();
    let (a, b) = (&account.a, &account.b);
    let id = a.add("shop");
    a.sync();
    folder::replace(backup.path(), &a.home());
    a.edit(&id, "--description", "newer than the backup");
    a.sync();
    b.sync();
    folder::replace(&a.home(), backup.path());
    a.edit(&id, "--name", "renamed after the backup came back");
    a.sync();
    b.sync();
    assert_eq!(a.export(), b.export());
    assert_eq!(
        [a.field(&id, "name"), a.field(&id, "description")],
        ["renamed after the backup came back", "newer than the backup"].map(Value::from)
    );
}
