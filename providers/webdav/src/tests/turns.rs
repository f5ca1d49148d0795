//! Turns: who may write when, and what becomes of those who do not come back. And servers that cannot serve.

use std::time::Duration;

use orkee_provider_sdk::rehearsal::{Error, Rehearsal};
use orkee_provider_sdk::{Answer, Failure, Outcome, Response};

use super::clock;
use super::devices::{Device, prepared};
use super::server::{Server, meanwhile};
use crate::place::Place;
use crate::suitability;

fn empty(status: u16) -> Option<Result<Response, Error>> {
    Some(Ok(Response { status, headers: Vec::new(), body: Vec::new() }))
}

/// A device that is killed when it asks for the first thing of this kind.
fn killed_at(device: &mut Device, records: &[(&str, &str)], method: &'static str, part: &'static str) {
    let mutations = device.change(records);
    let mut is_dead = false;
    device.server.hook(move |sent| {
        is_dead |= sent.method == method && sent.url.contains(part);
        is_dead.then(|| Err(Error::Unreachable("killed".to_owned())))
    });
    device.ask(mutations, 10).unwrap_err();
    device.server.calm();
}

#[test]
fn nobody_writes_while_another_does_and_both_have_everything_in_the_end() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    a.sync(&[("aaaaaaaa", "one")], 10);
    b.sync(&[], 10);
    // While `a` is about to write its record, `b` comes, waits for three looks, and is told to come again.
    let (shared, mut asked) = (b.clone(), false);
    let mut other = shared;
    server.hook(move |sent| {
        if sent.method == "PUT" && sent.url.contains("/r/") && !asked {
            asked = true;
            let mutations = other.change(&[("aaaaaaaa", "from b")]);
            let failure = other.ask(mutations, 10).unwrap_err();
            assert!(matches!(failure, Failure::Busy(Some(_))), "{failure:?}");
        }
        None
    });
    a.sync(&[("aaaaaaaa", "from a")], 10);
    server.calm();
    let mutations = b.change(&[("aaaaaaaa", "from b")]);
    let Answer::Page(page) = b.ask(mutations, 10).unwrap() else { panic!() };
    assert!(matches!(&page.outcomes[0], Outcome::Conflict(Some(held)) if held.envelope == b"from a"));
}

#[test]
fn who_loses_the_race_for_a_turn_takes_the_next_one() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    let (mut other, mut raced) = (b.clone(), false);
    server.hook(move |sent| {
        if sent.method == "MKCOL" && sent.url.ends_with("/log/000000000/1/") && !raced {
            raced = true;
            other.sync(&[("bbbbbbbb", "first")], 10);
        }
        None
    });
    a.sync(&[("aaaaaaaa", "second")], 10);
    server.calm();
    assert!(server.0.borrow().nodes.contains_key("/orkee/log/000000000/2/"));
    a.sync(&[], 10);
    b.sync(&[], 10);
    assert_eq!(a.held, b.held);
    assert_eq!(a.held.len(), 2);
}

#[test]
fn a_writer_that_does_not_come_back_blocks_nobody_for_long_and_what_it_wrote_is_found() {
    for (method, part) in [("PUT", "intent"), ("PUT", "/r/"), ("PUT", "/r/b/"), ("PUT", "/1-")] {
        let server = prepared();
        let (mut a, mut b, mut c) = (Device::new(&server), Device::new(&server), Device::new(&server));
        c.sync(&[], 10);
        killed_at(&mut a, &[("aaaaaaaa", "a"), ("bbbbbbbb", "b")], method, part);
        b.sync(&[], 10);
        let mutations = b.change(&[("cccccccc", "c")]);
        assert!(matches!(b.ask(mutations, 10), Err(Failure::Busy(Some(_)))), "{part}");
        clock::pass(Duration::from_secs(61));
        b.sync(&[("cccccccc", "c")], 10);
        b.sync(&[], 10);
        c.sync(&[], 10);
        assert_eq!(b.held, c.held, "{part}");
        // The killed device sends again what it does not know to be there.
        a.sync(&[("aaaaaaaa", "a"), ("bbbbbbbb", "b")], 10);
        for device in [&mut a, &mut b, &mut c] {
            device.sync(&[], 10);
            assert_eq!(device.held.len(), 3, "{part}");
        }
        assert!(a.held == b.held && b.held == c.held, "{part}");
    }
}

#[test]
fn a_turn_that_ends_while_one_waits_is_followed_at_once() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    killed_at(&mut a, &[("aaaaaaaa", "a")], "PUT", "/r/");
    let shared = server.clone();
    meanwhile(|| {});
    meanwhile(move || {
        let taken = shared.0.borrow().nodes["/orkee/log/000000000/1/"].clone();
        let path = "/orkee/log/000000000/1-0123456789abcdef0123456789abcdef".to_owned();
        shared.0.borrow_mut().nodes.insert(path, taken);
    });
    let before = clock::now();
    b.sync(&[("bbbbbbbb", "b")], 10);
    assert!(clock::now() - before < Duration::from_secs(1));
}

