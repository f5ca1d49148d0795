//! What the server knows of its deliveries.

use orkee_provider_sdk::webhook_deliveries::{Attempt, Delivery, Page, PulledEvent, Query};
use orkee_provider_sdk::{Failure, Request};
use serde::Deserialize;
use serde_json::json;

use crate::Api;
use crate::webhooks::{of, post, told};

/// Events that the server sends again at one request.
const MAX_AGAIN: usize = 1000;

#[derive(Deserialize)]
struct Deliveries {
    deliveries: Vec<Delivered>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Delivered {
    id: String,
    endpoint: String,
    event: String,
    project_id: Option<String>,
    at: String,
    state: String,
    reason: Option<String>,
    #[serde(default)]
    attempts: Vec<Attempted>,
}

#[derive(Deserialize)]
struct Attempted {
    number: u32,
    at: String,
    status: Option<u16>,
    class: String,
    #[serde(default)]
    duration_ms: u64,
    reply: Option<String>,
    tls: Option<String>,
    request_id: Option<String>,
    next_retry_at: Option<String>,
}

#[derive(Deserialize)]
struct Redelivered {
    count: u32,
}

#[derive(Deserialize)]
struct Pulled {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    event: String,
    /// JSON in a string, so that it stays as it is byte for byte: it is what a signature is over.
    body: String,
}

impl From<Delivered> for Delivery {
    fn from(of: Delivered) -> Self {
        let Delivered { id, endpoint, event, project_id, at, state, reason, attempts } = of;
        let attempts = attempts.into_iter().map(Into::into).collect();
        Self { id, endpoint, event, project_id, at, state, reason, attempts }
    }
}

impl From<Attempted> for Attempt {
    fn from(of: Attempted) -> Self {
        let Attempted { number, at, status, class, duration_ms, reply, tls, request_id, next_retry_at } = of;
        Self { number, at, status, class, duration_ms, reply, tls, request_id, next_retry_at }
    }
}

pub(crate) fn deliveries(api: &Api, query: &Query) -> Result<Page, Failure> {
    let mut request = Request::get("/v1/webhooks/deliveries").query("limit", &query.limit.to_string());
    let wanted =
        [("endpoint", &query.endpoint), ("id", &query.id), ("since", &query.since), ("after", &query.after)];
    for (name, value) in wanted {
        if let Some(value) = value {
            request = request.query(name, value);
        }
    }
    if query.failed {
        request = request.query("failed", "true");
    }
    let page: Deliveries = told(api.read(request)?)?.json()?;
    Ok(Page { deliveries: page.deliveries.into_iter().map(Into::into).collect(), next: page.next })
}

pub(crate) fn test(api: &Api, id: &str) -> Result<Attempt, Failure> {
    let attempt: Attempted = told(post(api, of(id, "test"), &json!({}))?)?.json()?;
    Ok(attempt.into())
}

pub(crate) fn redeliver(api: &Api, endpoint: Option<&str>, ids: &[String]) -> Result<u32, Failure> {
    let mut count = 0u32;
    for ids in ids.chunks(MAX_AGAIN) {
        let body = json!({ "endpoint": endpoint, "ids": ids });
        let redelivered: Redelivered =
            told(post(api, "/v1/webhooks/redeliver".to_owned(), &body)?)?.json()?;
        count = count.saturating_add(redelivered.count);
    }
    Ok(count)
}

pub(crate) fn pull(
    api: &Api,
    endpoint: &str,
    taken: &[String],
    limit: u32,
) -> Result<Vec<PulledEvent>, Failure> {
    let body = json!({ "taken": taken, "limit": limit });
    let pulled: Pulled = told(post(api, of(endpoint, "pull"), &body)?)?.json()?;
    let event = |Event { id, event, body }| PulledEvent { id, event, body: body.into_bytes() };
    Ok(pulled.events.into_iter().map(event).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_read_with_its_attempts() {
        let page = r#"{"deliveries":[{"id":"msg_1","endpoint":"ep_1","event":"orkee.test","at":"t","state":"pending","attempts":[
            {"number":1,"at":"t","status":503,"class":"server_error","duration_ms":7,"reply":"no","next_retry_at":"u"}]}],"next":"9"}"#;
        let page: Deliveries = serde_json::from_str(page).unwrap();
        let delivery = Delivery::from(page.deliveries.into_iter().next().unwrap());
        let attempt = &delivery.attempts[0];
        assert_eq!((delivery.project_id, attempt.status, attempt.duration_ms), (None, Some(503), 7));
        assert_eq!((attempt.next_retry_at.as_deref(), page.next.as_deref()), (Some("u"), Some("9")));
    }
}
