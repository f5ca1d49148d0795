//! What becomes of what does not arrive.

use std::time::Duration;

use jiff::Timestamp;
use orkee_tests::account_sender::{AccountSender, LOOPBACK, SECRET};
use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::wait;
use serde_json::{Value, json};

use crate::{DAY, attempts, fits, settled};

#[test]
fn w10_each_way_to_end_is_told_as_what_it_is() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let nobody = Receiver::start().address();
    let cases = [
        ("/200", Behaviour::status(200), "delivered"),
        ("/201", Behaviour::status(201), "delivered"),
        ("/204", Behaviour::status(204), "delivered"),
        ("/299", Behaviour::status(299), "delivered"),
        ("/302", Behaviour::redirect(302, &format!("http://{nobody}/")), "redirect"),
        ("/404", Behaviour::status(404), "client_error"),
        ("/503", Behaviour::status(503), "server_error"),
        ("/429", Behaviour::throttled("1"), "throttled"),
        ("/reset", Behaviour::Reset, "reset"),
    ];
    for (path, behaviour, class) in cases {
        let id = rig.ann.listen(&receiver.always(path, behaviour));
        let told = rig.ann.act(&id, "test", json!({}));
        assert_eq!(told["class"], class, "{path}: {told}");
        assert_eq!(told["next_retry_at"].is_null(), class == "delivered", "{told}");
        let received = receiver.received_at(path).remove(0);
        assert_eq!(received.json()["event"], "orkee.test");
        assert!(fits(&received, &[SECRET]));
    }
    let hinted = rig.ann.deliveries("failed=true&limit=99");
    assert_eq!(hinted.len(), 5, "{hinted:?}");
}

#[test]
fn w12_a_receivers_word_on_when_to_come_back_is_obeyed_within_reason() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    for (path, word, at_least, at_most) in
        [("/secs", "120", 120, 150), ("/junk", "soon", 3, 7), ("/huge", "1000000000", 80_000, 110_000)]
    {
        let id = rig.ann.listen(&receiver.always(path, Behaviour::throttled(word)));
        let told = rig.ann.act(&id, "test", json!({}));
        let time = |name: &str| told[name].as_str().unwrap().parse::<Timestamp>().unwrap();
        let wait = time("next_retry_at").as_second() - time("at").as_second();
        assert!((at_least..=at_most).contains(&wait), "{word}: {wait} s: {told}");
    }
}

#[test]
fn w13_whoever_answers_that_it_is_gone_is_asked_no_more() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(410)));
    rig.ann.write("aaaaaaaa", "one");
    receiver.wait_for(1);
    let webhook = wait::until("a webhook that is disabled", || {
        Some(rig.ann.webhook(&id)).filter(|webhook| webhook["enabled"] == false)
    });
    assert!(webhook["disabled_because"].as_str().unwrap().contains("410"), "{webhook}");
    assert!(
        rig.audit().iter().any(|row| row.starts_with(&format!("- disable-webhook {id}"))),
        "{:?}",
        rig.audit()
    );
    rig.ann.write("aaaaaaaa", "two");
    let other = rig.ann.listen(&receiver.always("/other", Behaviour::status(204)));
    rig.ann.write("aaaaaaaa", "three");
    settled(&rig.ann, &other, "delivered");
    assert_eq!(receiver.received_at("/hook").len(), 1);
    let disabled = rig.ann.refused("POST", &format!("/v1/webhooks/{id}/test"), &json!({}));
    assert_eq!(disabled, (409, "disabled".to_owned()));
}

#[test]
fn w14_an_endpoint_that_failed_for_five_days_is_disabled_and_the_audit_trail_says_so() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(500)));
    rig.ann.write("aaaaaaaa", "one");
    attempts(&rig.ann, &id, 1);
    let five_days = 5 * DAY.as_millis() as i64;
    let sql = "UPDATE endpoints SET failing_since = failing_since - ?1";
    assert_eq!(rig.database().execute(sql, [five_days]).unwrap(), 1);
    // Time alone switches nothing off: it was tried on each of the days.
    let sql = "INSERT INTO attempts (delivery, number, at, duration_ms, class, status) \
               SELECT rowid, 100 + ?1, since - ?1 * ?2 / 2, 1, 'server_error', 500 FROM deliveries";
    for n in 1..=7 {
        assert_eq!(rig.database().execute(sql, [n, DAY.as_millis() as i64]).unwrap(), 1);
    }
    rig.hurry();
    wait::until("a webhook that is disabled", || {
        Some(()).filter(|()| rig.ann.webhook(&id)["enabled"] == false)
    });
    let rows = rig.audit();
    assert_eq!(
        rows.iter().filter(|row| row.starts_with(&format!("- disable-webhook {id}"))).count(),
        1,
        "{rows:?}"
    );
}

/// A server that is killed while a receiver has an event and has not answered.
fn killed_in_the_middle() -> (Receiver, AccountSender, String, Received) {
    let receiver = Receiver::start();
    let mut rig = AccountSender::start();
    let slow = Behaviour::status(204).after(Duration::from_secs(3));
    let id = rig.ann.listen(&receiver.script("/hook", [slow, Behaviour::status(204)]));
    rig.ann.write("aaaaaaaa", "one");
    let first = receiver.wait_for(1).remove(0);
    rig.kill();
    (receiver, rig, id, first)
}

