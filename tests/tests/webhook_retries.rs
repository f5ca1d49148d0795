//! What becomes of a delivery: when it counts as delivered, when it is tried again, when it is given up, and when its endpoint is
//! switched off. The real binary against a real receiver; days pass by setting back what the database says.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use orkee_tests::home::finish;
use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::sender::Sender;
use orkee_tests::terminal::Terminal;
use orkee_tests::tls::Certificate;
use orkee_tests::wait;
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The id of a delivery, as the receiver has it.
fn id(received: &Received) -> String {
    received.header("webhook-id").unwrap().to_owned()
}

/// The first delivery of a device to a path that behaves like this, and how many seconds it waits afterwards.
fn waits_after(behaviour: Behaviour) -> f64 {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    sender.endpoint(&receiver.always("/hook", behaviour));
    sender.emit("p", 1);
    sender.drain();
    let now = jiff::Timestamp::now().as_millisecond();
    (sender.deliveries()[0].due - now) as f64 / 1000.0
}

#[test]
fn w05_each_attempt_has_the_same_id_and_body_with_a_time_and_a_signature_of_its_own() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let broken = || Behaviour::status(500);
    sender.endpoint(&receiver.script("/hook", [broken(), broken(), Behaviour::status(204)]));
    sender.emit("p", 1);
    for _ in 0..3 {
        sender.drain();
        sender.pass_to_next();
        // The signature's time is in whole seconds.
        std::thread::sleep(Duration::from_millis(1100));
    }
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    let id = id(&received[0]);
    let random = id.strip_prefix("msg_").unwrap();
    assert!(random.len() >= 20 && random.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    assert!(received.iter().all(|r| r.header("webhook-id") == Some(&id) && r.body == received[0].body));
    let different = |name| received.iter().map(|r| r.header(name).unwrap()).collect::<BTreeSet<_>>().len();
    assert_eq!((different("webhook-timestamp"), different("webhook-signature")), (3, 3));
}

#[test]
fn w10_any_2xx_is_a_delivery_and_everything_else_a_failure_of_its_class() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let expected = [
        ("200", Behaviour::with_body(200, "yes"), "delivered", Some(200)),
        ("201", Behaviour::status(201), "delivered", Some(201)),
        ("204", Behaviour::status(204), "delivered", Some(204)),
        ("299", Behaviour::status(299), "delivered", Some(299)),
        ("199", Behaviour::Raw(b"HTTP/1.1 199 X\r\n\r\n".to_vec()), "", None),
        ("300", Behaviour::status(300), "redirect", Some(300)),
        ("302", Behaviour::redirect(302, "http://127.0.0.1:9/"), "redirect", Some(302)),
        ("400", Behaviour::status(400), "client_error", Some(400)),
        ("404", Behaviour::status(404), "client_error", Some(404)),
        ("429", Behaviour::status(429), "throttled", Some(429)),
        ("500", Behaviour::status(500), "server_error", Some(500)),
        ("503", Behaviour::status(503), "server_error", Some(503)),
        ("reset", Behaviour::Reset, "reset", None),
        ("junk", Behaviour::Raw(b"hello\r\n\r\n".to_vec()), "protocol", None),
        ("hang", Behaviour::Hang, "timeout", None),
    ];
    let endpoints: BTreeMap<_, _> = expected
        .iter()
        .map(|(name, behaviour, ..)| {
            (*name, sender.endpoint(&receiver.always(&format!("/{name}"), behaviour.clone())))
        })
        .collect();
    // A certificate that nobody has reason to trust, and a port at which nobody listens.
    let untrusted = Receiver::with_tls(Certificate::of("127.0.0.1"));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (no_tls, nobody) = (sender.endpoint(&untrusted.url), sender.endpoint(&format!("http://{closed}/")));
    sender.emit("p", 1);
    let drained = sender.drain();
    // What failed at once is tried again while the one that hangs is waited for.
    assert_eq!(drained["delivered"], 4, "{drained}");
    for (name, _, class, status) in expected {
        let attempts = sender.attempts(&endpoints[name]);
        if class.is_empty() {
            // A reply of 1xx is none: what comes after it counts, and nothing came.
            assert_ne!(attempts[0].0, "delivered", "{name}");
        } else {
            assert_eq!(attempts[0], (class.to_owned(), status), "{name}");
        }
    }
    assert_eq!(sender.attempts(&no_tls)[0], ("tls".to_owned(), None));
    assert_eq!(sender.attempts(&nobody)[0], ("refused".to_owned(), None));
}

