//! `/oauth/token` and `/oauth/revoke`. Errors are those of RFC 6749, 5.2, not the API's: OAuth clients read them.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::authorize::form;
use super::request::{Parameters, is_our_scope};
use super::{ACCESS_PREFIX, CLIENT, REFRESH_LIFETIME, REFRESH_PREFIX, SCOPE};
use crate::http::caller::Address;
use crate::http::{ApiError, App};
use crate::secret::{Secret, SecretHash};
use crate::storage::{Client, Redeemed, Redemption, Rotated, TokenPair};

/// What each request may say once.
const ONCE: [&str; 8] =
    ["grant_type", "code", "redirect_uri", "client_id", "code_verifier", "refresh_token", "scope", "token"];

/// Why no tokens are given.
struct Refused {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

/// New tokens, told to the client once.
struct Tokens {
    access: Secret,
    refresh: Secret,
    pair: TokenPair,
}

enum Failed {
    Refused(Refused),
    Api(ApiError),
}

pub(super) async fn token(
    State(app): State<Arc<App>>,
    address: Address,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match answer(&app, address, &headers, body).await {
        Ok(tokens) => tokens.respond(&app),
        Err(Failed::Refused(refused)) => refused.into_response(),
        Err(Failed::Api(error)) => error.into_response(),
    }
}

async fn answer(app: &App, address: Address, headers: &HeaderMap, body: Body) -> Result<Tokens, Failed> {
    app.addresses.take(address.0).map_err(|seconds| {
        Failed::Api(ApiError::rate_limited("too many token requests", app.addresses.limit(), seconds))
    })?;
    let fields = form(headers, body).await?;
    if fields.repeats(&ONCE) {
        return Err(refused("invalid_request", "a parameter stands more than once"));
    }
    if fields.get("client_id") != Some(CLIENT) {
        let (error, description) = ("invalid_client", "the client is not known");
        return Err(Failed::Refused(Refused { status: StatusCode::UNAUTHORIZED, error, description }));
    }
    let tokens = Tokens::new(app);
    match fields.get("grant_type") {
        Some("authorization_code") => redeem(app, &fields, tokens.pair).await?,
        Some("refresh_token") => refresh(app, &fields, tokens.pair).await?,
        Some(_) => return Err(refused("unsupported_grant_type", "authorization_code and refresh_token are")),
        None => return Err(refused("invalid_request", "grant_type is missing")),
    }
    Ok(tokens)
}

async fn redeem(app: &App, fields: &Parameters, tokens: TokenPair) -> Result<(), Failed> {
    let needed = |name, problem| fields.get(name).ok_or_else(|| refused("invalid_request", problem));
    let code = SecretHash::of(needed("code", "code is missing")?);
    let redirect_uri = needed("redirect_uri", "redirect_uri is missing")?.to_owned();
    let verifier = needed("code_verifier", "code_verifier is missing")?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let (client, device) = (Client { id: CLIENT.to_owned(), redirect_uri }, fields.device());
    let redeemed = app.storage(move |storage| {
        let redemption = Redemption { code, client: &client, challenge: &challenge, device: &device, tokens };
        storage.redeem_code(&redemption, Timestamp::now())
    });
    match redeemed.await? {
        Redeemed::Granted => Ok(()),
        Redeemed::Refused => {
            Err(refused("invalid_grant", "the code is unknown, expired, or another request's"))
        }
        Redeemed::Replayed => {
            tracing::warn!("a code was used twice: what it was exchanged for is revoked");
            Err(refused("invalid_grant", "the code was used before; its tokens are revoked"))
        }
    }
}

async fn refresh(app: &App, fields: &Parameters, tokens: TokenPair) -> Result<(), Failed> {
    if fields.get("scope").is_some_and(|scope| !is_our_scope(scope)) {
        return Err(refused("invalid_scope", "the only scope is sync"));
    }
    let token =
        fields.get("refresh_token").ok_or_else(|| refused("invalid_request", "refresh_token is missing"))?;
    let token = SecretHash::of(token);
    match app.storage(move |storage| storage.rotate(token, tokens, Timestamp::now())).await? {
        Rotated::Granted => Ok(()),
        Rotated::Refused => Err(refused("invalid_grant", "the refresh token is unknown, expired or revoked")),
        Rotated::Reused => {
            tracing::warn!("a spent refresh token came back: its device is signed out");
            Err(refused("invalid_grant", "the refresh token was used before; the sign-in is revoked"))
        }
    }
}

pub(super) async fn revoke(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    let revoked = async {
        let fields = form(&headers, body).await?;
        let Some(token) = fields.get("token").map(SecretHash::of).filter(|_| !fields.repeats(&ONCE)) else {
            return Err(refused("invalid_request", "token is missing"));
        };
        // Whether there was such a token is nobody's business: the answer is the same (RFC 7009, 2.2).
        app.storage(move |storage| storage.revoke_token(token)).await?;
        Ok(())
    };
    match revoked.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Failed::Refused(refused)) => refused.into_response(),
        Err(Failed::Api(error)) => error.into_response(),
    }
}

fn refused(error: &'static str, description: &'static str) -> Failed {
    Failed::Refused(Refused { status: StatusCode::BAD_REQUEST, error, description })
}

impl Tokens {
    fn new(app: &App) -> Self {
        let (access, refresh) = (Secret::new(ACCESS_PREFIX), Secret::new(REFRESH_PREFIX));
        let now = Timestamp::now();
        let pair = TokenPair {
            access: access.hash(),
            access_expires: now + app.settings.access_lifetime,
            refresh: refresh.hash(),
            refresh_expires: now + REFRESH_LIFETIME,
        };
        Self { access, refresh, pair }
    }

    fn respond(&self, app: &App) -> Response {
        let body = json!({
            "access_token": self.access.expose(),
            "token_type": "Bearer",
            "expires_in": app.settings.access_lifetime.as_secs(),
            "refresh_token": self.refresh.expose(),
            "scope": SCOPE,
        });
        ([(header::PRAGMA, HeaderValue::from_static("no-cache"))], Json(body)).into_response()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error, "error_description": self.description })))
            .into_response()
    }
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}
