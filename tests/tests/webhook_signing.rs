//! Signatures: what a real delivery carries is what the public libraries verify, what `orkee cloud webhook verify` verifies, and what it
//! says of one that does not fit.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use jiff::Timestamp;
use orkee_core::event::deliveries::{self, Which};
use orkee_core::event::verify::sign;
use orkee_core::event::{Ledger, WebhookSecret};
use orkee_core::net::Secret;
use orkee_core::plugin::{Algorithm, SigningKey};
use orkee_tests::home::{Home, Ran};
use orkee_tests::receiver::{Behaviour, Received, Receiver};
use orkee_tests::sender::Sender;
use orkee_tests::standard_webhooks::{Library, Shown};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
/// A webhook with a secret from elsewhere.
const ADD: [&str; 7] = [
    "cloud",
    "webhook",
    "add",
    "http://127.0.0.1:3000/hook",
    "--local",
    "--allow-insecure-loopback",
    "--secret-from-stdin",
];
const BODY: &[u8] = br#"{"event":"project.updated","project_id":"aaaaaaaa"}"#;

/// A delivery of a project that was made by hand, as its receiver got it.
fn delivered() -> Received {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let url = receiver.always("/hook", Behaviour::status(204));
    sender.endpoint_with(&url, |endpoint| endpoint.secret = WebhookSecret::import(SECRET).unwrap());
    sender.home.add("Größe – “Boot” 🚤");
    sender.drain();
    let [received] = receiver.received().try_into().unwrap();
    received
}

fn shown(received: &Received) -> Shown {
    let header = |name| received.header(name).unwrap().to_owned();
    Shown {
        secret: SECRET.to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: received.body.clone(),
    }
}

/// A delivery that is so many seconds old.
fn signed(secret: &str, seconds_ago: i64, body: &[u8]) -> Shown {
    let key = SigningKey::new("test", Algorithm::HmacSha256, &Secret::new(secret)).unwrap();
    let at = Timestamp::now().as_second() - seconds_ago;
    Shown {
        secret: SECRET.to_owned(),
        id: ID.to_owned(),
        timestamp: at.to_string(),
        signature: sign(&key, ID, at, body),
        body: body.to_vec(),
    }
}

/// `orkee cloud webhook verify`, with the headers in arguments.
fn verify(shown: &Shown) -> Ran {
    let home = Home::new();
    home.file("secret", format!("{}\n", shown.secret));
    let headers = ["--id", &shown.id, "--timestamp", &shown.timestamp, "--signature", &shown.signature];
    let words = [&["cloud", "webhook", "verify", "--secret-file", "secret"][..], &headers].concat();
    let ran = home.run_with(words, &shown.body);
    assert!(!ran.to_string().contains(&shown.secret["whsec_".len()..]), "the secret is shown: {ran}");
    ran
}

#[test]
fn w02_the_public_libraries_verify_a_real_delivery_and_refuse_it_after_one_flipped_byte() {
    let good = shown(&delivered());
    let mut flipped = good.clone();
    let at = good.body.windows(9).position(|window| window == b"timestamp").unwrap();
    flipped.body[at] ^= 1;
    let id = Shown { id: good.id.replacen("msg_", "msg-", 1), ..good.clone() };
    let second = good.timestamp.parse::<u64>().unwrap() + 1;
    let time = Shown { timestamp: second.to_string(), ..good.clone() };
    let key = Shown { secret: OTHER.to_owned(), ..good.clone() };
    for library in [Library::JavaScript, Library::Python] {
        let verdicts = library.verdicts(&[&good, &flipped, &id, &time, &key].map(Clone::clone));
        assert_eq!(verdicts[0], None, "{library:?}");
        assert!(verdicts[1..].iter().all(Option::is_some), "{library:?}: {verdicts:?}");
    }
    let ran = verify(&good).success();
    assert!(ran.stdout.contains("The signature fits"), "{ran}");
    for changed in [&flipped, &id, &time, &key] {
        verify(changed).exits(1);
    }
}

