//! Endpoints that the server sends the account's events to. The secret's reference is written into a body as it is; the host puts
//! the secret in its place.

use orkee_provider_sdk::{Failure, Request, Response, percent_encoded, webhook_deliveries, webhooks};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Api;
use crate::api::{Refusal, success};

/// The media type of every body here.
const JSON: &str = "application/json";

#[derive(Deserialize)]
struct Listed {
    webhooks: Vec<Webhook>,
}

/// An endpoint with all that is known of it.
#[derive(Deserialize)]
struct Webhook {
    id: String,
    url: String,
    #[serde(default)]
    events: Vec<String>,
    description: Option<String>,
    enabled: bool,
    created_at: Option<String>,
    dispatcher: String,
    #[serde(default)]
    ordered: bool,
    #[serde(default)]
    pulled: bool,
    disabled_because: Option<String>,
    failing_since: Option<String>,
    rotating_until: Option<String>,
}

impl From<Webhook> for webhooks::Endpoint {
    fn from(of: Webhook) -> Self {
        let Webhook { id, url, events, description, enabled, created_at, .. } = of;
        Self { id, url, events, description, enabled, created_at }
    }
}

impl From<Webhook> for webhook_deliveries::EndpointState {
    fn from(of: Webhook) -> Self {
        let Webhook { dispatcher, ordered, pulled, .. } = of;
        // Whoever is disabled is so for a reason, if only that somebody wanted it.
        let disabled_because = of.disabled_because.or_else(|| (!of.enabled).then(|| "disabled".to_owned()));
        Self {
            endpoint: of.id,
            terms: webhook_deliveries::Terms { dispatcher, ordered, pulled },
            disabled_because,
            failing_since: of.failing_since,
            rotating_until: of.rotating_until,
        }
    }
}

pub(crate) fn enumerate(api: &Api) -> Result<Vec<webhooks::Endpoint>, Failure> {
    Ok(list(api)?.into_iter().map(Into::into).collect())
}

pub(crate) fn states(api: &Api) -> Result<Vec<webhook_deliveries::EndpointState>, Failure> {
    Ok(list(api)?.into_iter().map(Into::into).collect())
}

fn list(api: &Api) -> Result<Vec<Webhook>, Failure> {
    let listed: Listed = told(api.get("/v1/webhooks".to_owned())?)?.json()?;
    Ok(listed.webhooks)
}

/// Of all terms the usual ones.
pub(crate) fn register(api: &Api, of: webhooks::Registration) -> Result<webhooks::Endpoint, Failure> {
    let webhooks::Registration { url, events, description, secret } = of;
    let body = json!({ "url": url, "events": events, "description": description, "secret": secret });
    Ok(add(api, &body)?.into())
}

pub(crate) fn register_with(api: &Api, of: webhook_deliveries::Registration) -> Result<String, Failure> {
    let webhook_deliveries::Registration { url, events, description, secret, terms } = of;
    let body = json!({
        "url": url,
        "events": events,
        "description": description,
        "secret": secret,
        "dispatcher": terms.dispatcher,
        "ordered": terms.ordered,
        "pulled": terms.pulled,
    });
    Ok(add(api, &body)?.id)
}

fn add(api: &Api, body: &Value) -> Result<Webhook, Failure> {
    told(post(api, "/v1/webhooks".to_owned(), body)?)?.json()
}

pub(crate) fn enable(api: &Api, id: &str, replay: bool) -> Result<(), Failure> {
    done(post(api, of(id, "enable"), &json!({ "replay": replay }))?)
}

pub(crate) fn disable(api: &Api, id: &str) -> Result<(), Failure> {
    done(post(api, of(id, "disable"), &json!({}))?)
}

pub(crate) fn rotate(api: &Api, id: &str, secret: &str, overlap_seconds: u64) -> Result<(), Failure> {
    done(post(api, of(id, "secret"), &json!({ "secret": secret, "overlap_seconds": overlap_seconds }))?)
}

pub(crate) fn remove(api: &Api, id: &str) -> Result<(), Failure> {
    done(api.try_delete(format!("/v1/webhooks/{}", percent_encoded(id)))?)
}

pub(super) fn post(api: &Api, path: String, body: &Value) -> Result<Response, Failure> {
    api.ask(Request::post(path), body)
}

/// The address of something that is done to an endpoint.
pub(super) fn of(id: &str, what: &str) -> String {
    format!("/v1/webhooks/{}/{what}", percent_encoded(id))
}

fn done(reply: Response) -> Result<(), Failure> {
    if reply.status == 204 { Ok(()) } else { Err(refused(Refusal::of(reply))) }
}

/// A reply in JSON.
pub(super) fn told(reply: Response) -> Result<Response, Failure> {
    success(reply, JSON).map_err(|refusal| refused(*refusal))
}

/// What the server does not do as it is asked: there is no such endpoint, its URL is one that nothing is sent to, there are too many.
/// Nothing becomes of trying again; the server's words say what would.
fn refused(refusal: Refusal) -> Failure {
    match (refusal.code(), refusal.message()) {
        ((404 | 409 | 422, Some(_)), Some(words)) => Failure::Refused(words.to_owned()),
        _ => refusal.failure(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEBHOOK: &str = r#"{"id":"ep_1","url":"https://a.example/","events":["sync.failed"],"description":null,"enabled":false,
        "created_at":"2026-01-02T03:04:05Z","dispatcher":"slack","ordered":true,"pulled":false,"disabled_because":"gone","more":1}"#;

    #[test]
    fn an_endpoint_is_told_in_two_parts() {
        let read = || serde_json::from_str::<Webhook>(WEBHOOK).unwrap();
        let endpoint = webhooks::Endpoint::from(read());
        assert_eq!((endpoint.id.as_str(), endpoint.enabled), ("ep_1", false));
        assert_eq!(endpoint.events, ["sync.failed"]);
        let state = webhook_deliveries::EndpointState::from(read());
        assert_eq!((state.endpoint.as_str(), state.terms.dispatcher.as_str()), ("ep_1", "slack"));
        assert_eq!((state.disabled_because.as_deref(), state.terms.ordered), (Some("gone"), true));
    }

    #[test]
    fn what_the_server_does_not_do_is_told_in_its_words_and_another_servers_page_is_not() {
        let reply = |status, body: &str| Response { status, headers: Vec::new(), body: body.into() };
        let error = r#"{"error":{"code":"refused-url","message":"10.0.0.1 is a private address."}}"#;
        let refused = |status, body: &str| done(reply(status, body)).unwrap_err();
        assert!(matches!(refused(422, error), Failure::Refused(w) if w == "10.0.0.1 is a private address."));
        assert!(matches!(refused(404, "<html>"), Failure::Protocol(_)));
        assert!(matches!(refused(403, error), Failure::Forbidden(_)));
    }
}
