//! AWS Signature Version 4: what signs a request for S3 and for whatever else speaks as Amazon does.
//!
//! Signed are the method, the address, the body, and all headers that the plugin set; not those that a proxy on the way may change. The
//! secret key does not leave this module: a signature is good for its request alone, and for a quarter of an hour.

use std::collections::BTreeMap;

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::hmac;
use sha2::{Digest, Sha256};
use url::Url;

use crate::net::Secret;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request as it will be sent.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// What a signature is for.
pub(super) struct Scope<'a> {
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) at: Timestamp,
}

/// The headers that the request has to be sent with, in the place of its own of these names. None if the secret is not `ID:SECRET`, or something in
/// it cannot be sent.
pub(super) fn sign(request: &Unsigned<'_>, scope: &Scope<'_>, secret: &Secret) -> Option<HeaderMap> {
    let (id, key) = secret.expose().split_once(':')?;
    let sha256 = hex::encode(Sha256::digest(request.body));
    let mut added = HeaderMap::new();
    added.insert(DATE, HeaderValue::from_str(&scope.moment()).ok()?);
    added.insert(CONTENT_SHA256, HeaderValue::from_str(&sha256).ok()?);
    let own = request.headers.iter().filter(|(name, _)| !added.contains_key(*name));
    let mut headers = canonical_headers(own.chain(&added))?;
    headers.insert(HOST.as_str(), host(request.url)?);
    let authorization = scope.authorization(id, key, request, &headers, &sha256);
    let mut authorization = HeaderValue::from_str(&authorization).ok()?;
    authorization.set_sensitive(true);
    added.insert(AUTHORIZATION, authorization);
    Some(added)
}

type Headers<'a> = BTreeMap<&'a str, String>;

impl Scope<'_> {
    fn moment(&self) -> String {
        self.at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// The value of `Authorization`.
    fn authorization(
        &self,
        id: &str,
        key: &str,
        request: &Unsigned<'_>,
        headers: &Headers<'_>,
        sha256: &str,
    ) -> String {
        let moment = self.moment();
        let date = moment.get(..8).unwrap_or_default();
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let names = headers.keys().copied().collect::<Vec<_>>().join(";");
        let canonical = hex::encode(Sha256::digest(self.canonical(request, headers, &names, sha256)));
        let to_sign = format!("{ALGORITHM}\n{moment}\n{scope}\n{canonical}");
        let start = Secret::new(format!("AWS4{key}"));
        let key = [date, self.region, self.service, "aws4_request"]
            .into_iter()
            .fold(hmac::Key::new(hmac::HMAC_SHA256, start.expose().as_bytes()), |key, part| {
                hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
            });
        let signature = hex::encode(hmac::sign(&key, to_sign.as_bytes()));
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    /// The canonical request.
    fn canonical(&self, request: &Unsigned<'_>, headers: &Headers<'_>, names: &str, sha256: &str) -> String {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let path = match self.service {
            "s3" => canonical_path(request.url.path()),
            // Everyone but S3 takes the path of the request line for its plain form.
            _ => canonical_path(&canonical_path(request.url.path()).replace('%', "%25")),
        };
        let query = canonical_query(request.url.query().unwrap_or_default());
        format!("{}\n{path}\n{query}\n{lines}\n{names}\n{sha256}", request.method)
    }
}

/// Values of one name joined, outer spaces cut, inner ones reduced to one. None for what is no text.
fn canonical_headers<'a>(
    headers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) -> Option<Headers<'a>> {
    let mut canonical = Headers::new();
    for (name, value) in headers {
        let value = value.to_str().ok()?.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        canonical
            .entry(name.as_str())
            .and_modify(|values: &mut String| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    Some(canonical)
}

/// The header that the HTTP client sends.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn canonical_path(path: &str) -> String {
    path.split('/').map(canonical_part).collect::<Vec<_>>().join("/")
}

fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (canonical_part(name), canonical_part(value))
        })
        .collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Percent-encoded throughout, however it is in the URL: the server takes it apart and does the same.
fn canonical_part(part: &str) -> String {
    let mut canonical = String::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [byte, after @ ..] = rest {
        let (byte, after) = match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', &rest[1..]),
            },
            _ => (*byte, after),
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            canonical.push(char::from(byte));
        } else {
            canonical.push_str(&format!("%{byte:02X}"));
        }
        rest = after;
    }
    canonical
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