#[test]
fn w04_a_secret_that_does_not_sign_is_refused_and_one_of_24_to_64_bytes_is_taken() {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let of = |bytes: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![7; bytes]));
    let without_prefix = SECRET["whsec_".len()..].to_owned();
    let broken = format!("{}!", &SECRET[..SECRET.len() - 1]);
    for wrong in [of(0), of(1), of(23), of(65), without_prefix, broken] {
        let shown = Shown { secret: wrong, ..signed(SECRET, 0, BODY) };
        let home = Home::new();
        home.file("secret", &shown.secret);
        let words = ["cloud", "webhook", "verify", "--secret-file", "secret", "--id", ID, "--timestamp", "1"];
        let ran = home.run_with([&words[..], &["--signature", "v1,"]].concat(), BODY);
        ran.fails(2, "E-HOOK-039").says("line 1");
        let ran = home.run_with(ADD, &shown.secret).fails(2, "E-HOOK-004");
        assert!(shown.secret.len() < 20 || !ran.to_string().contains(&shown.secret), "{ran}");
        assert_eq!(home.json(["cloud", "webhook", "list", "--local"])["webhooks"], serde_json::json!([]));
    }
    for right in [of(24), of(32), of(64)] {
        verify(&Shown { secret: right.clone(), ..signed(&right, 0, BODY) }).success();
        Home::new().run_with(ADD, &right).success();
    }
}

#[test]
fn w06_a_delivery_more_than_300_seconds_off_or_without_a_time_is_refused() {
    for seconds in [-290, 0, 299] {
        verify(&signed(SECRET, seconds, BODY)).success();
    }
    verify(&signed(SECRET, 302, BODY)).fails(1, "E-HOOK-030").says("the time is wrong").says("s old");
    verify(&signed(SECRET, -330, BODY)).fails(1, "E-HOOK-030").says("ahead of this clock");
    for wrong in ["soon", "1649367553.0", "+1649367553", ""] {
        let shown = Shown { timestamp: wrong.to_owned(), ..signed(SECRET, 0, BODY) };
        verify(&shown).exits(1).says("not an integer");
    }
}

#[test]
fn w09_a_signature_of_an_unknown_version_beside_a_good_one_is_ignored() {
    let good = signed(SECRET, 0, BODY);
    for signature in [format!("v9,dG8gY29tZQ== {}", good.signature), format!("{} v9,?", good.signature)] {
        verify(&Shown { signature, ..good.clone() }).success();
    }
    let alone = good.signature.replacen("v1,", "v9,", 1);
    verify(&Shown { signature: alone, ..good }).fails(1, "E-HOOK-031").says("the signature is wrong");
}

