//! A webhook dispatcher in the manner of Standard Webhooks. The setting `do` makes it break a rule.

wit_bindgen::generate!({ path: "../../../wit", world: "webhook-dispatcher" });

mod base64;

use exports::orkee::sync::dispatcher::{Delivery, Description, FailedAttempt, Guest, Outcome};
use orkee::sync::{http, settings, signer};

struct Dispatcher;

impl Guest for Dispatcher {
    fn describe() -> Description {
        if settings::get("do").as_deref() == Some("ask-at-once") {
            assert!(send("/", Vec::new(), Vec::new()).is_err(), "there is a way out of `describe`");
        }
        Description { id: "standard-webhooks".into(), name: "Standard Webhooks".into(), version: "1".into() }
    }

    fn deliver(delivery: Delivery) -> Outcome {
        match settings::get("do").as_deref() {
            Some("boast") => return Outcome::Delivered(200),
            Some("go-elsewhere") => return told(send(&settings::get("url").unwrap_or_default(), vec![], vec![])),
            Some("sign-with-another-key") => return failed(None, &format!("{:?}", signer::sign("another", b""))),
            Some("ask-for-the-login") => {
                let mut request = request(&delivery.url, Vec::new(), Vec::new());
                request.credential = Some("login".into());
                return told(http::send(&request));
            }
            _ => {}
        }
        let signed = [format!("{}.{}.", delivery.id, delivery.timestamp).into_bytes(), delivery.body.clone()].concat();
        let mut signatures = Vec::new();
        for key in &delivery.keys {
            let version = if key.algorithm == "ed25519" { "v1a" } else { "v1" };
            match signer::sign(&key.name, &signed) {
                Ok(signature) => signatures.push(format!("{version},{}", base64::encode(&signature))),
                Err(error) => return failed(None, &format!("{error:?}")),
            }
        }
        let headers = vec![
            ("content-type".into(), "application/json".into()),
            ("webhook-id".into(), delivery.id),
            ("webhook-timestamp".into(), delivery.timestamp.to_string()),
            ("webhook-signature".into(), signatures.join(" ")),
        ];
        told(send(&delivery.url, headers, delivery.body))
    }
}

fn request(url: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> http::Request {
    http::Request {
        method: "POST".into(),
        url: url.into(),
        headers,
        body,
        credential: None,
        compress: false,
        timeout_ms: None,
    }
}

fn send(url: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Result<http::Response, http::Error> {
    http::send(&request(url, headers, body))
}

fn told(reply: Result<http::Response, http::Error>) -> Outcome {
    match reply {
        Ok(reply) if reply.status == 410 => Outcome::Gone,
        Ok(reply) if (200..300).contains(&reply.status) => Outcome::Delivered(reply.status),
        Ok(reply) => {
            let after = reply.headers.iter().find(|(name, _)| name == "retry-after");
            let wait_ms = after.and_then(|(_, seconds)| seconds.parse::<u64>().ok()).map(|s| s * 1000);
            let reason = format!("the receiver answered {}", reply.status);
            Outcome::Failed(FailedAttempt { status: Some(reply.status), reason, wait_ms })
        }
        Err(error) => failed(None, &format!("{error:?}")),
    }
}

fn failed(status: Option<u16>, reason: &str) -> Outcome {
    Outcome::Failed(FailedAttempt { status, reason: reason.into(), wait_ms: None })
}

export!(Dispatcher);
