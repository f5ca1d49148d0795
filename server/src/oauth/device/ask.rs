//! `POST /oauth/device_authorization`: a device asks for a code.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::authorize::form;
use super::super::request::is_our_scope;
use super::super::token::{Failed, known_client, refused};
use super::INTERVAL;
use super::page::ADDRESS;
use crate::http::caller::Address;
use crate::http::{ApiError, App};

/// What a request may say once.
const ONCE: [&str; 4] = ["client_id", "scope", "device_name", "device_platform"];

pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    address: Address,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match answer(&app, &address, &headers, body).await {
        Ok(reply) => Json(reply).into_response(),
        Err(failed) => failed.into_response(),
    }
}

async fn answer(app: &App, address: &Address, headers: &HeaderMap, body: Body) -> Result<Value, Failed> {
    let limit = app.addresses.limit();
    let often = |seconds| Failed::Api(ApiError::rate_limited("too many requests for a code", limit, seconds));
    app.addresses.take(address.network.clone()).map_err(often)?;
    let fields = form(headers, body).await?;
    if fields.repeats(&ONCE) {
        return Err(refused("invalid_request", "a parameter stands more than once"));
    }
    known_client(&fields)?;
    if fields.get("scope").is_some_and(|scope| !is_our_scope(scope)) {
        return Err(refused("invalid_scope", "the only scope is sync"));
    }
    let lifetime = app.devices.lifetime().as_secs();
    let begun = app.devices.begin(fields.device(), address, Timestamp::now());
    let begun = begun.ok_or_else(|| often(lifetime.unsigned_abs()))?;
    let page = format!("{}{ADDRESS}", app.settings.public_url);
    Ok(json!({
        "device_code": begun.device_code.expose(),
        "user_code": begun.user_code.to_string(),
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={}", begun.user_code),
        "expires_in": lifetime,
        "interval": INTERVAL.as_secs(),
    }))
}
