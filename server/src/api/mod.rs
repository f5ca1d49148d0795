//! The API: routes under `/v1`, and `/health`.

mod account;
mod backup;
mod changes;
mod devices;
mod keys;
mod projects;
pub(crate) mod publish;
mod sync;
mod team;
mod webhooks;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{delete, get, post, put};
use serde_json::{Value, json};

use crate::http::observe::observe;
use crate::http::waits::WAIT;
use crate::http::{ApiError, App};
use crate::oauth;
use crate::tenant::document;

/// Every route of the server.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/account", get(account::show))
        .route("/v1/devices", get(devices::list))
        .route("/v1/devices/{id}", delete(devices::revoke))
        .route("/v1/projects", get(projects::list))
        .route("/v1/projects/{id}/versions", get(projects::versions))
        .route("/v1/team", get(team::show))
        .route("/v1/team/invitations", post(team::invite))
        .route("/v1/team/members/{email}", put(team::set_role).delete(team::remove))
        .route("/v1/team/join", post(team::join))
        .route("/v1/team/leave", post(team::leave))
        .route("/v1/sync", post(sync::sync))
        .route(WAIT, get(changes::wait))
        .route("/v1/backup", get(backup::list).post(backup::upload))
        .route("/v1/backup/{id}", get(backup::fetch).delete(backup::delete))
        .route("/.well-known/orkee-tenant/{name}", get(document::show))
        .merge(webhooks::routes())
        .merge(oauth::routes())
        .fallback(async || ApiError::not_found("there is nothing at this address"))
        .method_not_allowed_fallback(async || {
            let message = "this address does not take that method; Allow names those it takes";
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message)
        })
        .layer(middleware::from_fn(observe))
        .with_state(app)
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}
