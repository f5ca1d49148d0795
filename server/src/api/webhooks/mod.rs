//! `/v1/webhooks`: where the events of a space go. Whoever may see the space sees its endpoints and what was sent; its owner, which
//! in a team is an owner of the team, says what they are.
//!
//! To whoever does not own it, a URL is told by its origin, since a chat's has in its path what lets anybody post there, and an attempt
//! without what the receiver replied. A secret comes with a request, is kept, and is in no reply, no line of the log and no row of the
//! audit trail; nor is more of a URL than its origin in the last two.

mod deliveries;
mod described;
mod pull;
mod registration;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, post};
use jiff::Timestamp;
use orkee_core::event::{EventError, WebhookSecret};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::body::json as json_body;
use crate::http::space::Space;
use crate::http::{ApiError, App};
use crate::storage::{Change, Role, Storage, StorageError, Witness};

use described::{endpoint, endpoint_for_member};

/// A request's body is a URL, a secret and a few words, or a list of ids.
const MAX_BODY: u64 = 64 << 10;
/// For no longer than this two secrets sign.
const MAX_OVERLAP: u64 = 30 * 24 * 3600;

/// The routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/webhooks", get(list).post(registration::add))
        .route("/v1/webhooks/deliveries", get(deliveries::list))
        .route("/v1/webhooks/redeliver", post(deliveries::redeliver))
        .route("/v1/webhooks/{id}", delete(remove))
        .route("/v1/webhooks/{id}/enable", post(enable))
        .route("/v1/webhooks/{id}/disable", post(disable))
        .route("/v1/webhooks/{id}/secret", post(rotate))
        .route("/v1/webhooks/{id}/test", post(deliveries::test))
        .route("/v1/webhooks/{id}/pull", post(pull::pull))
}

#[derive(Debug, Deserialize)]
struct Enabled {
    #[serde(default)]
    replay: bool,
}

/// Not to be printed.
#[derive(Deserialize)]
struct Rotated {
    secret: String,
    #[serde(default)]
    overlap_seconds: u64,
}

async fn list(State(app): State<Arc<App>>, space: Space) -> Result<Json<Value>, ApiError> {
    let told = if manages(&space).is_ok() { endpoint } else { endpoint_for_member };
    let webhooks = app.storage(move |storage| storage.webhooks(space.key)).await?;
    Ok(Json(json!({ "webhooks": webhooks.iter().map(told).collect::<Vec<_>>() })))
}

async fn remove(
    State(app): State<Arc<App>>,
    space: Space,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    change(&app, space, move |storage, change| storage.remove_webhook(change, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn enable(
    State(app): State<Arc<App>>,
    space: Space,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let Enabled { replay } = json_body(&headers, body, MAX_BODY).await?;
    change(&app, space, move |storage, change| storage.enable_webhook(change, &id, replay)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn disable(
    State(app): State<Arc<App>>,
    space: Space,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    change(&app, space, move |storage, change| storage.disable_webhook(change, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    State(app): State<Arc<App>>,
    space: Space,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let Rotated { secret, overlap_seconds } = json_body(&headers, body, MAX_BODY).await?;
    if overlap_seconds > MAX_OVERLAP {
        return Err(refused("invalid-overlap", "two secrets may sign for 30 days at most"));
    }
    let secret = WebhookSecret::import(&secret).map_err(StorageError::from)?;
    let overlap = Duration::from_secs(overlap_seconds);
    change(&app, space, move |storage, change| storage.rotate_webhook(change, &id, &secret, overlap)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the endpoints of a space, where its caller may.
async fn change<T: Send + 'static>(
    app: &App,
    space: Space,
    work: impl FnOnce(&dyn Storage, Change<'_>) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, ApiError> {
    app.storage(move |storage| {
        let space = space.renewed(storage)?;
        manages(&space)?;
        let by: Witness = space.by();
        Ok::<_, ApiError>(work(storage, Change { space: space.key, by: &by, now: Timestamp::now() })?)
    })
    .await
}

/// Refuses whoever does not own the space.
fn manages(space: &Space) -> Result<(), ApiError> {
    match &space.team {
        Some(team) if space.role != Role::Owner => {
            let message = format!("only an owner of team {} says where its events go", team.name);
            Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message))
        }
        _ => Ok(()),
    }
}

/// What is asked for cannot be, and would not be if it were asked again.
fn refused(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
}

/// An endpoint's or a delivery's error, in the API's terms. What is damaged or failed is the server's own matter.
impl From<EventError> for ApiError {
    fn from(error: EventError) -> Self {
        let conflict = |code, message: String| Self::new(StatusCode::CONFLICT, code, message);
        match &error {
            EventError::NoEndpoint { .. } => Self::not_found("this space has no such webhook"),
            EventError::NoDelivery { id } => {
                let id: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
                Self::not_found(format!("no event {id} was sent to a webhook that is still enabled"))
            }
            EventError::Event(unknown) => refused("unknown-event", described::with_hint(unknown)),
            EventError::Secret { .. } => refused("bad-secret", described::with_hint(&error)),
            EventError::Rotating { .. } => conflict("rotating", described::with_hint(&error)),
            EventError::Many { most } => conflict(
                "too-many-webhooks",
                format!("there are {most} webhooks, and no more are possible: remove one first"),
            ),
            EventError::TooMuch { most } => {
                Self::too_large(format!("that would be more than {most} deliveries at once"), *most)
            }
            _ => Self::internal(&error),
        }
    }
}
