//! One delivery's way out: the endpoint's own headers are attached to each request, and what the host saw of it is kept.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::transport::Transport;
use crate::id;
use crate::net::{Access, Answer, Courier, Letter, NetError, Origin, Redactor, Reply, Secret, SendFailure};
use crate::plugin::gateway::Hidden;

/// Names a request in the receiver's log and in ours.
const REQUEST_ID: &str = "x-request-id";
/// What stands where a secret stood.
const MASK: &[u8] = b"***";
/// A part of a header's value that is shorter is no secret by itself.
const MIN_PART: usize = 12;

/// What the requests of one delivery are sent with.
#[derive(Clone)]
pub(in crate::plugin) struct Errand {
    courier: Courier,
    access: Access,
    /// The endpoint's own, which its dispatcher does not see.
    headers: HeaderMap,
    /// Those headers' values. Receivers do repeat them, and the dispatcher gets the reply without.
    values: Arc<[Redactor]>,
    /// The keys. No receiver has a reason to repeat them, and the gateway withholds a reply that does.
    keys: Arc<[Redactor]>,
    deadline: Instant,
    seen: Arc<Mutex<Option<Transport>>>,
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Errand {
    /// All requests of the delivery end within `limit` from now. Headers that cannot be sent are left out: they were checked when
    /// the endpoint was added.
    pub(super) fn new(
        courier: Courier,
        access: Access,
        headers: &[(String, Secret)],
        keys: &Hidden,
        limit: Duration,
    ) -> Self {
        let own = headers.iter().filter_map(|(name, value)| {
            let mut header = HeaderValue::from_str(value.expose()).ok()?;
            header.set_sensitive(true);
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, header))
        });
        let own = own.collect();
        let values = headers.iter().flat_map(|(_, value)| sayings(value)).collect();
        let keys = keys.secrets().iter().map(Redactor::new).collect();
        let (deadline, seen) = (Instant::now() + limit, Arc::default());
        Self { courier, access, headers: own, values, keys, deadline, seen }
    }

    /// What the host saw of the last request.
    pub(super) fn seen(&self) -> Option<Transport> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request that was checked. What comes back is as it came over the wire, but for secrets of the endpoint's headers.
    pub(in crate::plugin) async fn send(
        &self,
        request: Request<'_>,
        origin: &Origin,
    ) -> Result<Reply, NetError> {
        let request_id = format!("hook_{}", id::random(16));
        let mut headers = request.headers.clone();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert(REQUEST_ID, value);
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        let deadline = self.deadline.min(Instant::now() + request.timeout);
        let Request { method, url, body, .. } = request;
        let letter = Letter { method: method.clone(), url: url.clone(), headers, body: body.clone() };
        let sent = self.courier.send(&self.access, letter, deadline).await;
        let seen =
            Transport::of(&sent, request_id, |bytes| mask(&self.keys, mask(&self.values, bytes.to_vec())));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        match sent.outcome {
            Ok(answer) => Ok(self.reply(answer)),
            Err(failure) => Err(told(failure, origin)),
        }
    }

    fn reply(&self, answer: Answer) -> Reply {
        let Answer { status, mut headers, body, .. } = answer;
        // Nobody takes it apart, so nobody is told that it could be.
        headers.remove(CONTENT_ENCODING);
        for value in headers.values_mut() {
            if let Ok(masked) = HeaderValue::from_bytes(&mask(&self.values, value.as_bytes().to_vec())) {
                *value = masked;
            }
        }
        Reply { status, headers, body: mask(&self.values, body.into()).into() }
    }
}

/// A header's value, and those parts of it that are secrets by themselves: a token behind its scheme, a cookie behind its name.
fn sayings(value: &Secret) -> impl Iterator<Item = Redactor> {
    let parts = value.expose().split([' ', ';', ',', '=']).filter(|part| part.len() >= MIN_PART);
    let parts: Vec<Secret> = parts.map(Secret::new).collect();
    std::iter::once(value.clone()).chain(parts).chain(credentials(value)).map(|secret| Redactor::new(&secret))
}

/// What `Basic USER:PASSWORD` says once it is decoded, which a receiver may repeat: both together, and each by itself.
fn credentials(value: &Secret) -> Vec<Secret> {
    let Some((scheme, encoded)) = value.expose().split_once(' ') else { return Vec::new() };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Vec::new();
    }
    let Ok(decoded) = BASE64_STANDARD.decode(encoded.trim()) else { return Vec::new() };
    let pair = Secret::new(String::from_utf8_lossy(&decoded).into_owned());
    let halves = pair.expose().split_once(':').map(|(user, password)| [user, password].map(Secret::new));
    halves.into_iter().flatten().chain([pair.clone()]).collect()
}

/// Without these secrets.
fn mask(secrets: &[Redactor], bytes: Vec<u8>) -> Vec<u8> {
    secrets.iter().fold(bytes, |bytes, secret| secret.mask(bytes, MASK))
}

/// A request as the gateway has checked it.
pub(in crate::plugin) struct Request<'a> {
    pub(in crate::plugin) method: &'a Method,
    pub(in crate::plugin) url: &'a Url,
    pub(in crate::plugin) headers: &'a HeaderMap,
    pub(in crate::plugin) body: &'a bytes::Bytes,
    pub(in crate::plugin) timeout: Duration,
}

/// A failure in the words that all plugins hear.
fn told(failure: SendFailure, origin: &Origin) -> NetError {
    let origin = origin.clone();
    match failure {
        SendFailure::Blocked(blocked) => NetError::Blocked(blocked),
        SendFailure::Timeout { .. } => NetError::Timeout { origin },
        SendFailure::Tls(source) => NetError::Tls { origin, source },
        SendFailure::Dns(_) | SendFailure::Connect(_) | SendFailure::Proxy { .. } => {
            NetError::Unreachable { origin, proxy: None, source: failure.into() }
        }
        SendFailure::TooLarge { bytes, .. } => NetError::TooLarge { origin, limit: bytes as u64 },
        SendFailure::Client(source) => NetError::Client(source),
        SendFailure::Reset(_) | SendFailure::Protocol(_) => {
            NetError::Broken { origin, source: failure.into() }
        }
    }
}
