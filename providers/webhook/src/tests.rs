use std::cell::RefCell;
use std::rc::Rc;

use orkee_provider_sdk::dispatcher::{Delivery, Dispatcher, FailedAttempt, Key, Outcome};
use orkee_provider_sdk::rehearsal::{Error, Rehearsal, Sent};
use orkee_provider_sdk::{Response, base64_decoded, base64_encoded};
use ring::{hmac, signature};

use super::Webhook;

const SECRET: &str = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BODY: &str = r#"{"email":"test@example.com","username":"test_user"}"#;
const SEED: [u8; 32] = [7; 32];

fn key(name: &str, algorithm: &str) -> Key {
    Key { name: name.to_owned(), algorithm: algorithm.to_owned() }
}

fn delivery(keys: Vec<Key>) -> Delivery {
    Delivery {
        id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".to_owned(),
        event: "project.updated".to_owned(),
        timestamp: 1_649_367_553,
        attempt: 1,
        url: "https://receiver.example/hook".to_owned(),
        body: BODY.as_bytes().to_vec(),
        keys,
    }
}

fn signer(name: &str, message: &[u8]) -> Option<Vec<u8>> {
    match name {
        "shared" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &base64_decoded(SECRET)?);
            Some(hmac::sign(&key, message).as_ref().to_vec())
        }
        "own" => {
            let pair = signature::Ed25519KeyPair::from_seed_unchecked(&SEED).ok()?;
            Some(pair.sign(message).as_ref().to_vec())
        }
        _ => None,
    }
}

/// What became of it, and the requests that were sent.
fn delivered(delivery: Delivery, reply: Result<Response, Error>) -> (Outcome, Vec<Sent>) {
    let sent = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&sent);
    let mut reply = Some(reply);
    let rehearsal = Rehearsal::new().signer(signer).backend(move |request| {
        seen.borrow_mut().push(request.clone());
        reply.take().unwrap_or(Err(Error::Timeout))
    });
    let outcome = rehearsal.run(|| Webhook::deliver(delivery));
    (outcome, sent.take())
}

fn reply(status: u16, headers: &[(&str, &str)]) -> Result<Response, Error> {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Ok(Response { status, headers, body: b"no".to_vec() })
}

fn header<'a>(sent: &'a Sent, name: &str) -> &'a str {
    sent.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

#[test]
fn w01_the_signature_of_the_specifications_example_is_sent_with_its_id_time_and_bytes() {
    let (outcome, sent) = delivered(delivery(vec![key("shared", "hmac-sha256")]), reply(204, &[]));
    assert!(matches!(outcome, Outcome::Delivered(204)), "{outcome:?}");
    let [sent] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(
        (sent.method.as_str(), sent.url.as_str(), sent.body.as_slice(), &sent.credential, sent.compress),
        ("POST", "https://receiver.example/hook", BODY.as_bytes(), &None, false)
    );
    assert_eq!(header(sent, "content-type"), "application/json");
    assert_eq!(header(sent, "webhook-id"), "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk");
    assert_eq!(header(sent, "webhook-timestamp"), "1649367553");
    assert_eq!(header(sent, "webhook-signature"), "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[test]
fn each_key_signs_in_its_own_version() {
    let keys = vec![key("shared", "hmac-sha256"), key("own", "ed25519")];
    let (_, sent) = delivered(delivery(keys), reply(200, &[]));
    let signatures: Vec<_> = header(&sent[0], "webhook-signature").split(' ').collect();
    let message = format!("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk.1649367553.{BODY}");
    let own = base64_encoded(&signer("own", message.as_bytes()).unwrap());
    assert_eq!(signatures, ["v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", &format!("v1a,{own}")]);
}

#[test]
fn nothing_is_sent_that_is_not_signed_with_every_key() {
    for wrong in [key("another", "hmac-sha256"), key("shared", "rot13")] {
        let name = wrong.name.clone();
        let (outcome, sent) = delivered(delivery(vec![key("own", "ed25519"), wrong]), reply(200, &[]));
        let Outcome::Failed(FailedAttempt { status: None, reason, .. }) = outcome else { panic!() };
        assert!(reason.contains(&name) && sent.is_empty(), "{reason}");
    }
}

#[test]
fn the_receivers_status_is_what_became_of_the_attempt() {
    let keys = || vec![key("shared", "hmac-sha256")];
    let (gone, _) = delivered(delivery(keys()), reply(410, &[]));
    assert!(matches!(gone, Outcome::Gone));
    let (busy, _) = delivered(delivery(keys()), reply(429, &[("retry-after", "120")]));
    assert!(
        matches!(&busy, Outcome::Failed(FailedAttempt { status: Some(429), wait_ms: Some(120_000), .. })),
        "{busy:?}"
    );
    let (moved, sent) = delivered(delivery(keys()), reply(302, &[("location", "/elsewhere")]));
    assert!(matches!(moved, Outcome::Failed(FailedAttempt { status: Some(302), .. })));
    assert_eq!(sent.len(), 1);
}
