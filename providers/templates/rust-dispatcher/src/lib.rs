//! One attempt to deliver one event.

use orkee_provider_sdk::dispatcher::{self, Delivery, Description, Dispatcher, Outcome};
use orkee_provider_sdk::{Request, export_dispatcher};

struct MyDispatcher;

impl Dispatcher for MyDispatcher {
    fn describe() -> Description {
        Description {
            // The name of provider.toml.
            id: "my-provider".into(),
            name: "My Provider".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    fn deliver(delivery: Delivery) -> Outcome {
        // The newest comes first. While the user rotates the secret there are two, and this form has room for one signature.
        let Some(key) = delivery.keys.iter().find(|key| key.algorithm == "hmac-sha256") else {
            return dispatcher::failed("the webhook has no shared secret");
        };
        // The host signs: no dispatcher ever sees a secret.
        let Ok(signature) = dispatcher::sign(&key.name, &delivery.body) else {
            return dispatcher::failed("it cannot be signed");
        };
        let request = Request::post(delivery.url)
            .header("content-type", "application/json")
            // The same at every attempt: the receiver knows a repetition by it.
            .header("x-delivery", delivery.id)
            .header("x-event", delivery.event)
            .header("x-hub-signature-256", format!("sha256={}", hexadecimal(&signature)))
            .body(delivery.body);
        // 2xx is a delivery, 410 ends it for good, anything else is tried again.
        dispatcher::outcome(request.try_send())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

export_dispatcher!(MyDispatcher);

#[cfg(test)]
mod tests {
    use orkee_provider_sdk::Response;
    use orkee_provider_sdk::dispatcher::Key;
    use orkee_provider_sdk::rehearsal::Rehearsal;

    use super::*;

    #[test]
    fn an_event_is_sent_with_a_signature_over_its_body() {
        let rehearsal = Rehearsal::new()
            .signer(|key, message| (key == "k1" && message == b"{}").then(|| vec![0xab; 32]))
            .backend(|sent| {
                let (_, signature) =
                    sent.headers.iter().find(|(name, _)| name == "x-hub-signature-256").unwrap();
                assert_eq!(*signature, format!("sha256={}", "ab".repeat(32)));
                assert_eq!(sent.body, b"{}");
                Ok(Response { status: 202, headers: vec![], body: vec![] })
            });
        let delivery = Delivery {
            id: "msg_1".into(),
            event: "project.created".into(),
            timestamp: 1_790_000_000,
            attempt: 1,
            url: "https://receiver.example/hook".into(),
            body: b"{}".to_vec(),
            keys: vec![Key { name: "k1".into(), algorithm: "hmac-sha256".into() }],
        };
        assert!(matches!(rehearsal.run(|| MyDispatcher::deliver(delivery)), Outcome::Delivered(202)));
    }
}
