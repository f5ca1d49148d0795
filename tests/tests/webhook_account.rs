//! Webhooks of an account: the server sends them, whether a device is on or not. Who is told, what arrives, and what becomes of what
//! does not.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use jiff::Timestamp;
use orkee_core::event::verify::{self, VerifyingKey};
use orkee_core::net::Secret;
use orkee_tests::account_sender::{Account, AccountSender, LOOPBACK, SECRET};
use orkee_tests::office::Office;
use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::wait;
use serde_json::{Value, json};

const OTHER: &str = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytd2ViaG9va3MhISE=";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A receiver's check, with these secrets.
fn fits(received: &Received, secrets: &[&str]) -> bool {
    let keys: Vec<VerifyingKey> =
        secrets.iter().map(|secret| VerifyingKey::parse("k", &Secret::new(*secret)).unwrap()).collect();
    let header = |name| received.header(name).unwrap();
    let parts = verify::Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    verify::verify(&keys, &parts, &received.body, Timestamp::now()).is_ok()
}

fn kinds(received: &[Received]) -> Vec<String> {
    received.iter().map(|one| one.json()["event"].as_str().unwrap().to_owned()).collect()
}

/// The only delivery to an endpoint, once it says this of itself.
#[track_caller]
fn settled(account: &Account, endpoint: &str, state: &str) -> Value {
    wait::until(&format!("a delivery that is {state}"), || {
        let deliveries = account.deliveries(&format!("endpoint={endpoint}"));
        deliveries.into_iter().find(|delivery| delivery["state"] == state)
    })
}

/// The attempts at an endpoint's only delivery, once there are so many.
#[track_caller]
fn attempts(account: &Account, endpoint: &str, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} attempts"), || {
        let deliveries = account.deliveries(&format!("endpoint={endpoint}"));
        let attempts = deliveries.first()?["attempts"].as_array()?.clone();
        Some(attempts).filter(|attempts| attempts.len() >= count)
    })
}

#[test]
fn w05_what_an_account_writes_arrives_signed_and_each_attempt_is_signed_anew() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let url = receiver.script("/hook", [Behaviour::status(500), Behaviour::status(204)]);
    let id = rig.ann.listen(&url);
    rig.ann.write("aaaaaaaa", "Rocket");
    let first = &receiver.wait_for(1)[0];
    assert!(fits(first, &[SECRET]) && !fits(first, &[OTHER]));
    let body = first.json();
    assert_eq!(
        (&body["event"], &body["type"], &body["project_id"], &body["data"]["name"]),
        (&json!("project.created"), &json!("project.created"), &json!("aaaaaaaa"), &json!("Rocket"))
    );
    let name = first.header("webhook-id").unwrap();
    assert!(
        name.strip_prefix("msg_")
            .is_some_and(|rest| { rest.len() >= 20 && rest.bytes().all(|b| b.is_ascii_alphanumeric()) })
    );
    attempts(&rig.ann, &id, 1);
    // A second's difference is one in the time that is signed.
    std::thread::sleep(Duration::from_millis(1100));
    rig.hurry();
    let second = &receiver.wait_for(2)[1];
    assert_eq!((second.header("webhook-id"), &second.body), (Some(name), &first.body));
    assert_ne!(second.header("webhook-timestamp"), first.header("webhook-timestamp"));
    assert_ne!(second.header("webhook-signature"), first.header("webhook-signature"));
    assert!(fits(second, &[SECRET]));
    assert_eq!(settled(&rig.ann, &id, "delivered")["attempts"].as_array().unwrap().len(), 2);
}

#[test]
fn w08a_a_devices_sync_is_told_of_by_the_server() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    rig.ann.listen_with(json!({ "url": receiver.always("/hook", Behaviour::status(204)), "ordered": true }));
    let device = rig.ann.device();
    let id = device.add("shop");
    device.sync();
    device.edit(&id, "--description", "for shoes");
    device.sync();
    let received = receiver.wait_for(4);
    assert_eq!(kinds(&received), ["project.created", "sync.completed", "project.updated", "sync.completed"]);
    for (n, one) in received.iter().enumerate() {
        let body = one.json();
        assert_eq!(
            (&body["project_id"], body["sequence"].as_u64()),
            (&json!(id), Some(n as u64 + 1)),
            "{body}"
        );
        assert!(fits(one, &[SECRET]));
    }
    assert_eq!(received[0].json()["data"], json!({ "name": "shop" }), "and nothing else of the project");
}

