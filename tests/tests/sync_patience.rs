//! How long a sync goes on trying: repetitions, pauses that the server asks for, a deadline for all of it, none where nobody is
//! there; what stays of a sync that ends early; and Ctrl-C at any moment.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use orkee_tests::device::{Device, many};
use orkee_tests::relay::{Relay, Seen, Way, reply};
use orkee_tests::server::Server;
use orkee_tests::{tally, trace};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const SYNC: &str = "/v1/sync";

fn count(device: &Device) -> usize {
    device.json(&["projects", "list"])["projects"].as_array().unwrap().len()
}

/// A server, and a device that has one project to send to it through a relay.
fn scene() -> (Server, Relay, Device) {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    // Compiles the provider, which might take longer than a test's deadline.
    device.sync();
    device.add("shop");
    (server, relay, device)
}

/// The first so many sync requests are answered like this.
fn at_first(times: usize, status: u16, headers: &[(&str, &str)]) -> impl Fn(&Seen) -> Way + use<> {
    let answer = reply(status, headers, b"busy");
    move |seen| match seen.path == SYNC && seen.earlier < times {
        true => Way::Answered(answer.clone()),
        false => Way::Through,
    }
}

#[test]
fn c90d_a_burst_of_refusals_is_got_over_by_as_many_repetitions() {
    let (_server, relay, device) = scene();
    for (status, after) in [(429, "0"), (503, "0"), (503, "1"), (500, ""), (502, "")] {
        let headers: Vec<_> =
            Some(("Retry-After", after)).filter(|_| !after.is_empty()).into_iter().collect();
        relay.decide(at_first(2, status, &headers));
        let done = device.json(&["cloud", "sync", "--retry", "2"]);
        assert_eq!([&done["pushed"], &done["conflicts"]], [1, 0], "{status}: {done}");
        assert_eq!(relay.count(SYNC), 3, "{status}");
        device.add("another");
    }
}

#[test]
fn c90d_repetitions_are_counted_and_the_last_error_is_told() {
    let (_server, relay, device) = scene();
    relay.decide(at_first(usize::MAX, 503, &[("Retry-After", "0")]));
    device.run(&["cloud", "sync", "--retry", "2", "-q"]).fails(6, "E-NET-003");
    assert_eq!(relay.count(SYNC), 3);
    relay.decide(at_first(usize::MAX, 500, &[]));
    device.run(&["cloud", "sync", "-q"]).fails(6, "E-NET-004");
    assert_eq!(relay.count(SYNC), 1, "without --retry there is none");
}

#[test]
fn c90d_what_no_repetition_helps_is_not_repeated() {
    let (_server, relay, device) = scene();
    // Projects that are refused may be those of an account that was sealed meanwhile: it is looked at once, without any.
    for (status, requests) in [(401, 1), (403, 2)] {
        relay.decide(at_first(usize::MAX, status, &[]));
        device.run(&["cloud", "sync", "--retry", "3", "-q"]).exits(4);
        assert_eq!(relay.count(SYNC), requests, "{status}");
    }
}

#[test]
fn c90d_the_pause_that_a_server_asks_for_is_kept_and_counts_against_the_deadline() {
    let (_server, relay, device) = scene();
    relay.decide(at_first(usize::MAX, 503, &[("Retry-After", "3600")]));
    // A pause of its own choice would be over soon, and another request would come.
    device.run(&["cloud", "sync", "--retry", "9", "--timeout", "2", "-q"]).fails(7, "E-SYNC-006");
    assert_eq!(relay.count(SYNC), 1);
}

#[test]
fn c08_c90d_the_deadline_is_for_all_repetitions_together_and_for_a_server_that_says_nothing() {
    let (_server, relay, device) = scene();
    relay.decide(at_first(usize::MAX, 500, &[]));
    device.run(&["cloud", "sync", "--retry", "100", "--timeout", "2", "-q"]).fails(7, "E-SYNC-006");
    for way in [Way::Ignored, Way::Held, Way::Stalled(0), Way::Stalled(150)] {
        relay.on_sync(way.clone());
        device.run(&["cloud", "sync", "--retry", "100", "--timeout", "2", "-q"]).fails(7, "E-SYNC-006");
        assert_eq!(relay.count(SYNC), 1, "{way:?}");
        relay.release();
    }
    relay.pass();
    device.sync();
    assert_eq!(device.json(&["cloud", "conflicts"])["conflicts"], json!([]));
}

#[test]
fn c07_c90d_where_nothing_listens_one_attempt_is_made_and_no_other() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let device = Device::with_token(&format!("http://{address}"), "orkee_token");
    device.add("shop");
    device.run(&["cloud", "sync", "-q"]).fails(6, "E-NET-001");
    if !trace::is_there() {
        return;
    }
    let (ran, calls) = trace::record(&device.orkee(&["cloud", "sync", "-q"]), &[]);
    ran.fails(6, "E-NET-001");
    let port = format!("htons({})", address.port());
    let attempts = calls.iter().filter(|call| call.name == "connect" && call.text.contains(&port)).count();
    assert_eq!(attempts, 1, "{calls:#?}");
}

