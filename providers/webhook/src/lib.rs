//! Delivers events in the manner of Standard Webhooks: a POST of the event's own bytes, with its id, the time of this attempt, and a
//! signature with each of the endpoint's keys over all three.

use orkee_provider_sdk::dispatcher::{self, Delivery, Description, Dispatcher, Outcome, sign};
use orkee_provider_sdk::{Request, base64_encoded, export_dispatcher};

struct Webhook;

impl Dispatcher for Webhook {
    fn describe() -> Description {
        Description {
            id: "webhook".into(),
            name: "Standard Webhooks".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    fn deliver(delivery: Delivery) -> Outcome {
        let signatures = match signatures(&delivery) {
            Ok(signatures) => signatures,
            Err(key) => return dispatcher::failed(format!("it cannot be signed with the key `{key}`")),
        };
        let request = Request::post(delivery.url)
            .header("content-type", "application/json")
            .header("webhook-id", delivery.id)
            .header("webhook-timestamp", delivery.timestamp.to_string())
            .header("webhook-signature", signatures)
            .body(delivery.body);
        dispatcher::outcome(request.try_send())
    }
}

/// One for each key, with the version of its algorithm: a receiver looks for one that it can check. Or which key does not sign.
fn signatures(delivery: &Delivery) -> Result<String, String> {
    let signed = [format!("{}.{}.", delivery.id, delivery.timestamp).as_bytes(), &delivery.body].concat();
    let signature = |key: &dispatcher::Key| {
        let version = match key.algorithm.as_str() {
            "hmac-sha256" => "v1",
            "ed25519" => "v1a",
            _ => return Err(key.name.clone()),
        };
        let signature = sign(&key.name, &signed).map_err(|_| key.name.clone())?;
        Ok(format!("{version},{}", base64_encoded(&signature)))
    };
    Ok(delivery.keys.iter().map(signature).collect::<Result<Vec<_>, _>>()?.join(" "))
}

export_dispatcher!(Webhook);

#[cfg(test)]
mod tests;