#[test]
fn a_holder_that_is_late_stops_and_says_so_and_what_it_wrote_is_told_again() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    b.sync(&[], 10);
    // It falls asleep before it writes, and others go on without it.
    let (mut other, mut slept) = (b.clone(), false);
    server.hook(move |sent| {
        if sent.method == "PUT" && sent.url.contains("/r/a/") && !slept {
            slept = true;
            clock::pass(Duration::from_secs(600));
            other.sync(&[("bbbbbbbb", "b")], 10);
            other.sync(&[], 10);
        }
        None
    });
    let mutations = a.change(&[("aaaaaaaa", "a")]);
    assert!(matches!(a.ask(mutations, 10), Err(Failure::Busy(_))));
    server.calm();
    b.position = Some("2".to_owned());
    a.sync(&[("aaaaaaaa", "a")], 10);
    b.sync(&[], 10);
    assert_eq!(b.text("aaaaaaaa"), "a");
}

#[test]
fn a_slow_server_is_sent_less_at_once() {
    let server = prepared();
    let mut a = Device::new(&server);
    let ids = super::devices::ids(20);
    let records: Vec<_> = ids.iter().map(|id| (id.as_str(), "x")).collect();
    server.hook(|sent| {
        if sent.url.contains("/r/") && sent.method == "PUT" {
            clock::pass(Duration::from_secs(2));
        }
        None
    });
    let mutations = a.change(&records);
    assert!(matches!(a.ask(mutations, 10), Err(Failure::TooLarge(_))));
    a.sync(&records[..5], 10);
    assert_eq!(a.held.len(), 16, "what had arrived is listed");
}

#[test]
fn the_servers_refusals_are_told_apart() {
    let failed = |status, part: &'static str| {
        let mut a = Device::new(&prepared());
        a.server.hook(move |sent| if sent.url.contains(part) { empty(status) } else { None });
        let mutations = a.change(&[("aaaaaaaa", "a")]);
        a.ask(mutations, 10)
    };
    assert!(matches!(failed(401, "/log/"), Err(Failure::AuthRequired(_))));
    assert!(matches!(failed(403, "/r/a/a"), Err(Failure::Forbidden(_))));
    assert!(matches!(failed(423, "/r/a/a"), Err(Failure::Busy(Some(_)))));
    assert!(matches!(failed(507, "/r/a/a"), Err(Failure::Unsuitable(words)) if words.contains("no room")));
    assert!(matches!(failed(500, "/log/"), Err(Failure::Backend(_))));
    assert!(matches!(failed(404, "/r/a/a"), Err(Failure::Busy(_))));
    let Ok(Answer::Page(page)) = failed(413, "/r/a/a") else { panic!() };
    assert!(matches!(page.outcomes[0], Outcome::Rejected(_)));
}

#[test]
fn folders_that_somebody_took_away_are_made_again() {
    let server = prepared();
    let mut a = Device::new(&server);
    a.sync(&[("aaaaaaaa", "a"), ("bbbbbbbb", "b")], 10);
    server.0.borrow_mut().nodes.retain(|path, _| !path.starts_with("/orkee/r/c/"));
    a.sync(&[("cccccccc", "c")], 10);
    server.0.borrow_mut().nodes.retain(|path, _| !path.starts_with("/orkee/r/c/"));
    let mutations = a.change(&[("CCCCCCCC", "c")]);
    assert!(matches!(a.ask(mutations.clone(), 10), Err(Failure::Busy(Some(_)))));
    let Answer::Page(page) = a.ask(mutations, 10).unwrap() else { panic!() };
    assert!(matches!(page.outcomes[0], Outcome::Accepted(_)));
}

/// What trying out this server comes to.
fn tried(server: &Server) -> Result<(), Failure> {
    let answering = server.clone();
    Rehearsal::new()
        .backend(move |sent| answering.answer(sent))
        .run(|| suitability::check(&Place::chosen().unwrap()))
}

fn unsuitable(server: &Server) -> String {
    match tried(server) {
        Err(Failure::Unsuitable(words)) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_is_tried_out_once_and_nothing_of_it_is_left() {
    let server = Server::default();
    tried(&server).unwrap();
    let paths: Vec<_> = server.0.borrow().nodes.keys().cloned().collect();
    assert_eq!(paths, ["/orkee/", "/orkee/log/", "/orkee/r/"]);
    tried(&server).unwrap();
}

#[test]
fn a_server_that_cannot_serve_is_refused_with_the_reason() {
    let server = Server::default();
    server.0.borrow_mut().ignores_conditions = true;
    assert!(unsuitable(&server).contains("ignores conditions (If-None-Match)"));
    let server = Server::default();
    server.0.borrow_mut().makes_twice = true;
    assert!(unsuitable(&server).contains("makes a folder that is already there"));
    for (status, words) in [(404, "nothing at the API URL"), (405, "no WebDAV"), (301, "another place")] {
        let server = Server::default();
        server.hook(move |_| empty(status));
        assert!(unsuitable(&server).contains(words));
    }
    let server = Server::default();
    server.hook(|sent| if sent.method == "GET" { empty(200) } else { None });
    assert!(unsuitable(&server).contains("does not give back files"));
}