#[test]
fn w11_a_receiver_that_always_fails_is_tried_ten_times_at_the_schedule_and_then_given_up() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let behaviour = Behaviour::status(500);
    sender.endpoint(&receiver.always("/one", behaviour.clone()));
    sender.endpoint(&receiver.always("/two", behaviour));
    sender.emit("p", 1);
    let pauses = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
    let mut apart = 0;
    for (n, pause) in pauses.iter().enumerate() {
        let began = jiff::Timestamp::now().as_millisecond();
        sender.drain();
        let now = jiff::Timestamp::now().as_millisecond();
        let deliveries = sender.deliveries();
        for delivery in &deliveries {
            assert_eq!((delivery.state.as_str(), delivery.attempts as usize), ("pending", n + 1));
            // The attempt was at some moment between the two; the rest is the jitter.
            let [least, most] = [now, began].map(|from| (delivery.due - from) as f64 / 1000.0);
            let is_in_bounds = least <= *pause as f64 * 1.2 && most >= *pause as f64 * 0.8;
            assert!(is_in_bounds, "attempt {}: {least} to {most} s instead of {pause}", n + 2);
        }
        apart += usize::from(deliveries[0].due != deliveries[1].due);
        let latest = deliveries.iter().map(|d| d.due).max().unwrap();
        sender.pass(Duration::from_millis(u64::try_from(latest - now).unwrap_or(0)));
    }
    assert_eq!(apart, pauses.len(), "two endpoints are never tried again at the same moment");
    sender.drain();
    for delivery in sender.deliveries() {
        assert_eq!((delivery.state.as_str(), delivery.attempts), ("dead", 10));
        assert_eq!(delivery.why.as_deref(), Some("the last attempt failed"));
    }
    sender.pass(2 * DAY);
    assert_eq!(sender.drain()["failed"], 0);
    assert_eq!(receiver.received().len(), 20);
}

#[test]
fn w12_a_receiver_says_when_to_come_back_in_seconds_or_as_a_date_and_nonsense_counts_for_nothing() {
    let seconds = waits_after(Behaviour::throttled("120"));
    assert!((90.0..=120.5).contains(&seconds), "{seconds}");
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3600);
    let date = jiff::fmt::rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    let date = date.replace("+0000", "GMT");
    let date = waits_after(Behaviour::throttled(&date));
    assert!((3500.0..=3600.5).contains(&date), "{date}");
    for nonsense in ["soon", "-5", "1e3", ""] {
        let usual = waits_after(Behaviour::throttled(nonsense));
        assert!(usual <= 6.0, "{nonsense:?}: {usual}");
    }
    let enormous = waits_after(Behaviour::throttled("1000000000"));
    assert!((86_300.0..=86_400.5).contains(&enormous), "{enormous}");
}

#[test]
fn w13_a_receiver_that_answers_410_is_switched_off_at_once_and_asked_no_more() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let gone = sender.ordered_endpoint(&receiver.always("/gone", Behaviour::status(410)));
    let other = sender.endpoint(&format!("{}/other", receiver.url));
    sender.emit("p", 3);
    let drained = sender.drain();
    assert_eq!(drained["disabled"][0]["endpoint"], gone);
    assert!(sender.disabled(&gone).unwrap().contains("410"), "{:?}", sender.disabled(&gone));
    assert_eq!(sender.attempts(&gone), [("gone".to_owned(), Some(410))]);
    let list = sender.home.json(["cloud", "webhook", "list", "--local"]);
    let shown = list["webhooks"].as_array().unwrap().iter().find(|webhook| webhook["id"] == gone).unwrap();
    assert!(shown["disabled_because"].as_str().unwrap().contains("410"), "{list}");
    let states: Vec<_> = sender.deliveries_to(&gone).into_iter().map(|d| d.state).collect();
    assert!(!states.contains(&"pending".to_owned()), "{states:?}");
    sender.emit("p", 1);
    sender.pass(DAY);
    sender.drain();
    assert_eq!(receiver.received_at("/gone").len(), 1);
    assert_eq!((receiver.received_at("/other").len(), sender.disabled(&other)), (4, None));
    let audit = sender.home.json(["audit"]);
    let rows: Vec<_> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["action"] == "webhook-auto-disable")
        .collect();
    assert_eq!(rows.len(), 1, "{audit}");
}