#[test]
fn c90e_pages_that_were_fetched_before_one_failed_are_kept() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let token = server.token();
    let (a, b) = (Device::with_token(&relay.url, &token), Device::with_token(&relay.url, &token));
    a.import(&many(2100));
    a.sync();
    for (page, way) in [(1, Way::Answered(reply(500, &[], b""))), (1, Way::ReplyCut(500))] {
        relay.decide(
            move |seen| if seen.path == SYNC && seen.earlier == page { way.clone() } else { Way::Through },
        );
        let before = count(&b);
        b.run(&["cloud", "restore", "-q"]).exits(6);
        assert_eq!(count(&b), before + 500, "the page before the one that failed is kept");
    }
    relay.pass();
    let done = b.json(&["cloud", "restore"]);
    assert_eq!([&done["pulled"], &done["round_trips"]], [1100, 3], "{done}");
    assert_eq!(a.export(), b.export());
}

#[test]
fn c90e_batches_that_were_sent_before_one_failed_are_not_sent_again() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let token = server.token();
    let (a, b) = (Device::with_token(&relay.url, &token), Device::with_token(&relay.url, &token));
    // The first sync of all looks before it sends anything; from then on the first request brings the first batch, alone.
    a.sync();
    a.import(&many(1100));
    let broken = reply(502, &[], b"");
    relay.decide(move |seen| match seen.path == SYNC && seen.earlier == 1 {
        true => Way::Answered(broken.clone()),
        false => Way::Through,
    });
    a.run(&["cloud", "sync", "-q"]).fails(6, "E-NET-004");
    relay.pass();
    let done = a.json(&["cloud", "sync"]);
    // The first batch arrived.
    assert!(done["pushed"].as_u64().unwrap() <= 1100 - 420, "{done}");
    b.sync();
    assert_eq!(a.export(), b.export());
}

fn start(device: &Device, args: &[&str]) -> Child {
    device.orkee(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Ctrl-C; how the command ended.
fn interrupt(child: Child) -> Output {
    // It may have ended by now.
    let _ = kill_process(Pid::from_child(&child), Signal::INT);
    child.wait_with_output().unwrap()
}

#[test]
fn p28_c09_ctrl_c_ends_a_sync_at_whatever_request_it_waits_and_nothing_is_lost() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let warm = Device::with_token(&relay.url, &server.token());
    warm.sync();
    // One request looks what is there, three bring the batches.
    for (nth, way) in
        (0..4).flat_map(|nth| [Way::Held, Way::Ignored, Way::Stalled(100)].map(|way| (nth, way)))
    {
        let context = format!("{way:?} at {nth}");
        let token = server.account(&format!("{}{nth}@example.com", way_name(&way)));
        let a = Device::with_token(&relay.url, &token).warmed_by(&warm);
        a.import(&many(1100));
        relay.decide(move |seen| match seen.path == SYNC && seen.earlier == nth {
            true => way.clone(),
            false => Way::Through,
        });
        let child = start(&a, &["cloud", "sync", "--json"]);
        relay.wait_until_kept();
        // The answer is let go only afterwards: it ends without it.
        let ended = interrupt(child);
        assert_eq!(ended.status.code(), Some(130), "{context}: {}", String::from_utf8_lossy(&ended.stderr));
        relay.release();
        relay.pass();
        a.edit("proj0000", "--description", "edited afterwards");
        a.sync();
        let b = Device::with_token(&relay.url, &token).warmed_by(&warm);
        b.json(&["cloud", "restore"]);
        assert_eq!(a.export(), b.export(), "{context}");
        assert_eq!(a.json(&["cloud", "conflicts"])["conflicts"], json!([]), "{context}");
    }
}

fn way_name(way: &Way) -> &'static str {
    match way {
        Way::Held => "held",
        Way::Ignored => "ignored",
        _ => "stalled",
    }
}

#[test]
fn c09_ctrl_c_at_any_time_ends_a_sync_and_nothing_is_lost() {
    const TIMES: u64 = 30;
    let server = Server::tireless();
    let token = server.token();
    let (a, b) = (Device::with_token(&server.url, &token), Device::with_token(&server.url, &token));
    let id = a.add("shop");
    a.sync();
    let (mut random, mut interrupted) = (SmallRng::seed_from_u64(1), 0);
    for n in 0..TIMES {
        a.edit(&id, "--add-tag", &format!("t{n}"));
        let child = start(&a, &["cloud", "sync", "--json"]);
        std::thread::sleep(Duration::from_millis(random.random_range(0..100)));
        let ended = interrupt(child);
        // Before the program listens for it, the system ends it: a shell calls that 130, too.
        let is_interrupted = ended.status.code() == Some(130) || ended.status.signal() == Some(2);
        assert!(is_interrupted || ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        interrupted += usize::from(is_interrupted);
    }
    a.sync();
    b.sync();
    assert_eq!(a.export(), b.export());
    assert_eq!(b.field(&id, "tags").as_array().map(Vec::len), Some(TIMES.try_into().unwrap()));
    let conflicts: Value = a.json(&["cloud", "conflicts"]);
    assert_eq!(conflicts["conflicts"], json!([]));
    tally::note("syncs that Ctrl-C ended at random times", interrupted);
}
