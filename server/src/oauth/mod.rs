//! The OAuth 2.0 authorization server: authorization code with PKCE for public clients on the same machine as the browser, and
//! codes that are typed on another device ([`device`]).
//!
//! Own code rather than `oxide-auth`, the one kept server library: its flows know neither RFC 9207 (`iss`) nor the loopback
//! ports of RFC 8252, it leaves replayed codes and reused refresh tokens without consequence, and its stores are in memory;
//! what would remain of it is parameter parsing.
//!
//! Of a client with a browser, nothing is kept before somebody has signed in: the client's request travels in the query of every page and is judged
//! anew each time. A browser is known by one cookie; forms carry a hash of it.

mod authorize;
mod device;
mod errand;
mod exchange;
mod metadata;
mod pages;
mod request;
mod session;
mod sign_in;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use jiff::SignedDuration;

use crate::http::App;

/// The one client there is: the command line.
pub(crate) const CLIENT: &str = "orkee-cli";
/// The one scope there is.
const SCOPE: &str = "sync";
/// How long a code is good.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// How long a refresh token is good if it is not used.
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What access tokens and refresh tokens begin with.
pub(crate) const ACCESS_PREFIX: &str = "orkee_";
pub(crate) use device::Pending;
pub(crate) use sign_in::email;

const REFRESH_PREFIX: &str = "orkee_refresh_";
/// The largest form that is read.
const MAX_FORM_BYTES: u64 = 16 << 10;

/// The routes of sign-in.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::show))
        .route("/oauth/authorize", get(authorize::show))
        .route("/oauth/login", post(sign_in::sign_in))
        .route("/oauth/register", get(sign_in::show_registration).post(sign_in::register))
        .route("/oauth/switch", post(sign_in::switch))
        .route("/oauth/consent", post(authorize::decide))
        .route("/oauth/device_authorization", post(device::ask))
        .route(device::ADDRESS, get(device::show).post(device::typed))
        .route("/device/decision", post(device::decide))
        .route("/oauth/token", post(token::token))
        .route("/oauth/revoke", post(token::revoke))
}
