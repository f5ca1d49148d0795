//! What a webhook is sent, what `orkee cloud webhook` tells of it, and what it sends again.

#![allow(clippy::unwrap_used)]

use orkee_tests::hooked::{NOWHERE, add, deliveries, device, drain, id, signature, signatures};
use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::wait;
use serde_json::Value;

#[test]
fn w23_only_events_that_a_webhook_asked_for_are_sent_to_it() {
    let device = device();
    let receiver = Receiver::start();
    add(&device, &format!("{}/updates", receiver.url), &["--event", "project.updated"]);
    add(&device, &format!("{}/projects", receiver.url), &["--event", "project.*"]);
    add(&device, &format!("{}/syncs", receiver.url), &["--event", "sync.*"]);
    let project = device.add("shop");
    device.edit(&project, "--description", "new");
    drain(&device);
    wait::until("three deliveries", || (receiver.received().len() >= 3).then_some(()));
    let told = |path: &str| -> Vec<String> {
        let received = receiver.received_at(path);
        received.iter().map(|r| r.json()["event"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(told("/updates"), ["project.updated"]);
    let mut both = told("/projects");
    both.sort();
    assert_eq!(both, ["project.created", "project.updated"]);
    assert!(told("/syncs").is_empty());
}

#[test]
fn w24_what_waits_for_a_webhook_that_is_off_is_cancelled_and_only_replayed_when_asked_for() {
    let device = device();
    let receiver = Receiver::start();
    let url = receiver.script("/hook", [500, 500, 204].map(Behaviour::status));
    let id = id(&add(&device, &url, &["--event", "project.created"]));
    device.add("shop");
    drain(&device);
    assert_eq!(deliveries(&device, &[])[0]["state"], "pending");

    device.run(&["cloud", "webhook", "disable", &id]).success();
    let cancelled = &deliveries(&device, &[])[0];
    assert!(cancelled["state"] == "cancelled" && cancelled["reason"].is_string(), "{cancelled}");
    let listed = device.json(&["cloud", "webhook", "show", &id])["webhook"].take();
    assert!(listed["enabled"] == false && listed["disabled_because"].is_string(), "{listed}");

    device.run(&["cloud", "webhook", "enable", &id]).success();
    drain(&device);
    assert_eq!(receiver.received().len(), 1, "sent again unasked");
    assert_eq!(deliveries(&device, &[])[0]["state"], "cancelled");

    let replay = || device.json(&["cloud", "webhook", "enable", &id, "--replay"])["replayed"].take();
    device.run(&["cloud", "webhook", "disable", &id]).success();
    assert_eq!(replay(), 0, "it was dropped on purpose, the time before");
    device.add("boat");
    drain(&device);
    device.run(&["cloud", "webhook", "disable", &id]).success();
    assert_eq!(replay(), 1);
    drain(&device);
    wait::until("the replay", || (deliveries(&device, &[])[0]["state"] == "delivered").then_some(()));
    let sent = receiver.received();
    assert_eq!((sent[1].header("webhook-id"), &sent[1].body), (sent[2].header("webhook-id"), &sent[2].body));
    assert_eq!(sent.len(), 3);
}

#[test]
fn w24_what_waits_for_a_webhook_that_is_removed_is_cancelled_and_stays_to_be_seen() {
    let device = device();
    let receiver = Receiver::start();
    let id = id(&add(&device, &receiver.always("/hook", Behaviour::status(500)), &[]));
    device.add("shop");
    drain(&device);
    device.run(&["cloud", "webhook", "remove", &id, "--yes"]).success();
    let cancelled = &deliveries(&device, &[])[0];
    assert!(cancelled["state"] == "cancelled" && cancelled["reason"].is_string(), "{cancelled}");
    let audit = device.run(&["audit", "--json"]).success();
    for action in ["webhook-add", "webhook-remove"] {
        assert!(audit.stdout.contains(action), "{audit}");
    }
}

#[test]
fn w36_a_test_is_sent_at_once_and_told_with_what_a_receiver_needs_to_know() {
    let device = device();
    let receiver = Receiver::start();
    let url = receiver.always("/hook", Behaviour::with_body(202, "thanks\u{1b}[2J"));
    let webhook = add(&device, &url, &["--event", "sync.failed"]);
    let ran = device.run(&["cloud", "webhook", "test", &id(&webhook)]).success();
    let sent = &receiver.received()[0];
    assert_eq!(
        (sent.json()["event"].as_str(), sent.json()["type"].as_str()),
        (Some("orkee.test"), Some("orkee.test"))
    );
    assert_eq!(signatures(sent), [signature(webhook["secret"].as_str().unwrap(), sent)]);
    assert_eq!(sent.json()["sequence"], 0, "it is counted among no others");
    let (id_of_event, id_of_request) =
        (sent.header("webhook-id").unwrap(), sent.header("x-request-id").unwrap());
    for told in ["202", " ms", "TLS", id_of_request, id_of_event, r"thanks\u{1b}[2J"] {
        assert!(ran.stdout.contains(told), "no {told:?}: {ran}");
    }
    assert!(ran.stderr.contains("orkee cloud webhook verify"), "{ran}");
    let json = device.json(&["cloud", "webhook", "test", &url]);
    assert_eq!((&json["status"], &json["class"]), (&Value::from(202), &Value::from("delivered")), "{json}");
    assert!(json["duration_ms"].is_u64() && json["request_id"].is_string(), "{json}");
}

#[test]
fn w36_a_test_succeeds_on_2xx_alone() {
    let device = device();
    let receiver = Receiver::start();
    let url = receiver.always("/hook", Behaviour::status(500));
    let id = id(&add(&device, &url, &[]));
    let ran = device.run(&["cloud", "webhook", "test", &id, "--json"]);
    assert_eq!(ran.code, Some(6), "{ran}");
    assert_eq!(ran.json()["status"], 500, "{ran}");
    receiver.always("/hook", Behaviour::redirect(302, "https://example.com/"));
    let ran = device.run(&["cloud", "webhook", "test", &id]);
    assert!(ran.code == Some(6) && ran.stderr.contains("URL"), "{ran}");
    let closed = add(&device, NOWHERE, &[]);
    let ran = device.run(&["cloud", "webhook", "test", closed["id"].as_str().unwrap(), "--json"]);
    assert_eq!(ran.code, Some(6), "{ran}");
    assert!(ran.json()["status"].is_null() && ran.json()["class"] == "refused", "{ran}");
}

#[test]
fn w36_a_url_that_is_no_webhook_can_be_tried_before_it_is_added() {
    let device = device();
    let receiver = Receiver::start();
    let args = ["cloud", "webhook", "test", &receiver.url];
    assert_eq!(device.run(&args).code, Some(2), "plain http was not asked for");
    let json = device.json(&[&args[..], &["--allow-insecure-loopback"]].concat());
    let sent = &receiver.received()[0];
    assert_eq!(signatures(sent), [signature(json["secret"].as_str().unwrap(), sent)]);
    assert_eq!(device.json(&["cloud", "webhook", "list"])["webhooks"], serde_json::json!([]));
}

#[test]
fn w33_w37_c40_deliveries_tell_what_was_tried_and_spell_out_what_was_answered() {
    let device = device();
    let receiver = Receiver::start();
    let long = [b"no\x1b]0;pwned\x07\r\nmore ".as_slice(), &[b'x'; 4000]].concat();
    let bad = receiver.always("/bad", Behaviour::with_body(503, long));
    let bad = id(&add(&device, &bad, &["--event", "project.created"]));
    let good =
        id(&add(&device, &receiver.always("/good", Behaviour::status(200)), &["--event", "project.*"]));
    device.add("shop");
    drain(&device);
    wait::until("both", || (receiver.received().len() >= 2).then_some(()));
    assert_eq!(deliveries(&device, &[]).len(), 2);
    let failed = device.json(&["cloud", "webhook", "deliveries", "--failed", "--since", "1d"]);
    let failed = failed["deliveries"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let one = &failed[0];
    assert_eq!((one["event"].as_str(), one["attempt"].as_u64()), (Some("project.created"), Some(1)));
    assert_eq!((one["status"].as_u64(), one["class"].as_str()), (Some(503), Some("server_error")));
    assert!(one["id"].as_str().unwrap().starts_with("msg_") && one["webhook"] == bad.as_str(), "{one}");
    assert!(
        one["at"].is_string() && one["next_retry_at"].is_string() && one["duration_ms"].is_u64(),
        "{one}"
    );
    assert_eq!(one["reply"].as_str().unwrap().len(), 1024, "{one}");
    let of_good = device.json(&["cloud", "webhook", "deliveries", &good]);
    assert_eq!(of_good["deliveries"][0]["class"], "delivered");

    let shown = device.run(&["cloud", "webhook", "deliveries", &bad]).success();
    assert!(!shown.stdout.contains(['\u{1b}', '\u{7}', '\r']), "{:?}", shown.stdout);
    assert!(shown.stdout.contains(r"no\u{1b}]0;pwned\u{7}\r\nmore"), "{shown}");
    assert_eq!(shown.stdout.lines().count(), 1, "{shown}");

    let database = rusqlite::Connection::open(device.home().join("orkee.db")).unwrap();
    let two_days_ago = "UPDATE events SET at = at - 172800000";
    assert_eq!(database.execute(two_days_ago, []).unwrap(), 1);
    assert!(deliveries(&device, &["--since", "1d"]).is_empty());
    assert_eq!(deliveries(&device, &["--since", "3d"]).len(), 2);
}

#[test]
fn w38_an_event_is_sent_again_with_its_id_and_bytes_and_a_new_time() {
    let device = device();
    let receiver = Receiver::start();
    add(&device, &receiver.url, &["--event", "project.created"]);
    device.add("shop");
    drain(&device);
    let first = receiver.wait_for(1).remove(0);
    let event = first.header("webhook-id").unwrap().to_owned();
    // Another second, so that the time of the signature is another.
    let second = |request: &Received| request.header("webhook-timestamp").unwrap().parse::<i64>().unwrap();
    wait::until("another second", || (jiff::Timestamp::now().as_second() > second(&first)).then_some(()));

    let dry = device.json(&["cloud", "webhook", "redeliver", &event, "--dry-run"]);
    assert_eq!((&dry["redelivered"], dry["deliveries"].as_array().unwrap().len()), (&Value::from(0), 1));
    drain(&device);
    assert_eq!(receiver.received().len(), 1, "a dry run sends nothing");

    assert_eq!(device.json(&["cloud", "webhook", "redeliver", &event])["redelivered"], 1);
    drain(&device);
    let again = receiver.wait_for(2).remove(1);
    assert_eq!((again.header("webhook-id"), &again.body), (Some(event.as_str()), &first.body));
    assert!(second(&again) > second(&first));
    assert_ne!(signatures(&again), signatures(&first));
    device.run(&["cloud", "webhook", "redeliver", "msg_000000000000000000000000"]).fails(2, "E-HOOK-046");
}

#[test]
fn w38_more_than_one_is_sent_again_only_after_a_yes() {
    let device = device();
    let receiver = Receiver::start();
    add(&device, &receiver.always("/hook", Behaviour::status(500)), &[]);
    device.add("one");
    device.add("two");
    drain(&device);
    receiver.wait_for(2);
    receiver.always("/hook", Behaviour::status(204));
    let args = ["cloud", "webhook", "redeliver", "--failed", "--since", "1d"];
    let asked = device.run(&args);
    assert!(asked.code == Some(2) && asked.stderr.contains("--yes"), "{asked}");
    drain(&device);
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(device.json(&[&args[..], &["--yes"]].concat())["redelivered"], 2);
    drain(&device);
    receiver.wait_for(4);
    device.run(&["cloud", "webhook", "redeliver", "--failed"]).exits(2);
}
