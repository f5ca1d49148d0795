//! In which order events arrive: by default none holds another up, with `--ordered` none overtakes another; and an endpoint that hangs
//! keeps nobody else waiting.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::Duration;

use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::sender::Sender;
use orkee_tests::wait;

const EVENTS: u64 = 100;

fn sequence(received: &Received) -> u64 {
    received.json()["sequence"].as_u64().unwrap()
}

/// A receiver that fails now and then, never twice in a row.
fn flaky() -> Vec<Behaviour> {
    let step = |n: usize| Behaviour::status(if matches!(n % 10, 2 | 5 | 9) { 500 } else { 204 });
    (0..1000).map(step).collect()
}

/// Sends until nothing waits any more. Returns what arrived, in its order.
fn all_sent(sender: &Sender, receiver: &Receiver) -> Vec<Received> {
    while sender.deliveries().iter().any(|d| d.state == "pending") {
        sender.drain();
        sender.pass_to_next();
    }
    receiver.received()
}

#[test]
fn w19_each_event_of_a_project_has_the_next_number_and_a_failing_one_holds_nobody_up() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    // The first event fails again and again; all others are taken.
    sender.endpoint(&receiver.always("/hook", Behaviour::status(204)));
    let first = sender.endpoint(&receiver.always("/broken", Behaviour::status(500)));
    sender.emit("p", EVENTS as usize);
    sender.emit("q", 2);
    let drained = sender.drain();
    assert_eq!(drained["delivered"], EVENTS + 2);
    let of = |project: &str| -> Vec<u64> {
        let received = receiver.received_at("/hook").into_iter();
        received.filter(|r| r.json()["project_id"] == project).map(|r| sequence(&r)).collect()
    };
    assert_eq!(of("p").into_iter().collect::<BTreeSet<_>>(), (1..=EVENTS).collect());
    assert_eq!(of("q").into_iter().collect::<BTreeSet<_>>(), [1, 2].into());
    // One that failed waits for its next attempt, and those behind it were tried all the same.
    assert!(sender.deliveries_to(&first).iter().all(|d| d.state == "pending" && d.attempts >= 1));
}

#[test]
fn w19_by_default_a_flaky_endpoint_gets_every_event_and_no_order_is_kept() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    sender.endpoint(&receiver.script("/hook", flaky()));
    sender.emit("p", EVENTS as usize);
    let received = all_sent(&sender, &receiver);
    let sequences: Vec<_> = received.iter().map(sequence).collect();
    assert_eq!(sequences.iter().copied().collect::<BTreeSet<_>>(), (1..=EVENTS).collect());
    assert!(!sequences.is_sorted(), "what failed came again behind later ones: {sequences:?}");
    assert!(sender.deliveries().iter().all(|d| d.state == "delivered"));
}

#[test]
fn w19_an_ordered_endpoint_gets_no_event_before_the_one_before_it_was_taken() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    sender.ordered_endpoint(&receiver.script("/hook", flaky()));
    sender.emit("p", EVENTS as usize);
    let received = all_sent(&sender, &receiver);
    let sequences: Vec<_> = received.iter().map(sequence).collect();
    // Each failure is repeated before anything else is sent.
    let mut next = 1;
    for (n, sequence) in sequences.iter().enumerate() {
        assert_eq!(*sequence, next, "request {n} of {sequences:?}");
        next += u64::from(!matches!(n % 10, 2 | 5 | 9));
    }
    assert_eq!(next, EVENTS + 1);
}

#[test]
fn w19_an_ordered_endpoint_goes_on_behind_an_event_that_was_given_up() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let failing = (0..10).map(|_| Behaviour::status(500)).chain([Behaviour::status(204)]);
    sender.ordered_endpoint(&receiver.script("/hook", failing));
    sender.emit("p", 3);
    let received = all_sent(&sender, &receiver);
    let sequences: Vec<_> = received.iter().map(sequence).collect();
    assert_eq!(sequences, [[1; 10].as_slice(), &[2, 3]].concat());
    let states: Vec<_> = sender.deliveries().into_iter().map(|d| d.state).collect();
    assert_eq!(states, ["dead", "delivered", "delivered"]);
}

#[test]
fn w21_one_endpoint_of_ten_that_hangs_keeps_none_of_the_others_waiting() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    receiver.always("/hang", Behaviour::Hang);
    // It was added first, and has more to be sent than all the others together.
    let hanging = sender.endpoint(&format!("{}/hang", receiver.url));
    sender.emit("p", 200);
    for n in 0..9 {
        sender.endpoint(&format!("{}/{n}", receiver.url));
    }
    sender.emit("p", 10);
    // The dispatcher is compiled once for a home folder, which is no part of what is measured here.
    let warm = Sender::new();
    warm.endpoint(&receiver.url);
    warm.emit("p", 1);
    warm.drain();
    orkee_tests::folder::private_folder(&sender.home.orkee());
    orkee_tests::folder::replace(&sender.home.orkee().join("cache"), &warm.home.orkee().join("cache"));
    let mut drain = sender.drain_command().stdout(std::process::Stdio::null()).spawn().unwrap();
    let others =
        || -> Vec<Received> { receiver.received().into_iter().filter(|r| r.path != "/hang").collect() };
    let others = wait::until("the nine others", || Some(others()).filter(|r| r.len() >= 90));
    let hung = receiver.received_at("/hang");
    let took = others.last().unwrap().at.duration_since(hung[0].at);
    // Long before the first that hangs is given up. That it is less than 2 s where the machine does nothing else, the drain's own test
    // shows, in which no time passes but the receiver's.
    assert!(took < Duration::from_secs(15), "{took:?}");
    // It has a few attempts under way, and no more.
    assert_eq!(hung.len(), 4);
    drain.kill().unwrap();
    drain.wait().unwrap();
    assert!(sender.deliveries_to(&hanging).iter().all(|d| d.state == "pending"));
}

#[test]
fn w21_an_endpoint_that_cannot_be_reached_is_left_alone_and_what_waits_uses_up_no_attempt() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let endpoint = sender.endpoint(&receiver.always("/hook", Behaviour::Reset));
    sender.emit("p", 50);
    sender.drain();
    let tried = receiver.received().len();
    assert!((5..=8).contains(&tried), "{tried} attempts until the breaker opened");
    let untried = sender.deliveries_to(&endpoint).iter().filter(|d| d.attempts == 0).count();
    assert_eq!(untried, 50 - tried);
    // Again at once: it is still open.
    sender.drain();
    assert_eq!(receiver.received().len(), tried);
    // When its time is over one attempt shows how things are.
    sender.pass(Duration::from_secs(35));
    sender.drain();
    assert_eq!(receiver.received().len(), tried + 1);
    receiver.always("/hook", Behaviour::status(204));
    sender.pass(Duration::from_secs(65));
    let drained = sender.drain();
    assert!(drained["delivered"].as_u64().unwrap() >= untried as u64 - 1, "{drained}");
}