#[test]
fn w14_five_days_of_failures_switch_an_endpoint_off_with_one_notice_and_one_row_of_the_audit_trail() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let endpoint = sender.endpoint(&receiver.always("/hook", Behaviour::status(500)));
    // Something happens each day, and nothing arrives.
    for _ in 0..5 {
        sender.emit("p", 1);
        sender.drain();
        sender.pass(DAY);
        assert_eq!(sender.disabled(&endpoint), None);
    }
    sender.emit("p", 1);
    let drain = sender.try_drain().success();
    let drained = drain.json();
    assert!(sender.disabled(&endpoint).unwrap().contains("five days"), "{:?}", sender.disabled(&endpoint));
    assert_eq!(drain.stderr.matches(&endpoint).count(), 2, "one notice, and what to type: {drain}");
    assert_eq!(drained["disabled"].as_array().map(Vec::len), Some(1), "{drained}");
    assert!(sender.deliveries().iter().all(|d| d.state != "pending"));
    let audit = sender.home.json(["audit"]);
    let rows =
        audit["entries"].as_array().unwrap().iter().filter(|row| row["action"] == "webhook-auto-disable");
    assert_eq!(rows.count(), 1, "{audit}");
    let before = receiver.received().len();
    sender.emit("p", 1);
    let after = sender.drain();
    assert_eq!(receiver.received().len(), before);
    assert_eq!(after["disabled"], json!([]), "{after}");
}

#[test]
fn w14_what_was_switched_off_in_the_background_is_told_by_the_next_command_once() {
    let (sender, receiver) = (Sender::in_background(), Receiver::start());
    let endpoint = sender.endpoint(&receiver.always("/hook", Behaviour::status(410)));
    sender.home.add("gone");
    wait::until("the end", || sender.disabled(&endpoint));
    let next = sender.home.run(["projects", "list"]).success();
    assert!(next.stderr.contains("was switched off") && next.stderr.contains(&endpoint), "{next}");
    // What a pipe took, no person has seen; and in another tenant's projects nobody could switch it on.
    let mut elsewhere = sender.home.command(["projects", "list"]);
    elsewhere.env("ORKEE_CLOUD_TENANT", "acme");
    let (_, elsewhere) = Terminal::open(elsewhere, 200).finish();
    assert!(!elsewhere.contains("was switched off"), "{elsewhere}");
    let (_, told) = Terminal::open(sender.home.command(["projects", "list"]), 200).finish();
    assert!(told.contains("was switched off") && told.contains(&endpoint), "{told}");
    let later = sender.home.run(["projects", "list"]).success();
    assert_eq!(later.stderr, "", "{later}");
}

#[test]
fn w14_a_success_starts_the_count_of_failing_days_anew() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let endpoint = sender.endpoint(&receiver.always("/hook", Behaviour::status(500)));
    let a_day = || {
        sender.emit("p", 1);
        sender.drain();
        sender.pass(DAY);
    };
    (0..4).for_each(|_| a_day());
    receiver.always("/hook", Behaviour::status(204));
    a_day();
    receiver.always("/hook", Behaviour::status(500));
    (0..5).for_each(|_| a_day());
    assert_eq!(sender.disabled(&endpoint), None);
    a_day();
    assert!(sender.disabled(&endpoint).is_some());
}

