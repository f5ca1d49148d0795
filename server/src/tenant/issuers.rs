//! The keys of identity providers: found by OpenID Connect Discovery, fetched when a token has to be verified, and kept.
//!
//! An issuer's replies are hostile until checked: nothing is redirected, sizes and times are capped, the metadata has to name the
//! very issuer that was asked. One fetch of an issuer is under way at a time. A key that is not known makes the keys be fetched
//! again, once a minute at most, so that tokens of nobody cannot make this server ask on and on; an issuer that failed is left
//! alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orkee_core::jwt::{Claims, Jwt, JwtError, KeySet};
use orkee_core::net::{Http, HttpOptions, NetError, Origin, Reach, Scheme};
use serde::Deserialize;
use thiserror::Error;
use url::Url;

/// An issuer's metadata is at most this long.
const METADATA_BYTES: u64 = 128 << 10;
/// Its keys are.
const KEYS_BYTES: u64 = 512 << 10;
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Keys are fetched anew after this long, so that one that was withdrawn is not good for ever.
const FRESH: Duration = Duration::from_secs(3600);
/// Where they cannot be, the old ones are good for this long.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// A key that is not known makes them be fetched no more often than this.
const SEARCH: Duration = Duration::from_secs(60);
/// An issuer that failed is asked again after this long.
const PAUSE: Duration = Duration::from_secs(10);

/// Why an issuer's token could not be verified.
#[derive(Debug, Clone, Error)]
pub(crate) enum IssuerError {
    /// The token is not good.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// The issuer's keys could not be had.
    #[error("the identity provider's keys could not be had: {0}")]
    Keys(String),
}

/// The issuers that tenants name, and what is known of them.
pub(crate) struct Issuers {
    http: Http,
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

#[derive(Default)]
struct Known {
    keys: Option<(Arc<KeySet>, Instant)>,
    searched: Option<Instant>,
    failed: Option<(Instant, String)>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Issuers {
    /// Asks through the environment's proxy, if there is one.
    pub(crate) fn new() -> Result<Self, NetError> {
        let user_agent = concat!("orkee-server/", env!("CARGO_PKG_VERSION")).to_owned();
        let http = Http::new(HttpOptions { timeout: TIMEOUT, user_agent, ..HttpOptions::from_env() })?;
        Ok(Self { http, known: Mutex::default() })
    }

    /// What a token of this issuer says, if it is one.
    pub(crate) async fn verify(&self, issuer: &str, token: &Jwt<'_>) -> Result<Claims, IssuerError> {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(issuer.to_owned()).or_default())
        };
        let keys = cell.lock().await.current(&self.http, issuer).await?;
        match token.verify(&keys) {
            Err(JwtError::UnknownKey) => {
                let keys = cell.lock().await.search(&self.http, issuer, &keys).await?;
                Ok(token.verify(&keys)?)
            }
            verified => Ok(verified?),
        }
    }
}

impl Known {
    /// The keys, fetched where they are missing or old.
    async fn current(&mut self, http: &Http, issuer: &str) -> Result<Arc<KeySet>, IssuerError> {
        let now = Instant::now();
        if let Some((keys, _)) = self.keys.as_ref().filter(|(_, at)| now.duration_since(*at) < FRESH) {
            return Ok(Arc::clone(keys));
        }
        let failed = self.failed.as_ref().filter(|(at, _)| now.duration_since(*at) < PAUSE);
        let problem = match failed {
            Some((_, problem)) => problem.clone(),
            None => match self.fetch(http, issuer).await {
                Ok(keys) => return Ok(keys),
                Err(problem) => problem,
            },
        };
        match &self.keys {
            Some((keys, at)) if now.duration_since(*at) < KEPT => Ok(Arc::clone(keys)),
            _ => Err(IssuerError::Keys(problem)),
        }
    }

    /// The keys that stand in the place of `seen`, in which one was not found.
    async fn search(
        &mut self,
        http: &Http,
        issuer: &str,
        seen: &Arc<KeySet>,
    ) -> Result<Arc<KeySet>, IssuerError> {
        if let Some((keys, _)) = self.keys.as_ref().filter(|(keys, _)| !Arc::ptr_eq(keys, seen)) {
            return Ok(Arc::clone(keys));
        }
        if self.searched.is_some_and(|at| at.elapsed() < SEARCH) {
            return Ok(Arc::clone(seen));
        }
        self.searched = Some(Instant::now());
        self.fetch(http, issuer).await.map_err(IssuerError::Keys)
    }

