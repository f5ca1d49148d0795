//! Whether an ID token of OpenID Connect proves who signed in: the signature, by a key that the issuer publishes, and the claims.
//!
//! Own code over `ring`, which the program contains anyway: the check of a compact signature with an allow-list of algorithms is
//! two hundred lines, while `openidconnect` brings a second set of cryptography with it, its RSA with a known weakness among it.
//! Nothing of a token is put into an error or a log.

mod id_token;
mod keys;
mod signature;

use http::Request;
use jiff::Timestamp;
use url::Url;

use super::discovery::Metadata;
use super::endpoint::{self, Endpoint};
use super::error::AuthError;
use super::tenant::TenantError;
use crate::net::{Http, Secret};
pub(super) use id_token::Expected;
use id_token::Rejected;
use keys::KeySet;
use signature::Signed;

/// Checks an ID token that came from the issuer's token endpoint. `now` is the time as the issuer has it.
pub(super) async fn verify(
    http: &Http,
    metadata: &Metadata,
    id_token: &Secret,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<(), AuthError> {
    let host = || endpoint::host(&metadata.token);
    let refuse =
        |why: Rejected| AuthError::from(TenantError::IdToken { host: host(), reason: why.to_string() });
    let signed = Signed::parse(id_token.expose()).map_err(refuse)?;
    let url = metadata.jwks.as_ref().ok_or_else(|| AuthError::Metadata {
        issuer: metadata.issuer.clone(),
        reason: "it publishes no keys".to_owned(),
    })?;
    let mut keys = fetch(http, url).await?;
    if !keys.knows(&signed) {
        // The key may be so new that the first answer, from some cache, did not have it.
        tracing::debug!(target: "orkee::cloud::auth", "an unknown key: asking for the keys once more");
        keys = fetch(http, url).await?;
    }
    let claims = keys.verify(&signed).map_err(refuse)?;
    id_token::check(claims, signed.algorithm, expected, now).map_err(refuse)
}

async fn fetch(http: &Http, url: &Url) -> Result<KeySet, AuthError> {
    let unusable = |what: &str| Endpoint::Keys.answered(url, what);
    let request =
        Request::get(url.as_str()).header(http::header::ACCEPT, "application/json").body(Vec::new());
    let request = request.map_err(|_| unusable("nothing: its URL cannot be used"))?;
    let reply = endpoint::send(http, Endpoint::Keys, url, request).await?;
    if !reply.status().is_success() {
        return Err(unusable(&format!("status {}", reply.status().as_u16())));
    }
    KeySet::parse(reply.body()).ok_or_else(|| unusable("something that is no set of keys"))
}
