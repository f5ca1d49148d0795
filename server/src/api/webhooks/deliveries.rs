//! What was sent: `/v1/webhooks/deliveries`, `/v1/webhooks/redeliver`, and a test that is sent at once.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use orkee_core::event::deliveries::Query as Wanted;
use serde::Deserialize;
use serde_json::{Value, json};

use super::described::{attempt, delivery, delivery_for_member};
use super::{MAX_BODY, change, manages};
use crate::http::body::{Packed, accepts_zstd, json as json_body};
use crate::http::space::Space;
use crate::http::{ApiError, App};

/// Deliveries of a page.
const PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;
/// Events of one request to send them again.
const MAX_AGAIN: usize = 1000;
/// How long a test may take: an attempt's own deadline, and a little for others to get out of its way.
const PATIENCE: Duration = Duration::from_secs(25);

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    endpoint: Option<String>,
    id: Option<String>,
    since: Option<String>,
    after: Option<String>,
    #[serde(default)]
    failed: bool,
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Again {
    endpoint: Option<String>,
    ids: Vec<String>,
}

impl Asked {
    fn wanted(self) -> Result<Wanted, ApiError> {
        let since = self.since.as_deref().map(str::parse::<Timestamp>).transpose();
        let after = self.after.as_deref().map(str::parse::<i64>).transpose();
        Ok(Wanted {
            endpoint: self.endpoint,
            id: self.id,
            since: since.map_err(|_| ApiError::invalid("since is no time as RFC 3339 writes it"))?,
            failed: self.failed,
            after: after.map_err(|_| ApiError::invalid("after is no mark of this server's"))?,
            limit: self.limit.unwrap_or(PAGE).min(MAX_PAGE),
        })
    }
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    space: Space,
    headers: HeaderMap,
    query: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Packed, ApiError> {
    let Query(asked) = query.map_err(|error| ApiError::invalid(error.body_text()))?;
    let wanted = asked.wanted()?;
    let zstd = accepts_zstd(&headers);
    let told = if manages(&space).is_ok() { delivery } else { delivery_for_member };
    app.storage(move |storage| {
        let page = storage.deliveries(space.key, &wanted)?;
        let deliveries: Vec<Value> = page.deliveries.iter().map(told).collect();
        let next = page.next.map(|mark| mark.to_string());
        Packed::json(&json!({ "deliveries": deliveries, "next": next }), zstd)
    })
    .await
}

pub(super) async fn redeliver(
    State(app): State<Arc<App>>,
    space: Space,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let Again { endpoint, ids } = json_body(&headers, body, MAX_BODY).await?;
    if ids.len() > MAX_AGAIN {
        let message = format!("a request may have {MAX_AGAIN} events sent again");
        return Err(ApiError::too_large(message, MAX_AGAIN as u64));
    }
    let count =
        change(&app, space, move |storage, change| storage.redeliver(change, endpoint.as_deref(), ids));
    Ok(Json(json!({ "count": count.await? })))
}

/// Answers once the attempt was made, however it ended.
pub(super) async fn test(
    State(app): State<Arc<App>>,
    space: Space,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let limit = app.webhooks.tests.limit();
    app.webhooks.tests.take(space.caller.account.key).map_err(|seconds| {
        let message = format!("an account may have {limit} test events sent in a minute");
        ApiError::rate_limited(message, limit, seconds)
    })?;
    let mut attempts = app.webhooks.attempts.clone();
    let (key, endpoint) = (space.key, id.clone());
    let queued = app
        .storage(move |storage| {
            let space = space.renewed(storage)?;
            manages(&space)?;
            if storage.webhooks(space.key)?.iter().any(|webhook| webhook.id == id && webhook.pulled) {
                let message = "nothing is sent to this webhook: its events are pulled";
                return Err(ApiError::new(StatusCode::CONFLICT, "pulled", message));
            }
            Ok::<_, ApiError>(storage.test_webhook(space.key, &id, Timestamp::now())?)
        })
        .await?;
    let Some(event) = queued else {
        let message = "the webhook is disabled, so nothing is sent to it: enable it first";
        return Err(ApiError::new(StatusCode::CONFLICT, "disabled", message));
    };
    let made = async {
        loop {
            attempts.mark_unchanged();
            let (endpoint, event) = (endpoint.clone(), event.clone());
            let found = app.storage(move |storage| storage.delivery(key, &endpoint, &event)).await?;
            if let Some(attempt) = found.iter().flat_map(|delivery| &delivery.attempts).next() {
                return Ok(Json(self::attempt(attempt)));
            }
            if attempts.changed().await.is_err() {
                return Err(not_yet());
            }
        }
    };
    tokio::time::timeout(PATIENCE, made).await.unwrap_or_else(|_| Err(not_yet()))
}

fn not_yet() -> ApiError {
    let message = "the test is queued, and was not sent yet: look at the deliveries in a while";
    ApiError::new(StatusCode::GATEWAY_TIMEOUT, "not-sent-yet", message)
}
