//! `/oauth/token` and `/oauth/revoke`. Errors are those of RFC 6749, 5.2, not the API's: OAuth clients read them.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::authorize::form;
use super::request::{Parameters, is_our_scope};
use super::{ACCESS_PREFIX, CLIENT, REFRESH_LIFETIME, REFRESH_PREFIX, SCOPE, device, exchange};
use crate::dpop::{self, Proven, Rejected, Thumbprint};
use crate::http::caller::Address;
use crate::http::observe::RequestId;
use crate::http::{ApiError, App};
use crate::secret::{Secret, SecretHash};
use crate::storage::{Client, Redeemed, Redemption, Rotated, TokenPair};

/// What each request may say once.
const ONCE: [&str; 13] = [
    "grant_type",
    "code",
    "redirect_uri",
    "client_id",
    "code_verifier",
    "refresh_token",
    "scope",
    "token",
    "device_code",
    "subject_token",
    "subject_token_type",
    "requested_token_type",
    "audience",
];

const OTHER_KEY: &str = "the refresh token is bound to another key";

/// Why no tokens are given.
pub(super) struct Refused {
    status: StatusCode,
    error: &'static str,
    /// Empty where the error says it all.
    description: Cow<'static, str>,
}

/// New tokens, told to the client once.
pub(super) struct Tokens {
    access: Secret,
    refresh: Secret,
    pair: TokenPair,
    made: Timestamp,
    exchanged: bool,
}

/// What a request ends with instead.
pub(super) enum Failed {
    Refused(Refused),
    Api(ApiError),
    /// The proof of a key is not taken; a nonce for the next one.
    Proof(Rejected, String),
}

pub(super) async fn token(
    State(app): State<Arc<App>>,
    address: Address,
    id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let id = id.map(|Extension(id)| id.0);
    match answer(&app, address, id, &headers, body).await {
        Ok(tokens) => tokens.respond(),
        Err(failed) => failed.into_response(),
    }
}

