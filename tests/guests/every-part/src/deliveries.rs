//! The part `webhook-deliveries`: each function answers with what it was asked.

use crate::EveryPart;
use crate::exports::orkee::sync::webhook_deliveries::{
    Attempt, Delivery, EndpointState, Guest, Page, PulledEvent, Query, Registration, Terms,
};
use crate::orkee::sync::types::Failure;

const AT: &str = "2026-01-02T03:04:05Z";

impl Guest for EveryPart {
    fn register_with(registration: Registration) -> Result<String, Failure> {
        let Terms { dispatcher, ordered, pulled } = registration.terms;
        match dispatcher.is_empty() {
            true => Err(Failure::Forbidden(format!("{ordered} {pulled}"))),
            false => Ok(format!("{} {dispatcher} {ordered} {pulled}", registration.url)),
        }
    }

    fn states() -> Result<Vec<EndpointState>, Failure> {
        Ok(vec![EndpointState {
            endpoint: "e1".into(),
            terms: Terms { dispatcher: "webhook".into(), ordered: true, pulled: false },
            disabled_because: Some("gone".into()),
            failing_since: Some(AT.into()),
            rotating_until: Some(AT.into()),
        }])
    }

    fn rotate_with(id: String, _: String, overlap_seconds: u64) -> Result<(), Failure> {
        Err(Failure::Forbidden(format!("{id} {overlap_seconds}")))
    }

    fn enable_with(id: String, replay: bool) -> Result<(), Failure> {
        Err(Failure::Forbidden(format!("{id} {replay}")))
    }

    fn deliveries(query: Query) -> Result<Page, Failure> {
        let delivery = Delivery {
            id: query.id.unwrap_or_default(),
            endpoint: query.endpoint.unwrap_or_default(),
            event: "project.updated".into(),
            project_id: query.after,
            at: query.since.unwrap_or_default(),
            state: if query.failed { "dead" } else { "delivered" }.into(),
            reason: Some(query.limit.to_string()),
            attempts: vec![attempt(1)],
        };
        Ok(Page { deliveries: vec![delivery], next: Some("next".into()) })
    }

    fn test(id: String) -> Result<Attempt, Failure> {
        Ok(Attempt { reply: Some(id), ..attempt(1) })
    }

    fn redeliver(endpoint: Option<String>, ids: Vec<String>) -> Result<u32, Failure> {
        Ok(endpoint.map_or(0, |_| 100) + ids.len() as u32)
    }

    fn pull(endpoint: String, taken: Vec<String>, limit: u32) -> Result<Vec<PulledEvent>, Failure> {
        let body = format!("{endpoint} {} {limit}", taken.join(",")).into_bytes();
        Ok(vec![PulledEvent { id: "msg_1".into(), event: "orkee.test".into(), body }])
    }
}

fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        at: AT.into(),
        status: Some(503),
        class: "server_error".into(),
        duration_ms: 7,
        reply: Some("busy".into()),
        tls: Some("TLSv1.3".into()),
        request_id: Some("req_1".into()),
        next_retry_at: Some(AT.into()),
    }
}
