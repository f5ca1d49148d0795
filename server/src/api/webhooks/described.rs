//! Endpoints and deliveries as the API tells of them.

use jiff::Timestamp;
use orkee_core::clock::rfc3339;
use orkee_core::diagnostic::Diagnostic;
use orkee_core::event::deliveries::{Attempted, Delivery};
use orkee_core::event::{Endpoint, Filter};
use serde_json::{Value, json};
use url::Url;

/// An endpoint. Nothing of its secrets is in what is told of it.
pub(super) fn endpoint(of: &Endpoint) -> Value {
    json!({
        "id": of.id,
        "url": of.url,
        "events": of.filters.iter().map(|filter: &Filter| filter.as_str()).collect::<Vec<_>>(),
        "description": of.description,
        "enabled": of.disabled.is_none(),
        "created_at": rfc3339(of.created_at),
        "dispatcher": of.dispatcher,
        "ordered": of.ordered,
        "pulled": of.pulled,
        "disabled_because": of.disabled.as_ref().map(|(_, why)| why),
        "failing_since": of.failing_since.map(rfc3339),
        "rotating_until": of.rotating_until.filter(|until| *until > Timestamp::now()).map(rfc3339),
    })
}

/// The same for a member who does not say where a team's events go: of the URL its origin. The rest, a name and a password included,
/// may be what lets anybody post there.
pub(super) fn endpoint_for_member(of: &Endpoint) -> Value {
    let mut told = endpoint(of);
    let origin = Url::parse(&of.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    if of.url.trim_end_matches('/') != origin {
        told["url"] = format!("{origin}/…").into();
    }
    told
}

/// The same for such a member: without what receivers replied, which is between them and whoever knows the URL.
pub(super) fn delivery_for_member(of: &Delivery) -> Value {
    let mut told = delivery(of);
    for attempt in told["attempts"].as_array_mut().into_iter().flatten() {
        attempt["reply"] = Value::Null;
        attempt["request_id"] = Value::Null;
    }
    told
}

/// A delivery with the newest of its attempts.
pub(super) fn delivery(of: &Delivery) -> Value {
    json!({
        "id": of.id,
        "endpoint": of.endpoint,
        "event": of.event,
        "project_id": of.project,
        "at": rfc3339(of.at),
        "state": of.state.as_str(),
        "reason": of.why,
        "attempts_made": of.made,
        "attempts": of.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

/// An attempt. The address that was dialled is the server's own matter.
pub(super) fn attempt(of: &Attempted) -> Value {
    let reply = (!of.reply.is_empty()).then(|| String::from_utf8_lossy(&of.reply));
    json!({
        "number": of.number,
        "at": rfc3339(of.at),
        "status": of.status,
        "class": of.class.as_str(),
        "duration_ms": u64::try_from(of.duration.as_millis()).unwrap_or(u64::MAX),
        "reply": reply,
        "tls": of.tls,
        "request_id": of.request_id,
        "next_retry_at": of.next_at.map(rfc3339),
    })
}

/// An error, and what to do about it.
pub(super) fn with_hint(error: &(impl Diagnostic + ?Sized)) -> String {
    match error.hint() {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    }
}
