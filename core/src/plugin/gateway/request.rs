//! A plugin's request, before it is sent.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::{COMPRESS_FROM, COMPRESSION_LEVEL, Gateway, SendError};
use crate::net::{LOGIN, Origin};
use crate::plugin::text::clean;

/// HTTP's methods and WebDAV's. TRACE and CONNECT are not among them.
const METHODS: [&str; 18] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "MKCALENDAR",
    "ACL",
];
/// Headers that the host writes, or that steer the connection. `proxy-*` and `sec-*` too.
const OWNED: [&str; 25] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "cookie2",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "referer",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-request-id",
];
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 32 << 10;

/// What a plugin asks for.
#[derive(Debug, Clone, Default)]
pub(in crate::plugin) struct Outgoing {
    /// One of the methods of the contract.
    pub method: String,
    /// Absolute, or a path below the API URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, uncompressed.
    pub body: Vec<u8>,
    /// The credential to attach.
    pub credential: Option<String>,
    /// Compress the body.
    pub compress: bool,
    /// A deadline of the plugin's own.
    pub timeout: Option<Duration>,
}

/// A request that the host would send.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) origin: Origin,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) compressed: bool,
    pub(super) credential: Option<String>,
    pub(super) timeout: Option<Duration>,
}

impl Gateway {
    /// Checks all but the grants.
    pub(super) fn check(&self, outgoing: Outgoing) -> Result<Checked, SendError> {
        let invalid = |what: String| self.invalid(what);
        if self.hidden.is_spent() {
            return Err(invalid("the request that carried the secret is the last of its call".to_owned()));
        }
        let method = method(&outgoing.method).ok_or_else(|| {
            invalid(format!("the method `{}` is not one that plugins may use", clean(&outgoing.method, 20)))
        })?;
        let url = match outgoing.url.starts_with('/') {
            true => self.api_url.join(&outgoing.url),
            false => Url::parse(&outgoing.url).ok(),
        };
        let mut url = url.ok_or_else(|| {
            invalid("its URL is neither absolute nor a path that begins with `/`".to_owned())
        })?;
        url.set_fragment(None);
        let origin = Origin::of(&url).map_err(|error| invalid(format!("its URL cannot be used: {error}")))?;
        let headers = headers(&outgoing.headers).map_err(invalid)?;
        // The audience is checked with the credential, before anything is sent.
        let hides = outgoing.credential.as_deref() == Some(LOGIN);
        let whole = if hides { self.hidden.reveal(outgoing.body) } else { outgoing.body };
        let (body, compressed) = body(whole, outgoing.compress);
        Ok(Checked {
            method,
            url,
            origin,
            headers,
            body,
            compressed,
            credential: outgoing.credential,
            timeout: outgoing.timeout,
        })
    }
}

fn method(name: &str) -> Option<Method> {
    METHODS.contains(&name).then(|| Method::from_bytes(name.as_bytes()).ok()).flatten()
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, String> {
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if given.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(format!("it has more than {MAX_HEADERS} headers or {MAX_HEADER_BYTES} bytes of them"));
    }
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let shown = clean(name, 50);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{shown}` is no header"))?;
        if OWNED.contains(&name.as_str())
            || name.as_str().starts_with("proxy-")
            || name.as_str().starts_with("sec-")
        {
            return Err(format!("the header `{name}` is the host's to set"));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("the header `{name}` has a value that cannot be sent"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(body: Vec<u8>, compress: bool) -> (Bytes, bool) {
    if !compress || body.len() < COMPRESS_FROM {
        return (body.into(), false);
    }
    match zstd::bulk::compress(&body, COMPRESSION_LEVEL) {
        Ok(mut smaller) if smaller.len() < body.len() => {
            // The compressor made room for the worst case; this waits for its answer, beside others.
            smaller.shrink_to_fit();
            (smaller.into(), true)
        }
        // Memory ran out in the compressor, or the bytes do not get smaller: they go as they are.
        _ => (body.into(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<HeaderMap, String> {
        headers(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn p14_headers_that_the_host_owns_are_refused_in_any_case() {
        for name in [
            "authorization",
            "AUTHORIZATION",
            "Cookie",
            "DPoP",
            "Host",
            "Proxy-Authorization",
            "proxy-anything",
            "Content-Length",
        ] {
            assert!(with(name, "x").unwrap_err().contains("the host's to set"), "{name}");
        }
        for name in [
            "Transfer-Encoding",
            "Connection",
            "TE",
            "Upgrade",
            "Keep-Alive",
            "Trailer",
            "Expect",
            "X-Request-Id",
        ] {
            assert!(with(name, "x").is_err(), "{name}");
        }
        assert!(with("content-type", "text/plain").is_ok());
    }

    #[test]
    fn p14_a_header_cannot_smuggle_another() {
        assert!(with("x-a", "b\r\nauthorization: c").is_err());
        assert!(with("x-a\r\nauthorization", "b").is_err());
        assert!(with("authorization ", "b").is_err());
        assert!(with("", "b").is_err());
    }

    #[test]
    fn p15a_trace_and_connect_are_no_methods() {
        for name in ["TRACE", "CONNECT", "trace", "get", "GET ", "", "BREW"] {
            assert_eq!(method(name), None, "{name}");
        }
        for name in METHODS {
            assert!(method(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_body_is_compressed_where_that_helps() {
        assert!(body(vec![b'a'; 4096], true).1);
        assert!(!body(vec![b'a'; 4096], false).1);
        assert!(!body(vec![b'a'; 16], true).1);
        let noise: Vec<u8> = (0..1000u32).map(|i| (i.wrapping_mul(2654435761) >> 13) as u8).collect();
        let (sent, compressed) = body(noise.clone(), true);
        assert!(compressed || sent == noise);
    }
}