#[test]
fn w16_an_event_that_was_sent_by_a_server_that_died_is_sent_again_as_the_same() {
    let (receiver, mut rig, id, first) = killed_in_the_middle();
    let lease = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND lease IS NOT NULL";
    assert_eq!(rig.database().query_row(lease, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    rig.resume(LOOPBACK);
    rig.pass(Duration::from_secs(61));
    let again = receiver.wait_for(2).remove(1);
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.body, first.body);
    settled(&rig.ann, &id, "delivered");
}

#[test]
fn w18_what_a_dead_server_held_is_nobody_elses_until_its_lease_is_over() {
    let (receiver, mut rig, id, _) = killed_in_the_middle();
    rig.resume(LOOPBACK);
    // Another delivery shows that this server is at work.
    let other = rig.ann.listen(&receiver.always("/other", Behaviour::status(204)));
    rig.ann.write("bbbbbbbb", "two");
    settled(&rig.ann, &other, "delivered");
    wait::until("the other event", || Some(()).filter(|()| receiver.received_at("/hook").len() == 2));
    let of_one = |received: &Received| received.json()["project_id"] == "aaaaaaaa";
    assert_eq!(receiver.received_at("/hook").iter().filter(|one| of_one(one)).count(), 1);
    rig.pass(Duration::from_secs(61));
    wait::until("the first event again", || {
        Some(()).filter(|()| receiver.received_at("/hook").iter().filter(|one| of_one(one)).count() == 2)
    });
    wait::until("the end of all", || {
        let deliveries = rig.ann.deliveries(&format!("endpoint={id}"));
        Some(()).filter(|()| deliveries.iter().all(|delivery| delivery["state"] == "delivered"))
    });
}

#[test]
fn w16_a_server_that_is_asked_to_stop_lets_what_is_under_way_end() {
    let receiver = Receiver::start();
    let mut rig = AccountSender::start();
    let slow = Behaviour::status(204).after(Duration::from_secs(2));
    rig.ann.listen(&receiver.always("/hook", slow));
    rig.ann.write("aaaaaaaa", "one");
    receiver.wait_for(1);
    let (code, _) = rig.server.terminate();
    assert_eq!(code, Some(0), "{}", rig.log());
    let state: String =
        rig.database().query_row("SELECT state FROM deliveries", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "delivered");
}

#[test]
fn w24_what_waits_is_cancelled_and_sent_after_all_only_where_that_was_asked_for() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    // It wants to be left alone for longer than it takes to disable it.
    let later = || Behaviour::throttled("3600");
    let answers = [later(), Behaviour::status(204), later(), Behaviour::status(204)];
    let id = rig.ann.listen(&receiver.script("/hook", answers));
    rig.ann.write("aaaaaaaa", "one");
    attempts(&rig.ann, &id, 1);
    rig.ann.act(&id, "disable", Value::Null);
    let cancelled = settled(&rig.ann, &id, "cancelled");
    assert_eq!(cancelled["reason"], "endpoint disabled");
    rig.ann.act(&id, "enable", json!({}));
    rig.ann.write("aaaaaaaa", "two");
    settled(&rig.ann, &id, "delivered");
    assert_eq!(receiver.received().len(), 2, "what was cancelled stays so");
    // What was let go stays so: it is the newest disabling that is made up for.
    rig.ann.write("aaaaaaaa", "three");
    let waiting = settled(&rig.ann, &id, "pending");
    receiver.wait_for(3);
    attempts(&rig.ann, &id, 1);
    rig.ann.act(&id, "disable", Value::Null);
    rig.ann.act(&id, "enable", json!({ "replay": true }));
    let replayed = receiver.wait_for(4).remove(3);
    assert_eq!(replayed.header("webhook-id"), waiting["id"].as_str());
    assert_eq!(settled(&rig.ann, &id, "cancelled")["id"], cancelled["id"]);

    let other = rig.ann.listen(&receiver.always("/other", Behaviour::status(500)));
    rig.ann.write("aaaaaaaa", "four");
    attempts(&rig.ann, &other, 1);
    assert_eq!(rig.ann.tell("DELETE", &format!("/v1/webhooks/{other}"), &Value::Null), Value::Null);
    assert_eq!(settled(&rig.ann, &other, "cancelled")["reason"], "endpoint removed");
    let rows = rig.audit();
    for (what, which) in [("disable", &id), ("remove", &other)] {
        let row = format!("ann@example.com {what}-webhook {which} {}", receiver.url);
        assert!(rows.contains(&row), "{row}: {rows:?}");
    }
    assert!(rig.ann.webhooks().iter().all(|webhook| webhook["id"] != other.as_str()));
}

#[test]
fn w38_an_event_that_is_sent_again_is_the_same_one() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(204)));
    let other = rig.ann.listen(&receiver.always("/other", Behaviour::status(204)));
    rig.ann.write("aaaaaaaa", "one");
    settled(&rig.ann, &other, "delivered");
    let event = settled(&rig.ann, &id, "delivered")["id"].clone();
    let again = |body: Value| rig.ann.tell("POST", "/v1/webhooks/redeliver", &body)["count"].clone();
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(again(json!({ "endpoint": id, "ids": [event] })), 1);
    let both = wait::until("two", || Some(receiver.received_at("/hook")).filter(|all| all.len() == 2));
    assert_eq!((both[0].header("webhook-id"), &both[0].body), (both[1].header("webhook-id"), &both[1].body));
    assert_ne!(both[0].header("webhook-timestamp"), both[1].header("webhook-timestamp"));
    assert!(fits(&both[1], &[SECRET]));
    settled(&rig.ann, &id, "delivered");
    assert_eq!(again(json!({ "ids": [event] })), 2);
    let unknown = rig.ann.refused("POST", "/v1/webhooks/redeliver", &json!({ "ids": ["msg_none"] }));
    assert_eq!(unknown, (404, "not-found".to_owned()));
    let many: Vec<&Value> = std::iter::repeat_n(&event, 1001).collect();
    let refused = rig.ann.refused("POST", "/v1/webhooks/redeliver", &json!({ "ids": many }));
    assert_eq!(refused, (413, "too-large".to_owned()));
}
