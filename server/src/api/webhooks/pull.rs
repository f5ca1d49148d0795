//! `POST /v1/webhooks/{id}/pull`: the events of an endpoint that nobody sends to, for a developer's machine that cannot be reached.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MAX_BODY, manages};
use crate::http::body::json as json_body;
use crate::http::space::Space;
use crate::http::{ApiError, App};
use crate::storage::Pulled;

/// Events of one reply.
const MOST: u32 = 100;

#[derive(Debug, Deserialize)]
struct Asked {
    /// Events of replies before, which arrived.
    #[serde(default)]
    taken: Vec<String>,
    #[serde(default)]
    limit: Option<u32>,
}

pub(super) async fn pull(
    State(app): State<Arc<App>>,
    space: Space,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let Asked { taken, limit } = json_body(&headers, body, MAX_BODY).await?;
    let limit = limit.unwrap_or(MOST).min(MOST);
    let name = id.clone();
    let events = app
        .storage(move |storage| {
            let space = space.renewed(storage)?;
            manages(&space)?;
            storage.pull(space.key, &id, &taken, limit, Timestamp::now())?.ok_or_else(sent)
        })
        .await?;
    app.webhooks.pulls.note(&name);
    Ok(Json(json!({ "events": events.iter().map(event).collect::<Vec<_>>() })))
}

fn sent() -> ApiError {
    let message = "the events of this webhook are sent, and not pulled";
    ApiError::new(StatusCode::CONFLICT, "not-pulled", message)
}

/// The body is JSON in a string: a signature is over its bytes, and nothing on the way may write them otherwise.
fn event(of: &Pulled) -> Value {
    json!({ "id": of.id, "event": of.event, "body": String::from_utf8_lossy(&of.body) })
}
