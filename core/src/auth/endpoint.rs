//! One request to an authorization server. Nothing is followed, nothing is kept, bodies are small.

use std::time::Duration;

use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use url::Url;

use super::error::AuthError;
use crate::clock::{Clock, SystemClock};
use crate::net::{Http, NEEDS_NONCE, NetError, Origin, PROOF, ProofKey, Proven, Reach};

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BODY: u64 = 256 << 10;
/// What a tenant's description may have.
const MAX_TENANT: u64 = 64 << 10;

/// Which request it is, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Metadata,
    Token,
    Revocation,
    Device,
    /// The keys of an issuer.
    Keys,
    /// The description of a tenant.
    Tenant,
}

impl Endpoint {
    fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Token => "token",
            Self::Revocation => "revocation",
            Self::Device => "device authorization",
            Self::Keys => "keys",
            Self::Tenant => "tenant",
        }
    }

    fn max_body(self) -> u64 {
        if self == Self::Tenant { MAX_TENANT } else { MAX_BODY }
    }

    /// An answer that cannot be used.
    pub(super) fn answered(self, url: &Url, what: impl Into<String>) -> AuthError {
        AuthError::Answer { host: host(url), endpoint: self.name(), what: what.into() }
    }
}

/// When a server says that it answered: its own clock, whatever this machine's says.
pub(super) fn date(reply: &Response<Vec<u8>>) -> Option<Timestamp> {
    let text = reply.headers().get(http::header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The host of a URL with its port, for messages.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Sends a request with the proof of a key, where there is one. A server that wants its nonce in there gets it, once.
pub(super) async fn send_proven(
    http: &Http,
    endpoint: Endpoint,
    url: &Url,
    request: Request<Vec<u8>>,
    key: Option<&ProofKey>,
) -> Result<Response<Vec<u8>>, AuthError> {
    let Some(key) = key else { return send(http, endpoint, url, request).await };
    let origin = Origin::of(url).map_err(|error| endpoint.answered(url, error.to_string()))?;
    let proven = || {
        let nonce = http.nonce(&origin);
        let (method, at) = (request.method(), SystemClock.now());
        let proof = key.prove(&Proven { method, url, token: None, nonce: nonce.as_deref(), at });
        let proof = proof.ok_or_else(|| endpoint.answered(url, "nothing: the request cannot be signed"))?;
        let mut proven = request.clone();
        proven.headers_mut().insert(PROOF, proof);
        Ok::<_, AuthError>(proven)
    };
    let reply = send(http, endpoint, url, proven()?).await?;
    if needs_nonce(&reply) {
        return send(http, endpoint, url, proven()?).await;
    }
    Ok(reply)
}

/// Whether the nonce that came with the answer was missing in the proof.
fn needs_nonce(reply: &Response<Vec<u8>>) -> bool {
    let error = || serde_json::from_slice::<serde_json::Value>(reply.body()).ok();
    reply.status().is_client_error()
        && reply.headers().contains_key("dpop-nonce")
        && error().is_some_and(|error| error["error"] == NEEDS_NONCE)
}

/// Sends a request. A redirect, a failure of the server and "too many requests" are errors; every other answer is the caller's.
pub(super) async fn send(
    http: &Http,
    endpoint: Endpoint,
    url: &Url,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, AuthError> {
    let origin = Origin::of(url).map_err(|error| endpoint.answered(url, error.to_string()))?;
    let reach = Reach::named_by_user(&origin);
    let (head, body) = request.into_parts();
    let client = http.client(reach).map_err(AuthError::Network)?;
    let request =
        client.request(head.method, url.clone()).headers(head.headers).body(body).timeout(TIMEOUT).build();
    let request = request.map_err(|error| AuthError::Network(NetError::sort(error, &origin)))?;
    tracing::debug!(target: "orkee::cloud::auth", endpoint = endpoint.name(), host = %host(url), "request");
    let reply =
        http.exchange(&origin, reach, request, endpoint.max_body()).await.map_err(AuthError::Network)?;

    let status = reply.status;
    tracing::debug!(target: "orkee::cloud::auth", endpoint = endpoint.name(), status = status.as_u16(), "answer");
    if status.is_redirection() {
        let (host, endpoint) = (host(url), endpoint.name());
        return Err(AuthError::Redirected { host, endpoint, status: status.as_u16() });
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(endpoint.answered(url, format!("status {}", status.as_u16())));
    }
    let mut response = Response::new(reply.body.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        let dated = |text: &str| {
            let mut reply = Response::new(Vec::new());
            reply.headers_mut().insert(http::header::DATE, text.parse().unwrap());
            date(&reply)
        };
        let at = dated("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(at.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(dated("yesterday"), None);
        assert_eq!(date(&Response::new(Vec::new())), None);
    }
}
