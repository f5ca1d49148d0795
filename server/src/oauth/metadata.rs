//! `GET /.well-known/oauth-authorization-server` (RFC 8414).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{SCOPE, device, exchange};
use crate::dpop;
use crate::http::App;

pub(super) async fn show(State(app): State<Arc<App>>) -> Json<Value> {
    let issuer = &app.settings.public_url;
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "device_authorization_endpoint": format!("{issuer}/oauth/device_authorization"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            device::GRANT,
            exchange::GRANT,
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "scopes_supported": [SCOPE],
    });
    if app.dpop.is_offered() {
        metadata["dpop_signing_alg_values_supported"] = json!([dpop::ALGORITHM]);
    }
    Json(metadata)
}
