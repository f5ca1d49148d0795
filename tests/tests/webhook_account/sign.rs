//! Signatures and the secrets that they are made with.

use std::time::Duration;

use orkee_tests::account_sender::{AccountSender, SECRET};
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::wait;
use serde_json::{Value, json};

use crate::{DAY, OTHER, attempts, fits, settled};

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
fn w07_the_old_secret_is_wiped_once_its_time_is_over_without_anybody_asking() {
    let mut rig = AccountSender::with_args(&[]);
    let id = rig.ann.listen("https://a.example/hook");
    rig.ann.act(&id, "secret", json!({ "secret": OTHER, "overlap_seconds": 86_400 }));
    rig.kill();
    let (old, data) = (SECRET.trim_start_matches("whsec_").as_bytes(), rig.server.data());
    let on_disk = || {
        let read = |file| std::fs::read(data.join(file)).unwrap_or_default();
        let files = ["orkee-server.db", "orkee-server.db-wal"].map(read).concat();
        files.windows(old.len()).any(|window| window == old)
    };
    assert!(on_disk());
    rig.pass(DAY + Duration::from_secs(1));
    rig.resume(&[]);
    // The first of its minutes begins with it.
    wait::until("the end of the old secret", || Some(()).filter(|()| !on_disk()));
    rig.ann.act(&id, "disable", Value::Null);
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
    let within = rig.ann.refused("POST", &path, &json!({ "secret": SECRET, "overlap_seconds": 60 }));
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
fn w07_without_an_overlap_every_older_secret_ends_at_once_also_while_two_sign() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let id = rig.ann.listen(&receiver.always("/hook", Behaviour::status(204)));
    rig.ann.act(&id, "secret", json!({ "secret": OTHER, "overlap_seconds": 86_400 }));
    let third = format!("whsec_{}", "A".repeat(32));
    rig.ann.act(&id, "secret", json!({ "secret": third }));
    assert!(rig.ann.webhook(&id)["rotating_until"].is_null());
    rig.ann.write("aaaaaaaa", "one");
    let sent = receiver.wait_for(1).remove(0);
    assert_eq!(sent.header("webhook-signature").unwrap().split(' ').count(), 1);
    assert!(fits(&sent, &[&third]));
}
