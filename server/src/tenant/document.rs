//! `GET /.well-known/orkee-tenant/{name}`: what a client has to know before anybody signs in. It is public: who may do what
//! stays here.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Settings;
use crate::http::caller::Address;
use crate::http::{ApiError, App};
use crate::storage::Tenant;

/// The version of the document's form.
const VERSION: u32 = 1;

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    address: Address,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    app.addresses.take(address.network).map_err(|seconds| {
        ApiError::rate_limited("too many requests for tenants", app.addresses.limit(), seconds)
    })?;
    let found = app.storage(move |storage| storage.tenant(&name)).await?;
    let tenant = found.ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "unknown-tenant", "this server has no tenant of that name")
    })?;
    let settings = Settings::of(&tenant).map_err(|e| ApiError::internal(&e))?;
    Ok(Json(document(&app.settings.public_url, &tenant, &settings)))
}

fn document(url: &str, tenant: &Tenant, settings: &Settings) -> Value {
    let providers = settings.identity_providers.iter().map(|provider| {
        json!({
            "id": provider.id,
            "name": provider.name,
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "scopes": provider.scopes,
            "audience": provider.audience,
            "token": provider.token,
        })
    });
    json!({
        "version": VERSION,
        "tenant": tenant.name,
        "name": settings.name,
        "api_url": url,
        "issuer": url,
        "identity_providers": providers.collect::<Vec<_>>(),
        "policy": settings.policy,
    })
}
