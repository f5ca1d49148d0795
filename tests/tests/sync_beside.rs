//! No command waits for a sync: while its requests are under way and no answer comes, others read and write the store at will.

#![allow(clippy::unwrap_used)]

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use orkee_tests::device::{Device, many};
use orkee_tests::relay::{Relay, Way};
use orkee_tests::server::Server;
use orkee_tests::{tally, wait};
use rusqlite::{Connection, TransactionBehavior};

#[test]
fn c90f_local_commands_go_on_while_every_request_of_a_sync_is_kept_waiting() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    // The first sync of all looks before it sends anything: what is kept waiting here is to be a request with an edit.
    device.sync();
    let id = device.add("shop");
    relay.on_sync(Way::Held);
    let mut sync = device.orkee(&["cloud", "sync", "-q"]).stdout(Stdio::null()).spawn().unwrap();
    relay.wait_until_kept();
    let added = device.add("added meanwhile");
    for args in [
        &["projects", "edit", &id, "--description", "edited meanwhile"][..],
        &["projects", "list"],
        &["projects", "show", &id],
        &["projects", "history", &id],
        &["projects", "export"],
        &["projects", "locate", &id, "/"],
        &["projects", "delete", &added, "--yes"],
        &["projects", "restore", &added],
        &["cloud", "status", "--offline"],
        &["cloud", "conflicts"],
        &["cloud", "parked"],
    ] {
        device.run(args).success();
    }
    assert!(sync.try_wait().unwrap().is_none(), "the sync waits all the while");
    relay.pass();
    relay.release();
    assert!(sync.wait().unwrap().success());
    let other = Device::with_token(&relay.url, &server.token());
    device.sync();
    other.sync();
    assert_eq!(device.export(), other.export());
    assert_eq!(other.field(&id, "description"), "edited meanwhile");
}

/// Whether the write lock is free at this moment.
fn can_write(database: &mut Connection) -> bool {
    database.transaction_with_behavior(TransactionBehavior::Immediate).is_ok()
}

/// Runs a command of the device, and holds the answer to each of its requests until another connection had the write lock. If one
/// kept a transaction open while it waits for an answer, this would never end. Returns how many answers were held.
fn hold_each(device: &Device, relay: &Relay, args: &[&str]) -> usize {
    let mut database = Connection::open(device.home().join("orkee.db")).unwrap();
    database.busy_timeout(Duration::ZERO).unwrap();
    relay.on_sync(Way::Held);
    let mut held = 0;
    thread::scope(|scope| {
        let running = scope.spawn(|| device.run(args));
        let is_stopped = || running.is_finished() || relay.kept() > 0;
        while !running.is_finished() {
            wait::until("a request, or the end", || is_stopped().then_some(()));
            if relay.kept() > 0 {
                wait::until("the write lock", || can_write(&mut database).then_some(()));
                held += relay.kept();
                relay.release();
            }
        }
        running.join().unwrap().success();
    });
    relay.pass();
    held
}

#[test]
fn c90f_no_transaction_is_open_while_a_request_is_under_way() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let token = server.token();
    let (a, b) = (Device::with_token(&relay.url, &token), Device::with_token(&relay.url, &token));
    a.import(&many(2600));
    let sent = hold_each(&a, &relay, &["cloud", "sync", "-q"]);
    assert!(sent >= 6, "{sent} requests");
    b.add("makes the database");
    let fetched = hold_each(&b, &relay, &["cloud", "restore", "-q"]);
    assert!(fetched >= 3, "{fetched} requests");
    b.sync();
    a.sync();
    assert_eq!(a.export(), b.export());
    tally::note("requests under way with the write lock free", sent + fetched);
}
