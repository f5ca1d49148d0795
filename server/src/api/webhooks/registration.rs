//! `POST /v1/webhooks`: a new endpoint, judged before it is kept. Its address is judged again whenever something is sent there.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use orkee_core::event::{Access, EventError, Filter, NewEndpoint, WebhookSecret};
use orkee_core::plugin::{Target, TargetError};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::described::{endpoint, with_hint};
use super::{MAX_BODY, change, manages, refused};
use crate::http::body::json as json_body;
use crate::http::space::Space;
use crate::http::{ApiError, App};
use crate::storage::StorageError;
use crate::storage::webhooks::MOST;
use crate::webhooks::Hooks;

/// Of a URL that nothing is sent to.
const MAX_URL: usize = 2048;
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
    // Whoever may not add one has nothing looked up.
    manages(&space)?;
    let registration: Registration = json_body(&headers, body, MAX_BODY).await?;
    let space = app
        .storage(move |storage| {
            let space = space.renewed(storage)?;
            manages(&space)?;
            match storage.webhooks(space.key)?.len() < MOST {
                true => Ok::<_, ApiError>(space),
                false => Err(StorageError::from(EventError::Many { most: MOST as u32 }).into()),
            }
        })
        .await?;
    let limit = app.webhooks.adding.limit();
    app.webhooks.adding.take(space.caller.account.key).map_err(|seconds| {
        let message = format!("an account may add {limit} webhooks in five minutes");
        ApiError::rate_limited(message, limit, seconds)
    })?;
    let (new, target) = registration.judged(&app.webhooks)?;
    if let Some(target) = target {
        let judged = app.webhooks.look_ups.judge(target).await;
        judged.map_err(|error| refused("refused-url", by_operator(&error)))?;
    }
    let added = change(&app, space, move |storage, change| storage.add_webhook(change, &new)).await?;
    app.webhooks.pulls.note(&added.id);
    Ok(Json(endpoint(&added)))
}

impl Registration {
    /// The endpoint, if it is one, and where it leads, if something is sent there.
    fn judged(self, hooks: &Hooks) -> Result<(NewEndpoint, Option<Target>), ApiError> {
        let Self { url, events, description, secret, dispatcher, ordered, pulled } = self;
        let target = check_url(&url, pulled, &hooks.access)?;
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
        check_dispatcher(&dispatcher, hooks)?;
        let secret = WebhookSecret::import(&secret).map_err(StorageError::from)?;
        let (access, headers) = (hooks.access.clone(), Vec::new());
        let new =
            NewEndpoint { url, filters, description, dispatcher, ordered, pulled, access, headers, secret };
        Ok((new, target))
    }
}

/// An endpoint that is pulled from is a place on somebody's machine, which nothing is sent to from here.
fn check_url(text: &str, pulled: bool, access: &Access) -> Result<Option<Target>, ApiError> {
    let refused = |why: String| refused("refused-url", why);
    if !pulled {
        return Target::parse(text, access).map(Some).map_err(|error| refused(explained(&error)));
    }
    if text.len() > MAX_URL {
        return Err(refused(format!("the URL is longer than {MAX_URL} bytes")));
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(None),
        _ => Err(refused("the URL is none of http or https".to_owned())),
    }
}

/// What to do about it is another thing here than at a store of one's own.
fn explained(error: &TargetError) -> String {
    match error {
        TargetError::Blocked(_) | TargetError::Name { .. } => by_operator(error),
        TargetError::Plain { to_loopback: true } => {
            format!("{error}; for development, let the device send it: add it with --local")
        }
        _ => with_hint(error),
    }
}

fn by_operator(error: &dyn std::error::Error) -> String {
    format!("{error}; whoever runs the server may let webhooks lead there")
}

fn check_dispatcher(name: &str, hooks: &Hooks) -> Result<(), ApiError> {
    if hooks.dispatchers.iter().any(|known| known == name) {
        return Ok(());
    }
    let known = hooks.dispatchers.join(", ");
    Err(refused("unknown-dispatcher", format!("this server has the dispatchers {known}")))
}
