//! Who is asking: the address a request comes from, and the account that its token belongs to.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

use super::observe::RequestId;
use super::{ApiError, App, sign_in};
use crate::dpop::{self, Proven, Rejected, Thumbprint};
use crate::oauth::ACCESS_PREFIX;
use crate::secret::SecretHash;
use crate::storage::Caller;

/// The header that names the tenant.
const TENANT: &str = "orkee-tenant";
const MISSING: &str = "Bearer realm=\"orkee\"";
pub(super) const BAD: &str = "Bearer realm=\"orkee\", error=\"invalid_token\"";

const UNBOUND: &str = "the sign-in is bound to no key, which it has to be here: sign in again";
const DPOP: &str = "DPoP realm=\"orkee\", algs=\"ES256\"";
const UNPROVEN: &str = "DPoP realm=\"orkee\", error=\"invalid_token\", algs=\"ES256\"";
const BAD_PROOF: &str = "DPoP realm=\"orkee\", error=\"invalid_dpop_proof\", algs=\"ES256\"";
const NEEDS_NONCE: &str = "DPoP realm=\"orkee\", error=\"use_dpop_nonce\", algs=\"ES256\"";

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Where a request comes from, as far as anybody can tell.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// For people to see.
    pub(crate) text: String,
    /// What is counted: whoever has an IPv6 address has the other 2^64 of its network as well.
    pub(crate) network: String,
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        let ip = ip.to_canonical();
        let network = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        };
        Self { text: ip.to_string(), network }
    }
}

impl FromRequestParts<Arc<App>> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        // The last entry is the one that our own proxy wrote; those before it are anybody's.
        let forwarded = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .filter(|_| app.settings.behind_proxy)
            .and_then(|list| list.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let unknown = || Self { text: "unknown".to_owned(), network: "unknown".to_owned() };
        Ok(forwarded.or(peer).map_or_else(unknown, Self::from))
    }
}

/// How a token is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// By whoever has it.
    Bearer,
    /// With the proof of a key.
    Dpop,
}

/// The token of a request.
fn token(parts: &Parts) -> Option<(Scheme, &str)> {
    let (scheme, token) = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let schemes = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
    let (_, scheme) = schemes.into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name))?;
    Some((scheme, token.trim()))
}

fn missing(app: &App) -> ApiError {
    let error = ApiError::unauthorized("sign in: the request brings no token", MISSING);
    if app.dpop.is_offered() {
        return error.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(DPOP));
    }
    error
}

/// Whether the request proves to come from whoever has the key of the token.
fn prove(app: &App, parts: &Parts, token: &str, key: Thumbprint) -> Result<(), ApiError> {
    let url = format!("{}{}", app.settings.public_url, parts.uri.path());
    let proven = Proven { method: parts.method.as_str(), url: &url, token: Some(token), key: Some(key) };
    let now = Timestamp::now();
    let error = match app.dpop.check(&proven, &parts.headers, now) {
        Ok(Some(_)) => return Ok(()),
        Err(Rejected::Key) => {
            ApiError::unauthorized("the proof is of another key than the token's", UNPROVEN)
        }
        Ok(None) => ApiError::unauthorized("the token is bound to a key, and there is no proof", UNPROVEN),
        Err(Rejected::Invalid(why)) => ApiError::unauthorized(why, BAD_PROOF),
        Err(Rejected::Nonce) => {
            ApiError::unauthorized("the proof has to hold the nonce of this answer", NEEDS_NONCE)
        }
    };
    match HeaderValue::from_str(&app.dpop.nonce(now)) {
        Ok(nonce) => Err(error.with_header(dpop::NONCE, nonce)),
        Err(_) => Err(error),
    }
}

/// Whose token this is, of those that this server gave.
async fn known(app: &App, token: &str) -> Result<Caller, ApiError> {
    let hash = SecretHash::of(token);
    let caller = app.storage(move |storage| storage.caller(hash, Timestamp::now())).await?;
    caller.ok_or_else(|| ApiError::unauthorized("the token is unknown, expired or revoked", BAD))
}

/// A bound token comes with its proof, any other without. Where sign-ins have to be bound, one that is not is not good; an API
/// token is no sign-in.
fn bound(app: &App, parts: &Parts, (scheme, token): (Scheme, &str), caller: &Caller) -> Result<(), ApiError> {
    match (caller.key, scheme) {
        (None, Scheme::Bearer) if caller.is_sign_in && app.dpop.is_required() => {
            Err(ApiError::unauthorized(UNBOUND, UNPROVEN))
        }
        (None, Scheme::Bearer) => Ok(()),
        (None, Scheme::Dpop) => {
            Err(ApiError::unauthorized("the token is bound to no key: it is a bearer token", BAD))
        }
        (Some(_), Scheme::Bearer) => {
            Err(ApiError::unauthorized("the token is bound to a key, and there is no proof", UNPROVEN))
        }
        (Some(key), Scheme::Dpop) => prove(app, parts, token, key),
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let (scheme, token) = token(parts).ok_or_else(|| missing(app))?;
        let tenant = tenant_header(&parts.headers)?;
        let caller = match tenant {
            // A token of the tenant's identity provider is bound to no key here.
            Some(name) if scheme == Scheme::Bearer && !token.starts_with(ACCESS_PREFIX) => {
                let id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
                let caller = sign_in::direct(app, name, token, id).await?;
                count(app, &caller)?;
                caller
            }
            _ => {
                let caller = known(app, token).await?;
                // First: a proof that is looked at is remembered, and that has to have an end for each account.
                count(app, &caller)?;
                bound(app, parts, (scheme, token), &caller)?;
                sign_in::ruled(app, caller, tenant).await?
            }
        };
        Ok(caller)
    }
}

/// Counts a request of an account.
fn count(app: &App, caller: &Caller) -> Result<(), ApiError> {
    app.rate.take(caller.account.key).map_err(|seconds| {
        let limit = app.rate.limit();
        ApiError::rate_limited(format!("an account may make {limit} requests in a minute"), limit, seconds)
    })
}

/// The tenant that the request says it is of.
fn tenant_header(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut all = headers.get_all(TENANT).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(name), None) => {
            name.to_str().map(Some).map_err(|_| ApiError::invalid("orkee-tenant is no tenant's name"))
        }
        _ => Err(ApiError::invalid("orkee-tenant stands more than once")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_with_those_that_its_owner_has_besides() {
        let network = |ip: &str| Address::from(ip.parse::<IpAddr>().unwrap()).network;
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