#[test]
fn w20_a_receiver_that_ignores_ids_it_has_seen_sees_each_effect_once() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    // It takes the first, and does not live to say so; of the second it says twice that it is busy.
    let (dies, busy) = (Behaviour::Reset, Behaviour::status(503));
    let endpoint =
        sender.endpoint(&receiver.script("/hook", [dies, busy.clone(), busy, Behaviour::status(204)]));
    sender.home.add("Boat");
    sender.home.add("Harbour");
    while sender.deliveries().iter().any(|delivery| delivery.state == "pending") {
        sender.pass_to_next();
        sender.drain();
    }
    // And somebody sends all of it once more.
    let ids: Vec<_> = sender.deliveries().into_iter().map(|delivery| delivery.event).collect();
    let ledger = sender.ledger();
    let owner = ledger.owner();
    let ledger: &dyn Ledger = &ledger;
    let again = ledger.writing(|db| {
        deliveries::redeliver(db, owner, Some(&endpoint), &Which::Events(ids), Timestamp::now())
    });
    assert_eq!(again.unwrap(), 2);
    sender.drain();
    let received = receiver.received();
    assert!(received.len() >= 6, "two events, two retries, two redeliveries: {}", received.len());
    let mut done = BTreeSet::new();
    let effects: Vec<_> = received
        .iter()
        .filter(|delivery| done.insert(delivery.header("webhook-id").unwrap().to_owned()))
        .map(|delivery| delivery.json()["data"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert_eq!(effects.into_iter().collect::<BTreeSet<_>>(), ["Boat", "Harbour"].map(str::to_owned).into());
}

#[test]
fn w40_verify_names_the_part_that_does_not_fit() {
    let good = signed(SECRET, 0, BODY);
    let body = |body: &[u8]| Shown { body: body.to_vec(), ..good.clone() };
    verify(&body(&[BODY, b"\n"].concat())).fails(1, "E-HOOK-037").says("a line end behind it");
    verify(&body(br#"{ "event": "project.updated", "project_id": "aaaaaaaa" }"#))
        .fails(1, "E-HOOK-037")
        .says("raw bytes");
    let id = Shown { id: ID["msg_".len()..].to_owned(), ..good.clone() };
    verify(&id).fails(1, "E-HOOK-036").says("its `msg_` is missing");
    let time = Shown { timestamp: format!("{}000", good.timestamp), ..good.clone() };
    verify(&time).fails(1, "E-HOOK-030").says("in milliseconds");
    let key = Shown { secret: OTHER.to_owned(), ..good.clone() };
    verify(&key).fails(1, "E-HOOK-032").says("the secret is this webhook's");
    let old = signed(SECRET, 86_400, BODY);
    verify(&old).fails(1, "E-HOOK-030").says("8640");
    let both = Shown { body: [BODY, b"\n"].concat(), ..old };
    verify(&both).fails(1, "E-HOOK-037").says("a line end behind it").says("the time is wrong");
}

#[test]
fn w40_the_device_that_sent_an_event_tells_which_part_of_it_is_another() {
    let (sender, receiver) = (Sender::new(), Receiver::start());
    let url = receiver.always("/hook", Behaviour::status(204));
    sender.endpoint_with(&url, |endpoint| endpoint.secret = WebhookSecret::import(SECRET).unwrap());
    sender.home.add("Boat");
    sender.drain();
    let good = shown(&receiver.received()[0]);
    let verify = |shown: &Shown| {
        sender.home.file("secret", &shown.secret);
        let headers = ["--id", &shown.id, "--timestamp", &shown.timestamp, "--signature", &shown.signature];
        let words = [&["cloud", "webhook", "verify", "--secret-file", "secret"][..], &headers].concat();
        sender.home.run_with(words, &shown.body)
    };
    verify(&good).success();
    let mut body = good.clone();
    body.body[10] ^= 1;
    verify(&body).fails(1, "E-HOOK-037").says("the body is wrong (this device sent another under this id)");
    let id = Shown { id: format!("{}x", &good.id[..good.id.len() - 1]), ..good.clone() };
    verify(&id).fails(1, "E-HOOK-036").says(&format!("this device sent this body as {}", good.id));
    let key = Shown { secret: OTHER.to_owned(), ..good.clone() };
    verify(&key).fails(1, "E-HOOK-038").says("id and body are as this device sent them");
}

#[test]
fn w40_verify_takes_headers_from_a_file_and_secrets_from_a_file_or_standard_input_alone() {
    let good = signed(SECRET, 0, BODY);
    let home = Home::new();
    home.file("secrets", format!("{OTHER}\n{SECRET}\n"));
    home.file("body", BODY);
    let headers = format!(
        "POST /hook HTTP/1.1\r\nHost: receiver.example\r\nWebhook-Id: {}\r\nWebhook-Timestamp: {}\r\nWEBHOOK-SIGNATURE: {}\r\n\r\n",
        good.id, good.timestamp, good.signature
    );
    home.file("headers", headers);
    let verify = ["cloud", "webhook", "verify", "--headers", "headers"];
    let ran = home.run_with([&verify[..], &["--secret-file", "secrets", "--json"]].concat(), BODY).success();
    assert_eq!((ran.json()["verified"].clone(), ran.json()["id"].clone()), (true.into(), ID.into()));
    let from_stdin = [&verify[..], &["--secret-file", "-", "--body", "body"]].concat();
    home.run_with(from_stdin, SECRET.as_bytes()).success();
    home.run_with([&verify[..], &["--secret-file", "-"]].concat(), SECRET.as_bytes()).fails(2, "E-CLI-001");
    home.run_with([&verify[..], &["--secret", SECRET]].concat(), BODY).fails(2, "E-CLI-001");
    home.file("headers", "webhook-id: msg_1\n");
    let ran = home.run_with([&verify[..], &["--secret-file", "secrets"]].concat(), BODY);
    ran.fails(2, "E-HOOK-039").says("webhook-timestamp");
    // An old one that was kept.
    let old = signed(SECRET, 86_400, BODY);
    let args = ["--id", &old.id, "--timestamp", &old.timestamp, "--signature", &old.signature, "--any-time"];
    let words = [&["cloud", "webhook", "verify", "--secret-file", "secrets"][..], &args].concat();
    home.run_with(words, BODY).success();
}
