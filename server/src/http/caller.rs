//! Who is asking: the address a request comes from, and the account that its token belongs to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;

use super::observe::RequestId;
use super::{ApiError, App, sign_in};
use crate::oauth::ACCESS_PREFIX;
use crate::secret::SecretHash;
use crate::storage::Caller;

/// The header that names the tenant.
const TENANT: &str = "orkee-tenant";
const MISSING: &str = "Bearer realm=\"orkee\"";
pub(super) const BAD: &str = "Bearer realm=\"orkee\", error=\"invalid_token\"";

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Where a request comes from, as far as anybody can tell.
#[derive(Debug, Clone)]
pub(crate) struct Address(pub(crate) String);

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
        let address =
            forwarded.or(peer).map_or_else(|| "unknown".to_owned(), |ip| ip.to_canonical().to_string());
        Ok(Self(address))
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| ApiError::unauthorized("sign in: the request brings no bearer token", MISSING))?;
        let tenant = tenant_header(&parts.headers)?;
        let caller = match tenant {
            Some(name) if !token.starts_with(ACCESS_PREFIX) => {
                let id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
                sign_in::direct(app, name, token, id).await?
            }
            _ => {
                let hash = SecretHash::of(token);
                let caller = app
                    .storage(move |storage| storage.caller(hash, Timestamp::now()))
                    .await?
                    .ok_or_else(|| ApiError::unauthorized("the token is unknown, expired or revoked", BAD))?;
                sign_in::ruled(app, caller, tenant).await?
            }
        };
        app.rate.take(caller.account.key).map_err(|seconds| {
            let limit = app.rate.limit();
            ApiError::rate_limited(
                format!("an account may make {limit} requests in a minute"),
                limit,
                seconds,
            )
        })?;
        Ok(caller)
    }
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