#[test]
fn w16_a_sender_that_is_killed_between_sending_and_noting_it_sends_again_with_the_same_id() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let slow = Behaviour::status(204).after(Duration::from_secs(30));
    sender.endpoint(&receiver.script("/hook", [slow, Behaviour::status(204)]));
    // A change by the real command, whose event is committed with it.
    let project = sender.home.add("killed");
    let mut first = sender.drain_command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    receiver.wait_for(1);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(sender.deliveries()[0].attempts, 0, "nothing of it was written");
    sender.pass(2 * MINUTE);
    sender.drain();
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!((id(&received[0]), &received[0].body), (id(&received[1]), &received[1].body));
    assert_eq!(received[1].json()["project_id"], project);
    assert_eq!(sender.deliveries()[0].state, "delivered");
}

#[test]
fn w20_a_receiver_that_knows_the_ids_it_has_seen_sees_each_effect_once() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    // It takes every event, and then says of each second one that it failed.
    let flaky = [Behaviour::status(500), Behaviour::status(204)];
    sender.endpoint(&receiver.script("/hook", flaky.iter().cycle().take(40).cloned()));
    sender.emit("p", 20);
    while sender.deliveries().iter().any(|d| d.state == "pending") {
        sender.drain();
        sender.pass_to_next();
    }
    let received = receiver.received();
    let mut effects = BTreeMap::new();
    for request in &received {
        effects.entry(id(request)).or_insert_with(|| request.json()["data"]["n"].as_u64().unwrap());
    }
    assert!(received.len() > 20, "some were sent more than once");
    assert_eq!(effects.values().copied().collect::<BTreeSet<_>>(), (0..20).collect());
    assert_eq!(effects.len(), 20);
}

#[test]
fn w22_what_was_missed_in_three_days_of_sleep_is_spread_and_not_fired_at_once() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let urls = [0, 1, 2, 3, 4].map(|n| format!("{}/{n}", receiver.url));
    let endpoints = urls.map(|url| sender.endpoint(&url));
    sender.emit("p", 20);
    sender.pass(3 * DAY);
    let drained = sender.drain();
    assert_eq!(drained["delivered"], 100);
    let deliveries = sender.deliveries();
    let due = || deliveries.iter().map(|delivery| delivery.due);
    let spread = due().max().unwrap() - due().min().unwrap();
    assert!(spread >= 4000, "100 within {spread} ms");
    // None went before its time, however late a slow machine began.
    let received = receiver.received();
    for delivery in &deliveries {
        let n = endpoints.iter().position(|endpoint| *endpoint == delivery.endpoint).unwrap();
        let is_it = |r: &&Received| r.path == format!("/{n}") && id(r) == delivery.event;
        let when = received.iter().find(is_it).unwrap().when.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert!(when.as_millis() as i64 >= delivery.due, "{when:?} instead of {}", delivery.due);
    }
}

#[test]
fn w22_events_that_are_older_than_five_days_are_given_up_with_the_reason() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    sender.endpoint(&receiver.url);
    sender.emit("old", 3);
    sender.pass(5 * DAY);
    sender.emit("new", 1);
    let drained = sender.drain();
    assert_eq!((&drained["given_up"], &drained["delivered"]), (&json!(3), &json!(1)));
    let old: Vec<_> = sender.deliveries().into_iter().take(3).collect();
    for delivery in old {
        assert_eq!((delivery.state.as_str(), delivery.attempts), ("dead", 0));
        assert_eq!(delivery.why.as_deref(), Some("not delivered within 5 days"));
    }
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn w11_the_attempts_of_one_event_are_not_repeated_by_a_person_who_drains_in_between() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    sender.endpoint(&receiver.always("/hook", Behaviour::status(500)));
    sender.emit("p", 1);
    let begun = SystemTime::now();
    for _ in 0..3 {
        finish(sender.drain_command(), &[]).success();
    }
    // The pause is 4 s at least; where the machine was slower than that, the second attempt was due.
    let most = if begun.elapsed().unwrap() < Duration::from_secs(4) { 1 } else { 2 };
    assert!(receiver.received().len() <= most);
}
