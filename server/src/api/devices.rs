//! `/v1/devices`: who is signed in to the account, and signing one of them out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::{ApiError, App};
use crate::storage::Caller;

pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let account = caller.account.key;
    let devices = app.storage(move |storage| storage.devices(account, Timestamp::now())).await?;
    let devices: Vec<Value> = devices
        .into_iter()
        .map(|device| {
            json!({
                "current": device.id == caller.grant,
                "id": device.id,
                "name": device.name,
                "platform": device.platform,
                "last_seen": device.last_seen.map(|at| at.to_string()),
            })
        })
        .collect();
    Ok(Json(json!({ "devices": devices })))
}

pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let account = caller.account.key;
    let revoked = app.storage(move |storage| storage.revoke_grant(account, &id, Timestamp::now())).await;
    match revoked {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(ApiError::not_found("this account has no such device")),
        Err(error) => Err(error),
    }
}
