//! A dispatcher as somebody else would write it: it signs in the older way, a hexadecimal HMAC over the body alone.

use orkee_provider_sdk::dispatcher::{self, Delivery, Description, Dispatcher, Outcome};
use orkee_provider_sdk::{Request, export_dispatcher};

struct Hub;

impl Dispatcher for Hub {
    fn describe() -> Description {
        Description { id: "hub".into(), name: "Hub signatures".into(), version: "1".into() }
    }

    fn deliver(delivery: Delivery) -> Outcome {
        let Some(key) = delivery.keys.iter().find(|key| key.algorithm == "hmac-sha256") else {
            return dispatcher::failed("the webhook has no shared secret");
        };
        let Ok(signature) = dispatcher::sign(&key.name, &delivery.body) else {
            return dispatcher::failed("the host does not sign");
        };
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = Request::post(delivery.url)
            .header("content-type", "application/json")
            .header("x-hub-event", delivery.event)
            .header("x-hub-delivery", delivery.id)
            .header("x-hub-signature-256", format!("sha256={signature}"))
            .body(delivery.body);
        dispatcher::outcome(request.try_send())
    }
}

export_dispatcher!(Hub);
