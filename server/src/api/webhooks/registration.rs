//! `POST /v1/webhooks`: a new endpoint, judged before it is kept. Its address is judged again whenever something is sent there.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use orkee_core::event::{Access, Filter, NewEndpoint, WebhookSecret};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::described::{endpoint, with_hint};
use super::{MAX_BODY, change, refused};
use crate::http::body::json as json_body;
use crate::http::space::Space;
use crate::http::{ApiError, App};
use crate::storage::StorageError;

const MAX_URL: usize = 2000;
const MAX_DESCRIPTION: usize = 200;
const MAX_EVENTS: usize = 50;

/// Not to be printed.
#[derive(Deserialize)]
struct Registration {
    url: String,
    /// None: all.
    #[serde(default)]
    events: Vec<String>,
    description: Option<String>,
    secret: String,
    #[serde(default = "usual")]
    dispatcher: String,
    #[serde(default)]
    ordered: bool,
    #[serde(default)]
    pulled: bool,
}

fn usual() -> String {
    "webhook".to_owned()
}

pub(super) async fn add(
    State(app): State<Arc<App>>,
    space: Space,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let registration: Registration = json_body(&headers, body, MAX_BODY).await?;
    let new = registration.judged(&app.webhooks.access)?;
    let added = change(&app, space, move |storage, change| storage.add_webhook(change, &new)).await?;
    app.webhooks.pulls.note(&added.id);
    Ok(Json(endpoint(&added)))
}

impl Registration {
    /// The endpoint, if it is one that something is sent to.
    fn judged(self, access: &Access) -> Result<NewEndpoint, ApiError> {
        let Self { url, events, description, secret, dispatcher, ordered, pulled } = self;
        check_url(&url, pulled, access)?;
        if events.len() > MAX_EVENTS {
            return Err(refused("invalid-events", format!("a webhook names {MAX_EVENTS} events at most")));
        }
        let filters = events.iter().map(|name| Filter::parse(name));
        let filters: Result<Vec<Filter>, _> = filters.collect();
        let filters = filters.map_err(|unknown| refused("unknown-event", with_hint(&unknown)))?;
        let is_short =
            |text: &String| text.chars().count() <= MAX_DESCRIPTION && !text.contains(char::is_control);
        if description.as_ref().is_some_and(|text| !is_short(text)) {
            let message = format!("a description is one line of {MAX_DESCRIPTION} characters at most");
            return Err(refused("invalid-description", message));
        }
        check_dispatcher(&dispatcher)?;
        let secret = WebhookSecret::import(&secret).map_err(StorageError::from)?;
        let (access, headers) = (access.clone(), Vec::new());
        Ok(NewEndpoint { url, filters, description, dispatcher, ordered, pulled, access, headers, secret })
    }
}

/// An endpoint that is pulled from is a place on somebody's machine, which nothing is sent to from here.
fn check_url(text: &str, pulled: bool, access: &Access) -> Result<(), ApiError> {
    if text.len() > MAX_URL {
        return Err(refused("refused-url", format!("a webhook's URL has {MAX_URL} bytes at most")));
    }
    let url =
        Url::parse(text).map_err(|error| refused("refused-url", format!("the URL is none: {error}")))?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    match (pulled, is_http) {
        (true, true) => Ok(()),
        (true, false) => Err(refused("refused-url", "the URL is none of http or https")),
        (false, _) => orkee_core::plugin::Target::parse(
            text,
            if access.loopback {
                orkee_core::plugin::Network::Private
            } else {
                orkee_core::plugin::Network::Public
            },
        )
        .map(drop)
        .map_err(|error| refused("refused-url", error.to_string())),
    }
}

fn check_dispatcher(name: &str) -> Result<(), ApiError> {
    const KNOWN: [&str; 3] = ["webhook", "slack", "discord"];
    match KNOWN.contains(&name) {
        true => Ok(()),
        false => {
            let message = format!("this server has the dispatchers {}", KNOWN.join(", "));
            Err(refused("unknown-dispatcher", message))
        }
    }
}
