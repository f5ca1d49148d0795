//! Through the proxy of the settings: `CONNECT`, so that TLS stays end to end. The proxy resolves the endpoint's name and decides
//! which addresses it dials; Orkee no longer can.

use std::fmt;

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine};
use bytes::Bytes;
use futures_util::future::join;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::time::Instant;
use url::Url;

use super::Courier;
use super::access::Access;
use super::failure::SendFailure;
use super::wire::Wire;
use super::{dial, exchange};
use crate::diagnostic::{Diagnostic, Kind};
use crate::net::origin::{Origin, OriginError, Scheme};
use crate::net::secret::Secret;

/// The proxy that deliveries go through.
#[derive(Clone)]
pub struct EndpointProxy {
    origin: Origin,
    authorization: Option<HeaderValue>,
}

/// The setting is no proxy. It is not repeated, for it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the proxy for webhooks cannot be used: {0}")]
pub struct EndpointProxyError(#[from] OriginError);

impl Diagnostic for EndpointProxyError {
    fn code(&self) -> &'static str {
        "E-HOOK-018"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(
            "write it as `http://HOST:PORT`, with `USER:PASSWORD@` before the host if the proxy asks for that"
                .to_owned(),
        )
    }
}

impl EndpointProxy {
    /// Reads `http://[USER:PASSWORD@]HOST[:PORT]`, or https.
    pub fn parse(text: &Secret) -> Result<Self, EndpointProxyError> {
        let mut url = Url::parse(text.expose().trim()).map_err(|_| OriginError::Malformed)?;
        let decoded = |part: &str| percent_decode(part);
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let pair = [decoded(user), b":".to_vec(), decoded(password.unwrap_or_default())].concat();
                let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
                    .map_err(|_| OriginError::Userinfo)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        // They fail for URLs without a host, which `Origin::of` refuses.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::Extra.into());
        }
        Ok(Self { origin: Origin::of(&url)?, authorization })
    }

    /// Scheme, host and port, without what it is asked with.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Debug for EndpointProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointProxy({})", self.origin)
    }
}

/// Takes the percent signs out of a part of a URL.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().iter();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let rest = bytes.as_slice();
        let pair = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.filter(|_| byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(decoded) => {
                plain.push(decoded);
                bytes.nth(1);
            }
            None => plain.push(byte),
        }
    }
    plain
}

impl Courier {
    /// A connection to `origin`, made by the proxy.
    pub(super) async fn tunnel(
        &self,
        proxy: &EndpointProxy,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<Wire, SendFailure> {
        let at = &proxy.origin;
        let addresses = dial::addresses(at).await.map_err(failed)?;
        let (stream, _) = dial::connect(&addresses, at.port(), deadline).await.map_err(failed)?;
        let wire: Wire = match at.scheme() {
            Scheme::Http => Wire::Tcp(stream),
            Scheme::Https => {
                let config = self.tls(&Access::default())?;
                dial::secure(Wire::Tcp(stream), at, config).await.map_err(failed)?.0
            }
        };
        let target = format!("{}:{}", origin.host(), origin.port());
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = target.parse().map_err(failed)?;
        let host = HeaderValue::from_str(&target).map_err(failed)?;
        request.headers_mut().insert(HOST, host);
        if let Some(authorization) = &proxy.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        ask(wire, request).await
    }
}

fn failed(error: impl fmt::Display) -> SendFailure {
    SendFailure::Proxy { why: error.to_string() }
}

/// Has the proxy connect, and takes the connection over.
async fn ask(wire: Wire, request: Request<Empty<Bytes>>) -> Result<Wire, SendFailure> {
    let connection = exchange::builder().handshake(TokioIo::new(wire)).await;
    let (mut sender, connection) = connection.map_err(failed)?;
    let asking = async {
        let reply = sender.send_request(request).await.map_err(failed)?;
        if !reply.status().is_success() {
            return Err(SendFailure::Proxy { why: format!("it answers {}", reply.status()) });
        }
        hyper::upgrade::on(reply).await.map_err(failed)
    };
    let (upgraded, _) = join(asking, connection.with_upgrades()).await;
    Ok(Wire::Tunnel(TokioIo::new(upgraded?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w29_a_proxy_is_read_with_and_without_a_password_and_does_not_show_it() {
        let proxy = |text: &str| EndpointProxy::parse(&Secret::new(text));
        let with = proxy("http://me:can%40ary@proxy.corp:3128").unwrap();
        assert_eq!(with.origin().to_string(), "http://proxy.corp:3128");
        assert_eq!(with.authorization.as_ref().unwrap().as_bytes(), b"Basic bWU6Y2FuQGFyeQ==");
        assert!(!format!("{with:?}").contains("can"));
        assert!(proxy("https://proxy.corp").unwrap().authorization.is_none());
        for bad in ["", "proxy.corp:3128", "socks5://canary:1", "http://canary/path", "http://"] {
            let error = proxy(bad).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
