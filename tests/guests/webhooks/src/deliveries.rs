//! What the backend knows of its deliveries, told truly or as the setting `do` says.

use crate::Guest;
use crate::exports::orkee::sync::webhook_deliveries::{
    self as deliveries, Attempt, Delivery, EndpointState, Page, PulledEvent, Query, Registration, Terms,
};
use crate::orkee::sync::settings;
use crate::orkee::sync::types::Failure;
use crate::{ask, search};

impl deliveries::Guest for Guest {
    fn register_with(registration: Registration) -> Result<String, Failure> {
        search("the registration", &format!("{registration:?}"))?;
        let Registration { url, secret, terms: Terms { dispatcher, ordered, pulled }, .. } = &registration;
        let terms = format!("{{\"dispatcher\":{dispatcher:?},\"ordered\":{ordered},\"pulled\":{pulled}}}");
        let body = format!("{{\"url\":{url:?},\"terms\":{terms},\"secret\":{secret:?}}}");
        ask("POST", "/webhooks", &body, true)?;
        Ok(match () {
            () if wanted("name-nothing") => String::new(),
            () if wanted("name-unseen") => "\u{1b}[31m\u{7}".into(),
            () => "e\u{1b}[31m1".into(),
        })
    }

    fn states() -> Result<Vec<EndpointState>, Failure> {
        let terms = Terms { dispatcher: "webhook".into(), ordered: false, pulled: false };
        let state = EndpointState {
            endpoint: "e1".into(),
            terms,
            disabled_because: Some("\u{1b}[31mgone\u{7}\n".into()),
            failing_since: None,
            rotating_until: None,
        };
        Ok(vec![state; if wanted("too-many") { 10_001 } else { 1 }])
    }

    fn rotate_with(id: String, secret: String, overlap_seconds: u64) -> Result<(), Failure> {
        search("the new secret", &secret)?;
        ask("PUT", &format!("/webhooks/{id}/secret?overlap={overlap_seconds}"), &secret, true).map(|_| ())
    }

    fn enable_with(id: String, replay: bool) -> Result<(), Failure> {
        ask("POST", &format!("/webhooks/{id}/enable?replay={replay}"), "", true).map(|_| ())
    }

    fn deliveries(query: Query) -> Result<Page, Failure> {
        let delivery = Delivery {
            id: if wanted("dotted-id") { "msg_1.2" } else { "msg_1" }.into(),
            endpoint: "e1".into(),
            event: if wanted("odd-event") { "Project\r\nUpdated" } else { "project.updated" }.into(),
            project_id: None,
            at: "2026-01-02T03:04:05Z".into(),
            state: if wanted("odd-state") { "lost" } else { "pending" }.into(),
            reason: None,
            attempts: vec![attempt(); if wanted("too-many-attempts") { 101 } else { 1 }],
        };
        let count = match () {
            () if wanted("too-many") => query.limit as usize + 1,
            () if wanted("empty-page") => 0,
            () => 1,
        };
        let next = if wanted("stay") { query.after } else { Some("2".into()) };
        let next = if wanted("huge-mark") { Some("m".repeat(5000)) } else { next };
        Ok(Page { deliveries: vec![delivery; count], next })
    }

    fn test(_: String) -> Result<Attempt, Failure> {
        Ok(attempt())
    }

    fn redeliver(_: Option<String>, ids: Vec<String>) -> Result<u32, Failure> {
        Ok(ids.len() as u32)
    }

    fn pull(_: String, _: Vec<String>, limit: u32) -> Result<Vec<PulledEvent>, Failure> {
        let event = PulledEvent {
            id: if wanted("dotted-id") { "msg_1\r\nHost: evil" } else { "msg_1" }.into(),
            event: if wanted("odd-event") { "project..updated" } else { "project.updated" }.into(),
            body: vec![b'x'; if wanted("huge-body") { 40_001 } else { 40_000 }],
        };
        Ok(vec![event; if wanted("too-many") { limit as usize + 1 } else { 1 }])
    }
}

fn wanted(way: &str) -> bool {
    settings::get("do").as_deref() == Some(way)
}

fn attempt() -> Attempt {
    Attempt {
        number: 1,
        at: "2026-01-02T03:04:05Z".into(),
        status: Some(500),
        class: "server_\u{202e}error".into(),
        duration_ms: 7,
        reply: Some("ö".repeat(1000)),
        tls: None,
        request_id: Some("req\n1".into()),
        next_retry_at: None,
    }
}
