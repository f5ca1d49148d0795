//! One request and its reply: counted, capped, and read to the end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use reqwest::Request;

use super::client::{Http, Reach};
use super::error::NetError;
use super::origin::Origin;
use super::proof::{NEEDS_NONCE, NONCE, PROOF};
use crate::clock::{Clock, SystemClock};

/// What went over the wire, for the summary of a sync: bodies as sent, heads included, TLS excluded.
#[derive(Debug, Default)]
pub struct Traffic {
    round_trips: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    newest_id: Mutex<Option<String>>,
}

/// The log target of requests.
const LOG: &str = "orkee::cloud::api";

/// Names a request in the server's log.
const REQUEST_ID: &str = "x-request-id";

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficCount {
    /// Requests.
    pub round_trips: u64,
    /// Bytes sent.
    pub bytes_up: u64,
    /// Bytes received.
    pub bytes_down: u64,
}

impl Traffic {
    /// The counters now.
    pub fn count(&self) -> TrafficCount {
        TrafficCount {
            round_trips: self.round_trips.load(Relaxed),
            bytes_up: self.bytes_up.load(Relaxed),
            bytes_down: self.bytes_down.load(Relaxed),
        }
    }

    fn sent(&self, request: &Request, origin: &Origin, user_agent: &str) {
        let body = request.body().and_then(reqwest::Body::as_bytes).map_or(0, <[u8]>::len);
        let target = request.url()[url::Position::BeforePath..].len();
        let line = request.method().as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
        // These headers are written by the client below us.
        let host = "host: \r\n".len() + origin.authority().len();
        let length = if body > 0 { "content-length: \r\n".len() + body.to_string().len() } else { 0 };
        let agent = "user-agent: \r\n".len() + user_agent.len();
        let accept = if request.headers().contains_key(ACCEPT) { 0 } else { "accept: */*\r\n".len() };
        let head = line + host + length + agent + accept + header_bytes(request.headers());
        let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        *self.newest_id.lock().unwrap_or_else(PoisonError::into_inner) = id;
        self.round_trips.fetch_add(1, Relaxed);
        self.bytes_up.fetch_add((head + body) as u64, Relaxed);
    }

    fn received(&self, bytes: usize) {
        self.bytes_down.fetch_add(bytes as u64, Relaxed);
    }
}

/// What the log is told of a request: nothing of its headers or its body, and of its query only that there is one.
struct Told {
    method: String,
    url: String,
    request_id: String,
    bytes_up: usize,
}

impl Told {
    fn of(request: &Request) -> Self {
        let url = request.url();
        let query = if url.query().is_some() { "?…" } else { "" };
        Self {
            method: request.method().to_string(),
            url: format!("{}{}{query}", url.origin().ascii_serialization(), url.path()),
            request_id: text(request.headers(), REQUEST_ID).unwrap_or_default(),
            bytes_up: request.body().and_then(reqwest::Body::as_bytes).map_or(0, <[u8]>::len),
        }
    }

    fn answered(self, answer: &Result<Reply, NetError>, took: Duration) {
        let Self { method, url, request_id, bytes_up } = self;
        let ms = took.as_millis() as u64;
        match answer {
            Ok(Reply { status, headers, body }) => {
                let request_id = text(headers, REQUEST_ID).unwrap_or(request_id);
                let (status, bytes_down) = (status.as_u16(), body.len());
                tracing::trace!(target: LOG, method, url, status, ms, bytes_up, bytes_down, request_id, "answered");
            }
            Err(error) => {
                tracing::trace!(target: LOG, method, url, ms, bytes_up, request_id, %error, "not answered");
            }
        }
    }
}

/// A header that is text, without control characters, and not long.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.chars().filter(|c| !c.is_control()).take(100).collect())
}

/// The lines of the headers and the empty one after them.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum::<usize>() + 2
}

/// A reply, read to its end. The body is as it came over the wire.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, still encoded as `Content-Encoding` says.
    pub body: Bytes,
}

/// The newest nonce of each origin that proofs are sent to.
#[derive(Debug, Default)]
pub(super) struct Nonces(Mutex<HashMap<Origin, String>>);

/// Longer than any nonce.
const MAX_NONCE: usize = 512;

impl Nonces {
    pub(super) fn newest(&self, origin: &Origin) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned()
    }

    fn keep(&self, origin: &Origin, headers: &HeaderMap) {
        let nonce = headers.get(NONCE).and_then(|value| value.to_str().ok());
        if let Some(nonce) = nonce.filter(|nonce| (1..=MAX_NONCE).contains(&nonce.len())) {
            let mut nonces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            nonces.insert(origin.clone(), nonce.to_owned());
        }
    }
}

impl Reply {
    /// Whether the request has to be sent once more, with a nonce that is known by now.
    pub(crate) fn needs_nonce(&self) -> bool {
        let says_so = |value: &http::HeaderValue| value.to_str().is_ok_and(|text| text.contains(NEEDS_NONCE));
        self.status == StatusCode::UNAUTHORIZED
            && self.headers.contains_key(NONCE)
            && self.headers.get_all(WWW_AUTHENTICATE).iter().any(says_so)
    }
}

impl Http {
    /// What this process has sent and received.
    pub fn traffic(&self) -> TrafficCount {
        self.counters().count()
    }

    /// What the newest request was called, answered or not, for the audit trail.
    pub fn newest_request_id(&self) -> Option<String> {
        self.counters().newest_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sorts an error, and names the proxy where one stood in between.
    fn sort(&self, error: reqwest::Error, origin: &Origin) -> NetError {
        match NetError::sort(error, origin) {
            NetError::Unreachable { origin, source, .. } => {
                let proxy = self.proxy_before(&origin);
                NetError::Unreachable { origin, proxy, source }
            }
            error => error,
        }
    }

    /// Sends a request that was built with [`Http::client`] for `reach`, and reads a reply of at most `cap` bytes.
    pub async fn exchange(
        &self,
        origin: &Origin,
        reach: Reach,
        request: Request,
        cap: u64,
    ) -> Result<Reply, NetError> {
        // Nobody looks in almost every run.
        if !tracing::enabled!(target: LOG, tracing::Level::TRACE) {
            return self.send(origin, reach, request, cap).await;
        }
        let told = Told::of(&request);
        let started = Instant::now();
        let answered = self.send(origin, reach, request, cap).await;
        told.answered(&answered, started.elapsed());
        answered
    }

    async fn send(
        &self,
        origin: &Origin,
        reach: Reach,
        request: Request,
        cap: u64,
    ) -> Result<Reply, NetError> {
        Self::check_literal(origin, reach)?;
        let client = self.client(reach)?;
        let is_proven = request.headers().contains_key(PROOF);
        self.counters().sent(&request, origin, self.user_agent());
        let mut response = client.execute(request).await.map_err(|e| self.sort(e, origin))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if is_proven {
            self.nonces().keep(origin, &headers);
        }
        self.server_clock().note(&headers, SystemClock.now());
        let reason = status.canonical_reason().unwrap_or_default().len();
        self.counters().received("HTTP/1.1 200 \r\n".len() + reason + header_bytes(&headers));
        let too_large = || NetError::TooLarge { origin: origin.clone(), limit: cap };
        if response.content_length().is_some_and(|announced| announced > cap) {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0) as usize);
        while let Some(chunk) = response.chunk().await.map_err(|e| NetError::sort(e, origin))? {
            self.counters().received(chunk.len());
            if (body.len() + chunk.len()) as u64 > cap {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.into() })
    }
}