#[test]
fn w03_two_accounts_never_meet_and_a_secret_is_told_to_nobody() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let bob = rig.account("bob");
    let of_ann = rig.ann.listen(&receiver.always("/ann", Behaviour::status(204)));
    let of_bob = bob.listen(&receiver.always("/bob", Behaviour::status(204)));
    rig.ann.write("aaaaaaaa", "Rocket");
    settled(&rig.ann, &of_ann, "delivered");
    bob.write("bbbbbbbb", "Submarine");
    settled(&bob, &of_bob, "delivered");
    assert_eq!([receiver.received_at("/ann").len(), receiver.received_at("/bob").len()], [1, 1]);
    assert_eq!(receiver.received_at("/ann")[0].json()["project_id"], "aaaaaaaa");
    assert_eq!((rig.ann.webhooks().len(), bob.webhooks()[0]["id"].as_str()), (1, Some(of_bob.as_str())));
    let event = rig.ann.deliveries("limit=1")[0]["id"].as_str().unwrap().to_owned();
    assert!(bob.deliveries(&format!("id={event}")).is_empty());
    assert!(bob.deliveries(&format!("endpoint={of_ann}")).is_empty());
    let path = |what: &str| format!("/v1/webhooks/{of_ann}{what}");
    let nothing = (404, "not-found".to_owned());
    for (method, path, body) in [
        ("DELETE", path(""), Value::Null),
        ("POST", path("/enable"), json!({})),
        ("POST", path("/disable"), json!({})),
        ("POST", path("/secret"), json!({ "secret": OTHER })),
        ("POST", path("/test"), json!({})),
        ("POST", path("/pull"), json!({})),
        ("POST", "/v1/webhooks/redeliver".to_owned(), json!({ "endpoint": of_ann, "ids": [] })),
        ("POST", "/v1/webhooks/redeliver".to_owned(), json!({ "ids": [event] })),
    ] {
        assert_eq!(bob.refused(method, &path, &body), nothing, "{method} {path}");
    }
    assert_eq!(rig.ann.webhook(&of_ann)["enabled"], json!(true));

    rig.ann.act(&of_ann, "secret", json!({ "secret": OTHER }));
    let told = [
        json!(rig.ann.webhooks()).to_string(),
        json!(rig.ann.deliveries("limit=9")).to_string(),
        rig.audit().join("\n"),
        rig.log(),
        rig.server.command(&["webhook", "list"]).success().stdout,
        rig.ann.ask("POST", "/v1/webhooks", &json!({ "url": 7, "secret": SECRET })).text(),
        rig.ann.ask("POST", "/v1/webhooks", &json!({ "url": "ftp://a", "secret": SECRET })).text(),
    ];
    for text in told {
        for secret in [SECRET, OTHER] {
            assert!(!text.contains(secret.trim_start_matches("whsec_")), "{text}");
        }
    }
}

#[test]
fn w04_what_is_no_secret_is_refused_and_not_repeated() {
    let rig = AccountSender::start();
    for secret in ["", "whsec_", "whsec_AAAA", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_%%%%"] {
        let about = json!({ "url": "https://a.example/", "secret": secret });
        let reply = rig.ann.ask("POST", "/v1/webhooks", &about);
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (422, &json!("bad-secret")), "{secret}");
        assert!(secret.len() < 9 || !reply.text().contains(secret), "{}", reply.text());
    }
    assert!(rig.ann.webhooks().is_empty());
}