    async fn fetch(&mut self, http: &Http, issuer: &str) -> Result<Arc<KeySet>, String> {
        match fetch(http, issuer).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                self.keys = Some((Arc::clone(&keys), Instant::now()));
                self.failed = None;
                Ok(keys)
            }
            Err(problem) => {
                tracing::warn!(issuer, problem, "an identity provider's keys could not be had");
                self.failed = Some((Instant::now(), problem.clone()));
                Err(problem)
            }
        }
    }
}

async fn fetch(http: &Http, issuer: &str) -> Result<KeySet, String> {
    let unusable = || "the issuer's URL cannot be used".to_owned();
    let home: Url = issuer.parse().map_err(|_| unusable())?;
    let origin = Origin::of(&home).map_err(|_| unusable())?;
    let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let place: Url = place.parse().map_err(|_| unusable())?;
    let body = get(http, &place, Reach::named_by_user(&origin), METADATA_BYTES).await?;
    let metadata: Metadata =
        serde_json::from_slice(&body).map_err(|_| "its discovery document is none".to_owned())?;
    if metadata.issuer != issuer {
        return Err("its discovery document is another issuer's".to_owned());
    }
    let url: Url = metadata.jwks_uri.parse().map_err(|_| "its jwks_uri is no URL".to_owned())?;
    let reach = reach(&origin, &url).ok_or_else(|| "its jwks_uri is not secure".to_owned())?;
    let keys = KeySet::parse(&get(http, &url, reach, KEYS_BYTES).await?);
    keys.filter(|keys| !keys.is_empty())
        .ok_or_else(|| "its jwks_uri leads to no keys that can be used".to_owned())
}

/// How far the keys of an issuer may be: on its own host, or on the internet, or on this machine where it is there itself.
fn reach(issuer: &Origin, keys: &Url) -> Option<Reach> {
    let origin = Origin::of(keys).ok()?;
    match (issuer.scheme(), origin.scheme()) {
        _ if origin == *issuer => Some(Reach::named_by_user(issuer)),
        (Scheme::Http, Scheme::Http) => Some(Reach::Loopback),
        (Scheme::Https, Scheme::Https) => Some(Reach::Public),
        _ => None,
    }
}

async fn get(http: &Http, url: &Url, reach: Reach, limit: u64) -> Result<Vec<u8>, String> {
    let origin = Origin::of(url).map_err(|_| "its URL cannot be used".to_owned())?;
    let client = http.client(reach).map_err(|error| error.to_string())?;
    let request = client.get(url.clone()).header("accept", "application/json").build();
    let request = request.map_err(|_| "its URL cannot be used".to_owned())?;
    let reply = http.exchange(&origin, reach, request, limit).await.map_err(|error| error.to_string())?;
    match reply.status.as_u16() {
        200 => Ok(reply.body.to_vec()),
        300..400 => Err(format!("{origin} answered with a redirect, which is not followed")),
        status => Err(format!("{origin} answered with status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_from_places_as_secure_as_their_issuer() {
        let verdict = |issuer: &str, keys: &str| reach(&issuer.parse().unwrap(), &keys.parse().unwrap());
        assert_eq!(verdict("https://idp.example", "https://idp.example/keys"), Some(Reach::Any));
        assert_eq!(verdict("https://idp.example", "https://keys.example/"), Some(Reach::Public));
        assert_eq!(verdict("http://127.0.0.1:1", "http://127.0.0.1:2/keys"), Some(Reach::Loopback));
        for (issuer, keys) in [
            ("https://idp.example", "http://idp.example/keys"),
            ("https://idp.example", "http://127.0.0.1/keys"),
            ("http://127.0.0.1:1", "https://keys.example"),
            ("https://idp.example", "file:///etc/keys"),
            ("https://idp.example", "https://user@idp.example/keys"),
        ] {
            assert_eq!(verdict(issuer, keys), None, "{issuer} {keys}");
        }
    }
}