async fn answer(
    app: &App,
    address: Address,
    id: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Tokens, Failed> {
    app.addresses.take(address.network).map_err(|seconds| {
        Failed::Api(ApiError::rate_limited("too many token requests", app.addresses.limit(), seconds))
    })?;
    let fields = form(headers, body).await?;
    if fields.repeats(&ONCE) {
        return Err(refused("invalid_request", "a parameter stands more than once"));
    }
    known_client(&fields)?;
    let prove = |key| proof(app, headers, key);
    let mut tokens = Tokens::new(app);
    if fields.get("grant_type") != Some("refresh_token") {
        tokens.pair.key = new_key(app, || prove(None))?;
    }
    match fields.get("grant_type") {
        Some("authorization_code") => redeem(app, &fields, tokens.pair).await?,
        Some("refresh_token") => refresh(app, &fields, &mut tokens, prove).await?,
        Some(device::GRANT) => device::poll(app, &fields, tokens.pair).await?,
        Some(exchange::GRANT) => exchange::exchange(app, &fields, id, &mut tokens).await?,
        Some(_) => return Err(refused("unsupported_grant_type", "the metadata lists those that are")),
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
    self::redeemed(redeemed.await?)
}

/// The answer to a code that was brought, whichever way it came to the client.
pub(super) fn redeemed(redeemed: Redeemed) -> Result<(), Failed> {
    match redeemed {
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

/// The key that a request proves to have; this one, where one is known.
fn proof(app: &App, headers: &HeaderMap, key: Option<Thumbprint>) -> Result<Option<Thumbprint>, Failed> {
    let url = format!("{}/oauth/token", app.settings.public_url);
    let proven = Proven { method: "POST", url: &url, token: None, key };
    let now = Timestamp::now();
    app.dpop.check(&proven, headers, now).map_err(|rejected| Failed::Proof(rejected, app.dpop.nonce(now)))
}

/// The key that a new sign-in is bound to.
fn new_key(
    app: &App,
    prove: impl FnOnce() -> Result<Option<Thumbprint>, Failed>,
) -> Result<Option<Thumbprint>, Failed> {
    if !app.dpop.is_offered() {
        return Ok(None);
    }
    let key = prove()?;
    if key.is_none() && app.dpop.is_required() {
        return Err(refused("invalid_dpop_proof", "sign-ins are bound to a key here, and there is no proof"));
    }
    Ok(key)
}

async fn refresh(
    app: &App,
    fields: &Parameters,
    tokens: &mut Tokens,
    prove: impl FnOnce(Option<Thumbprint>) -> Result<Option<Thumbprint>, Failed>,
) -> Result<(), Failed> {
    if fields.get("scope").is_some_and(|scope| !is_our_scope(scope)) {
        return Err(refused("invalid_scope", "the only scope is sync"));
    }
    let token =
        fields.get("refresh_token").ok_or_else(|| refused("invalid_request", "refresh_token is missing"))?;
    let token = SecretHash::of(token);
    // Whoever cannot prove to have the key does not spend the token either.
    let bound_to = app.storage(move |storage| storage.bound_to(token, Timestamp::now())).await?;
    tokens.pair.key = bound_to.flatten();
    match bound_to {
        Some(Some(key)) if prove(Some(key))?.is_none() => return Err(refused("invalid_grant", OTHER_KEY)),
        Some(None) if app.dpop.is_required() => {
            return Err(refused("invalid_grant", "the sign-in is bound to no key, which it has to be here"));
        }
        _ => {}
    }
    if let Some(end) = exchange::end_of(app, token).await?
        && !tokens.end_at(end)
    {
        let description = "the time for which the tenant lets anybody be signed in is over: sign in again";
        return Err(refused("invalid_grant", description));
    }
    let pair = tokens.pair;
    match app.storage(move |storage| storage.rotate(token, pair, Timestamp::now())).await? {
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
        app.storage(move |storage| storage.revoke_token(token, Timestamp::now())).await?;
        Ok(())
    };
    match revoked.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failed) => failed.into_response(),
    }
}

/// There is one client.
pub(super) fn known_client(fields: &Parameters) -> Result<(), Failed> {
    if fields.get("client_id") == Some(CLIENT) {
        return Ok(());
    }
    let (error, description) = ("invalid_client", "the client is not known".into());
    Err(Failed::Refused(Refused { status: StatusCode::UNAUTHORIZED, error, description }))
}

pub(super) fn refused(error: &'static str, description: &'static str) -> Failed {
    Failed::Refused(Refused { status: StatusCode::BAD_REQUEST, error, description: description.into() })
}

/// Why no tokens are given, where that is not always the same. What a description may hold is limited (RFC 6749, 5.2).
pub(super) fn refused_since(status: StatusCode, error: &'static str, why: &str) -> Failed {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    let description: String = why.chars().map(|c| if allowed(c) { c } else { '?' }).take(300).collect();
    Failed::Refused(Refused { status, error, description: description.into() })
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
            key: None,
        };
        Self { access, refresh, pair, made: now, exchanged: false }
    }

    /// What is kept of them.
    pub(super) fn pair(&self) -> TokenPair {
        self.pair
    }

    /// They came of a token exchange.
    pub(super) fn are_exchanged(&mut self) {
        self.exchanged = true;
    }

    /// Has them end at this moment at the latest. Whether there is any time until then.
    pub(super) fn end_at(&mut self, end: Timestamp) -> bool {
        self.pair.access_expires = self.pair.access_expires.min(end);
        self.pair.refresh_expires = self.pair.refresh_expires.min(end);
        end > self.made
    }

    fn respond(&self) -> Response {
        let mut body = json!({
            "access_token": self.access.expose(),
            "token_type": if self.pair.key.is_some() { "DPoP" } else { "Bearer" },
            "expires_in": self.pair.access_expires.duration_since(self.made).as_secs(),
            "refresh_token": self.refresh.expose(),
            "scope": SCOPE,
        });
        if self.exchanged {
            body["issued_token_type"] = exchange::ACCESS_TOKEN.into();
        }
        ([(header::PRAGMA, HeaderValue::from_static("no-cache"))], Json(body)).into_response()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.error });
        if !self.description.is_empty() {
            body["error_description"] = self.description.into();
        }
        (self.status, Json(body)).into_response()
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refused) => refused.into_response(),
            Self::Api(error) => error.into_response(),
            Self::Proof(rejected, nonce) => {
                let (error, description) = match rejected {
                    Rejected::Invalid(why) => ("invalid_dpop_proof", why),
                    Rejected::Nonce => ("use_dpop_nonce", "the proof has to hold the nonce of this answer"),
                    Rejected::Key => ("invalid_grant", OTHER_KEY),
                };
                ([(dpop::NONCE, nonce)], refused(error, description)).into_response()
            }
        }
    }
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}