#[test]
fn w07_two_secrets_sign_while_they_overlap_and_the_old_one_is_wiped_after_it() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(204)));
    rig.ann.act(&id, "secret", json!({ "secret": OTHER, "overlap_seconds": 86_400 }));
    assert!(rig.ann.webhook(&id)["rotating_until"].is_string());
    let path = format!("/v1/webhooks/{id}/secret");
    let within = rig.ann.refused("POST", &path, &json!({ "secret": SECRET }));
    assert_eq!(within, (409, "rotating".to_owned()));
    rig.ann.write("aaaaaaaa", "one");
    let both = receiver.wait_for(1).remove(0);
    assert_eq!(both.header("webhook-signature").unwrap().split(' ').count(), 2);
    assert!(fits(&both, &[SECRET]) && fits(&both, &[OTHER]));

    rig.pass(DAY + Duration::from_secs(1));
    rig.ann.write("aaaaaaaa", "two");
    let one = receiver.wait_for(2).remove(1);
    assert_eq!(one.header("webhook-signature").unwrap().split(' ').count(), 1);
    assert!(fits(&one, &[OTHER]) && !fits(&one, &[SECRET]));
    assert!(rig.ann.webhook(&id)["rotating_until"].is_null());
    rig.ann.act(&id, "secret", json!({ "secret": SECRET }));
    rig.ann.write("aaaaaaaa", "three");
    assert!(fits(&receiver.wait_for(3)[2], &[SECRET]));
    let (old, data) = (OTHER.trim_start_matches("whsec_").as_bytes(), rig.server.data());
    for file in ["orkee-server.db", "orkee-server.db-wal"] {
        let bytes = std::fs::read(data.join(file)).unwrap_or_default();
        assert!(!bytes.windows(old.len()).any(|window| window == old), "{file} has the old secret");
    }
}

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
    let (code, took) = rig.server.terminate();
    assert_eq!(code, Some(0), "{}", rig.log());
    assert!(took < Duration::from_secs(8), "{took:?}");
    let state: String =
        rig.database().query_row("SELECT state FROM deliveries", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "delivered");
}

#[test]
fn w23_an_endpoint_is_told_of_what_it_asked_for_and_an_unknown_name_is_refused() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let listen = |path: &str, events: &[&str]| {
        rig.ann.listen_with(json!({ "url": receiver.always(path, Behaviour::status(204)), "events": events }))
    };
    let (projects, created) = (listen("/projects", &["project.*"]), listen("/created", &["project.created"]));
    let failed = listen("/failed", &["sync.failed", "device.*"]);
    rig.ann.write("aaaaaaaa", "one");
    rig.ann.write("aaaaaaaa", "two");
    wait::until("two events", || Some(()).filter(|()| receiver.received_at("/projects").len() == 2));
    settled(&rig.ann, &created, "delivered");
    assert_eq!(kinds(&receiver.received_at("/created")), ["project.created"]);
    assert_eq!(rig.ann.deliveries(&format!("endpoint={failed}")).len(), 0);
    assert_eq!(rig.ann.webhook(&projects)["events"], json!(["project.*"]));
    let about = json!({ "url": "https://a.example/", "events": ["project.updatd"], "secret": SECRET });
    let reply = rig.ann.ask("POST", "/v1/webhooks", &about);
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (422, &json!("unknown-event")));
    assert!(reply.text().contains("did you mean project.updated?"), "{}", reply.text());
}

#[test]
fn w24_what_waits_is_cancelled_and_sent_after_all_only_where_that_was_asked_for() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.script("/hook", [Behaviour::status(500), Behaviour::status(204)]));
    rig.ann.write("aaaaaaaa", "one");
    attempts(&rig.ann, &id, 1);
    rig.ann.act(&id, "disable", Value::Null);
    let cancelled = settled(&rig.ann, &id, "cancelled");
    assert_eq!(cancelled["reason"], "endpoint disabled");
    rig.ann.act(&id, "enable", json!({}));
    rig.ann.write("aaaaaaaa", "two");
    settled(&rig.ann, &id, "delivered");
    assert_eq!(receiver.received().len(), 2, "what was cancelled stays so");
    rig.ann.act(&id, "disable", Value::Null);
    rig.ann.act(&id, "enable", json!({ "replay": true }));
    let replayed = receiver.wait_for(3).remove(2);
    assert_eq!(replayed.header("webhook-id"), cancelled["id"].as_str());

    let other = rig.ann.listen(&receiver.always("/other", Behaviour::status(500)));
    rig.ann.write("aaaaaaaa", "three");
    attempts(&rig.ann, &other, 1);
    assert_eq!(rig.ann.tell("DELETE", &format!("/v1/webhooks/{other}"), &Value::Null), Value::Null);
    assert_eq!(settled(&rig.ann, &other, "cancelled")["reason"], "endpoint removed");
    assert!(rig.ann.webhooks().iter().all(|webhook| webhook["id"] != other.as_str()));
}

