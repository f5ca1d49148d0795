//! The dispatcher's part: one signed request, and the outcome that its reply's status asks for.

use crate::EveryPart;
use crate::exports::orkee::sync::dispatcher::{Delivery, Description, FailedAttempt, Guest, Outcome};
use crate::orkee::sync::{http, signer};

impl Guest for EveryPart {
    fn describe() -> Description {
        Description { id: "every-part".into(), name: "Every part".into(), version: "1".into() }
    }

    fn deliver(delivery: Delivery) -> Outcome {
        let signed = delivery.keys.first().map(|key| signer::sign(&key.name, &delivery.body));
        let Some(Ok(signature)) = signed else { return failed(None, "unsigned") };
        let hex = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let reply = http::send(&http::Request {
            method: "POST".into(),
            url: delivery.url,
            headers: vec![("x-signature".into(), hex), ("x-event".into(), delivery.event)],
            body: delivery.body,
            credential: None,
            compress: false,
            timeout_ms: None,
        });
        match reply {
            Ok(reply) if reply.status < 300 => Outcome::Delivered(reply.status),
            Ok(reply) if reply.status == 410 => Outcome::Gone,
            Ok(reply) => failed(Some(reply.status), "refused"),
            Err(_) => failed(None, "not sent"),
        }
    }
}

fn failed(status: Option<u16>, reason: &str) -> Outcome {
    Outcome::Failed(FailedAttempt { status, reason: reason.into(), wait_ms: Some(2000) })
}
