//! A browser, known by one cookie, and the forms that it was given.
//!
//! The cookie is random from the first page on, and new at sign-in. A form carries a hash of the cookie and of what it is
//! for: another site can neither read the cookie nor make the hash, and `SameSite` keeps it from sending either. The browser's own
//! person can make it for any form; what must have been shown first is remembered where it is shown.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::http::{ApiError, App};
use crate::secret::{Secret, SecretHash};
use crate::storage::{Account, AccountKey};

/// How long somebody stays signed in at the browser.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);
const MAX_COOKIE_LEN: usize = 64;

/// The value of a browser's cookie.
pub(super) struct Browser(String);

impl Browser {
    /// The browser that sent a request, if it has our cookie.
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|list| list.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, _)| *name == cookie_name(app))
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty() && value.len() <= MAX_COOKIE_LEN)
            .map(|value| Self(value.to_owned()))
    }

    /// A browser that was not here before.
    pub(super) fn new() -> Self {
        Self(Secret::new("").expose().to_owned())
    }

    /// `Set-Cookie` for it.
    pub(super) fn cookie(&self, app: &App) -> Result<HeaderValue, ApiError> {
        let secure = if app.is_https() { "; Secure" } else { "" };
        let text = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(app), self.0);
        HeaderValue::from_str(&text).map_err(|e| ApiError::internal(&e))
    }

    /// What a form for `purpose` carries.
    pub(super) fn form_key(&self, purpose: &str) -> String {
        let mut hash = Sha256::new();
        hash.update((purpose.len() as u64).to_be_bytes());
        hash.update(purpose);
        hash.update(&self.0);
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }

    /// What the browser is known by where its cookie need not be.
    pub(super) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }

    /// Whether a form for `purpose` is of this browser.
    pub(super) fn gave(&self, purpose: &str, key: Option<&str>) -> bool {
        key.is_some_and(|key| self.form_key(purpose).as_bytes().ct_eq(key.as_bytes()).into())
    }

    /// Who is signed in at it.
    pub(super) async fn account(&self, app: &App) -> Result<Option<Account>, ApiError> {
        let hash = self.hash();
        app.storage(move |storage| storage.session(hash, Timestamp::now())).await
    }

    /// Signs an account in at a browser that from now on has another cookie.
    pub(super) async fn signed_in(app: &App, account: AccountKey) -> Result<Self, ApiError> {
        let browser = Self::new();
        let hash = browser.hash();
        app.storage(move |storage| storage.create_session(hash, account, Timestamp::now() + LIFETIME))
            .await?;
        Ok(browser)
    }

    /// Signs out whoever is signed in.
    pub(super) async fn sign_out(&self, app: &App) -> Result<(), ApiError> {
        let hash = self.hash();
        app.storage(move |storage| storage.end_session(hash)).await
    }
}

/// Over https the prefix keeps neighbours on the same domain from setting it.
fn cookie_name(app: &App) -> &'static str {
    if app.is_https() { "__Host-orkee" } else { "orkee" }
}