#[test]
fn w25_w26_a_webhook_that_leads_nowhere_public_is_refused_when_it_is_added() {
    let rig = AccountSender::with_args(&[]);
    for url in [
        "http://a.example/",
        "ftp://a.example/",
        "https://user@a.example/",
        "https://a.example/#x",
        "https://a.example:22/",
        "nonsense",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/",
        "https://metadata.google.internal/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://[fe80::1]/",
        "http://127.0.0.1:3000/",
    ] {
        let about = json!({ "url": url, "secret": SECRET });
        assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &about), (422, "refused-url".to_owned()), "{url}");
    }
    assert!(rig.ann.webhooks().is_empty());
}

#[test]
fn w28_what_may_not_be_reached_any_more_is_blocked_when_it_is_sent_to() {
    let receiver = Receiver::start();
    let mut rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(204)));
    rig.kill();
    // The one who runs the server thought better of it.
    rig.resume(&[]);
    rig.ann.write("aaaaaaaa", "one");
    let attempt = attempts(&rig.ann, &id, 1).remove(0);
    assert_eq!(
        (&attempt["class"], &attempt["status"]),
        (&json!("blocked_address"), &Value::Null),
        "{attempt}"
    );
    assert_eq!(receiver.connections(), 0, "no packet leaves");
}

#[test]
fn w35_a_private_network_is_reached_where_the_one_who_runs_the_server_says_so_and_metadata_never() {
    use orkee_tests::tls::Certificate;
    let receiver = Receiver::with_tls(Certificate::of("127.0.0.1"));
    let authority = receiver.authority();
    let rig = AccountSender::with_args(&[
        "--webhook-allow-private",
        "127.0.0.0/8",
        "--webhook-allow-private",
        "169.254.0.0/16",
        "--webhook-ca-file",
        authority.to_str().unwrap(),
    ]);
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(204)));
    let told = rig.ann.act(&id, "test", json!({}));
    assert_eq!(told["class"], "delivered", "{told}");
    assert!(told["tls"].as_str().is_some_and(|tls| tls.contains("1.3")), "{told}");
    let metadata = json!({ "url": "https://169.254.169.254/latest", "secret": SECRET });
    assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &metadata), (422, "refused-url".to_owned()));
    let private = json!({ "url": "https://10.0.0.1/", "secret": SECRET });
    assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &private), (422, "refused-url".to_owned()));
    let allowed = "- allow-webhook-targets - 127.0.0.0/8, 169.254.0.0/16".to_owned();
    assert!(rig.audit().contains(&allowed), "{:?}", rig.audit());
}

#[test]
fn w37_deliveries_are_told_by_endpoint_time_and_failure_page_by_page() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let good = rig.ann.listen(&receiver.always("/good", Behaviour::status(204)));
    let bad = rig.ann.listen(&receiver.always("/bad", Behaviour::with_body(500, "x".repeat(4000))));
    for name in ["one", "two", "three"] {
        rig.ann.write("aaaaaaaa", name);
    }
    wait::until("all attempts", || {
        let all = rig.ann.deliveries("limit=99");
        let tried = |one: &Value| one["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty());
        Some(()).filter(|()| all.len() == 6 && all.iter().all(tried))
    });
    let failed = rig.ann.deliveries("failed=true");
    assert!(failed.len() == 3 && failed.iter().all(|one| one["endpoint"] == bad.as_str()), "{failed:?}");
    let attempt = &failed[0]["attempts"][0];
    assert_eq!((attempt["reply"].as_str().map(str::len), &attempt["status"]), (Some(1024), &json!(500)));
    assert_eq!(rig.ann.deliveries(&format!("endpoint={good}")).len(), 3);
    let later = Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert!(rig.ann.deliveries(&format!("since={later}")).is_empty());
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = rig.ann.tell("GET", &format!("/v1/webhooks/deliveries?limit=4{after}"), &Value::Null);
        seen.extend(page["deliveries"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, rig.ann.deliveries("limit=99"));
    for query in ["since=yesterday", "after=x", "limit=-1", "failed=perhaps"] {
        let refused = rig.ann.refused("GET", &format!("/v1/webhooks/deliveries?{query}"), &Value::Null);
        assert_eq!(refused, (400, "invalid-request".to_owned()), "{query}");
    }
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

#[test]
fn w39_a_machine_that_cannot_be_reached_fetches_its_events_and_is_missed_when_it_stops() {
    let rig = AccountSender::with_args(&[]);
    let listener = json!({ "url": "http://127.0.0.1:3000/hook", "pulled": true, "events": ["project.*"] });
    let id = rig.ann.listen_with(listener);
    for name in ["one", "two", "three"] {
        rig.ann.write("aaaaaaaa", name);
    }
    let pull = |body: Value| rig.ann.act(&id, "pull", body)["events"].as_array().unwrap().clone();
    let events = pull(json!({ "limit": 2 }));
    let body = |event: &Value| serde_json::from_str::<Value>(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(events.iter().map(|event| body(event)["sequence"].clone()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(pull(json!({ "limit": 2 })), events, "until they are taken");
    let rest = pull(json!({ "taken": [events[0]["id"], events[1]["id"]] }));
    assert_eq!((rest.len(), &rest[0]["event"]), (1, &json!("project.updated")));
    assert_eq!(pull(json!({ "taken": [rest[0]["id"]] })), [Value::Null; 0]);
    let tested = rig.ann.refused("POST", &format!("/v1/webhooks/{id}/test"), &json!({}));
    assert_eq!(tested, (409, "pulled".to_owned()));
    let sent = rig.ann.listen("https://a.example/hook");
    let refused = rig.ann.refused("POST", &format!("/v1/webhooks/{sent}/pull"), &json!({}));
    assert_eq!(refused, (409, "not-pulled".to_owned()));
}

#[test]
fn w41_a_teams_owners_say_where_its_events_go_and_its_members_see_it() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let (ben, eve) = (rig.account("ben"), rig.account("eve"));
    let team = |args: &[&str]| drop(rig.server.command(&[&["team"], args].concat()).success());
    team(&["create", "acme", "--owner", &rig.ann.email]);
    team(&["add", "acme", &ben.email]);
    team(&["add", "acme", &eve.email, "--role", "read-only"]);
    let owner = rig.ann.in_team();
    let id = owner.listen(&receiver.always("/team", Behaviour::status(204)));
    let own = rig.ann.listen(&receiver.always("/own", Behaviour::status(204)));
    ben.in_team().write("aaaaaaaa", "shared");
    settled(&owner, &id, "delivered");
    assert_eq!(receiver.received().len(), 1, "of a team's projects its own webhooks are told");
    for member in [ben.in_team(), eve.in_team()] {
        assert_eq!(member.webhook(&id)["enabled"], json!(true));
        assert_eq!(member.deliveries(&format!("endpoint={id}")).len(), 1);
        let event = member.deliveries("limit=1")[0]["id"].clone();
        let forbidden = (403, "forbidden".to_owned());
        let about = json!({ "url": "https://a.example/", "secret": SECRET });
        assert_eq!(member.refused("POST", "/v1/webhooks", &about), forbidden);
        assert_eq!(member.refused("DELETE", &format!("/v1/webhooks/{id}"), &Value::Null), forbidden);
        for what in ["enable", "disable", "test", "pull"] {
            assert_eq!(
                member.refused("POST", &format!("/v1/webhooks/{id}/{what}"), &json!({})),
                forbidden,
                "{what}"
            );
        }
        let secret = json!({ "secret": SECRET });
        assert_eq!(member.refused("POST", &format!("/v1/webhooks/{id}/secret"), &secret), forbidden);
        let again = json!({ "ids": [event] });
        assert_eq!(member.refused("POST", "/v1/webhooks/redeliver", &again), forbidden);
    }
    assert_eq!(
        rig.ann.webhooks().iter().map(|webhook| webhook["id"].clone()).collect::<Vec<_>>(),
        [json!(own)]
    );
    team(&["role", "acme", &ben.email, "owner"]);
    ben.in_team().act(&id, "disable", Value::Null);
    assert_eq!(owner.webhook(&id)["enabled"], json!(false));
    team(&["remove", "acme", &ben.email]);
    assert_eq!(ben.in_team().refused("GET", "/v1/webhooks", &Value::Null).0, 403);
    let row = format!("{} disable-webhook {id} {}", ben.email, receiver.url);
    assert!(rig.audit().contains(&row), "{:?}", rig.audit());
}

#[test]
fn w41_whoever_runs_the_server_sees_all_webhooks_and_can_switch_one_off() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let bob = rig.account("bob");
    let url = receiver.always("/secret-path", Behaviour::status(204));
    let (id, other) = (rig.ann.listen(&url), bob.listen(&url));
    let listed = rig.server.command(&["webhook", "list"]).success().stdout;
    assert!(
        listed.contains(&format!("{id}  ann@example.com  webhook  {}  project.*  enabled", receiver.url)),
        "{listed}"
    );
    assert!(listed.contains(&other) && !listed.contains("secret-path"), "{listed}");
    rig.server.command(&["webhook", "disable", &id]).success();
    let webhook = rig.ann.webhook(&id);
    assert_eq!(webhook["disabled_because"], "disabled by whoever runs the server");
    let missing = rig.server.command(&["webhook", "disable", "ep_none"]).exits(2);
    assert!(missing.stderr.contains("webhook list shows"), "{missing}");
    rig.ann.write("aaaaaaaa", "one");
    bob.write("aaaaaaaa", "one");
    settled(&bob, &other, "delivered");
    assert_eq!(receiver.received().len(), 1);
    rig.server.command(&["user", "disable", &bob.email]).success();
    let listed = rig.server.command(&["webhook", "list"]).success().stdout;
    assert!(listed.contains("disabled: the account is disabled"), "{listed}");
}

#[test]
fn a_webhook_has_bounds_on_all_that_is_said_of_it() {
    let rig = AccountSender::with_args(&[]);
    let with = |name: &str, value: Value| {
        let mut about = json!({ "url": "https://a.example/", "secret": SECRET });
        about[name] = value;
        rig.ann.refused("POST", "/v1/webhooks", &about)
    };
    let refused = |code: &str| (422, code.to_owned());
    assert_eq!(with("url", format!("https://a.example/{}", "x".repeat(3000)).into()), refused("refused-url"));
    assert_eq!(with("description", "x".repeat(201).into()), refused("invalid-description"));
    assert_eq!(with("description", "two\nlines".into()), refused("invalid-description"));
    assert_eq!(with("events", vec!["sync.failed"; 51].into()), refused("invalid-events"));
    assert_eq!(with("dispatcher", "pigeon".into()), refused("unknown-dispatcher"));
    assert_eq!(with("description", "x".repeat(1 << 20).into()).0, 413);
    (0..50).for_each(|_| drop(rig.ann.listen("https://a.example/")));
    let about = json!({ "url": "https://a.example/", "secret": SECRET });
    assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &about), (409, "too-many-webhooks".to_owned()));
}

/// The kind of company that has an office has its own policy of what it lets out: a team's webhooks stay the team's.
#[test]
fn w23_what_a_device_shares_with_its_team_is_told_to_the_teams_webhooks() {
    let office = Office::open();
    let about = json!({ "url": "https://127.0.0.1:9/", "secret": SECRET, "pulled": true }).to_string();
    let json_type = [("Content-Type", "application/json")];
    let reply = office.ann.ask("POST", "/v1/webhooks", &json_type, about.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    office.ann.device.add("shop");
    office.ann.sync(&["--yes"]).success();
    let pulled = office.ann.ask("POST", &format!("/v1/webhooks/{id}/pull"), &json_type, b"{}").json();
    let kinds: Vec<&Value> =
        pulled["events"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert_eq!(kinds, ["project.created", "sync.completed"], "{pulled}");
}
