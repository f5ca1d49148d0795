//! The practice backend's HTTP: a few requests, each bounded in size and time, and replies that say what the store decided.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::{Buf, Bytes};
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::store::{Head, Held, Listed, Position, Put};
use super::{MAX_PAGE, MAX_RECORD_BYTES, Shared, wait};

const MAX_CONNECTIONS: usize = 256;
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Of a body that is too large, what is still read, so that its sender gets to read the answer.
const MAX_READ: usize = 32 << 20;
/// The newest commit that the client knows, as `NUMBER.TAG`.
const KNOWN_HEAD: &str = "x-practice-head";

pub(super) type Reply = Response<Full<Bytes>>;
/// What is answered in the place of what was asked for.
pub(super) type Refusal = Box<Reply>;

/// Serves connections until the task is ended; they end with it.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: wait rather than spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            serve(stream, shared).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared, request).await.unwrap_or_else(|refused| *refused)) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(target: "orkee::kit", %error, "a connection to the practice backend ended");
    }
}

/// The reply; as an error where the request is not carried out.
async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Result<Reply, Refusal> {
    authorize(shared, request.headers())?;
    let (head, body) = request.into_parts();
    match (head.uri.path().split('/').collect::<Vec<_>>().as_slice(), &head.method) {
        (["", "changes"], &Method::GET) => {
            check_epoch(shared, &head.headers)?;
            changes(shared, head.uri.query().unwrap_or_default())
        }
        (["", "changes", "wait"], &Method::GET) => {
            check_epoch(shared, &head.headers)?;
            wait::wait(shared, head.uri.query().unwrap_or_default()).await
        }
        (["", "records", id], &Method::PUT) if is_id(id) => {
            let guard = guard(&head.headers)?;
            let envelope = envelope(&head.headers, body).await?;
            check_epoch(shared, &head.headers)?;
            let (shared, id) = (Arc::clone(shared), (*id).to_owned());
            // The disk is waited for elsewhere than where other requests are answered.
            let put = tokio::task::spawn_blocking(move || put(&shared, &id, guard.as_deref(), &envelope));
            put.await.unwrap_or_else(|_| Err(error(StatusCode::INTERNAL_SERVER_ERROR, "internal")))
        }
        (["", "records", _], &Method::PUT) => Err(error(StatusCode::BAD_REQUEST, "bad-id")),
        (["", "changes"] | ["", "changes", "wait"] | ["", "records", _], _) => {
            Err(error(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"))
        }
        _ => Err(error(StatusCode::NOT_FOUND, "not-found")),
    }
}

fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(token) = &shared.token else {
        return Ok(());
    };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if given.is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into()) {
        return Ok(());
    }
    let mut refused = error(StatusCode::UNAUTHORIZED, "unauthorized");
    refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Err(refused)
}

/// The newest commit that the client knows must be one of this backend's.
fn check_epoch(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(known) = headers.get(KNOWN_HEAD) else {
        return Ok(());
    };
    let bad = || error(StatusCode::BAD_REQUEST, "bad-head");
    let (number, tag) = known.to_str().ok().and_then(|text| text.split_once('.')).ok_or_else(bad)?;
    let number = number.parse().map_err(|_| bad())?;
    match shared.kept().store.knows(number, tag) {
        true => Ok(()),
        false => Err(error(StatusCode::CONFLICT, "new-epoch")),
    }
}

#[derive(Serialize)]
struct Page<'a> {
    changes: Vec<Change<'a>>,
    position: String,
    more: bool,
    head: Head,
}

#[derive(Serialize)]
struct Change<'a> {
    id: &'a str,
    revision: &'a str,
    envelope: String,
}

fn changes(shared: &Shared, query: &str) -> Result<Reply, Refusal> {
    let (mut after, mut limit) = (None, MAX_PAGE);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "after" => {
                let position = Position::parse(&value);
                after = Some(position.ok_or_else(|| error(StatusCode::BAD_REQUEST, "bad-position"))?);
            }
            "limit" => {
                let given = value.parse().ok().filter(|limit| *limit <= MAX_PAGE);
                limit = given.ok_or_else(|| error(StatusCode::BAD_REQUEST, "bad-limit"))?;
            }
            _ => return Err(error(StatusCode::BAD_REQUEST, "bad-parameter")),
        }
    }
    let (listed, head) = {
        let kept = shared.kept();
        (kept.store.list(after, limit as usize), kept.store.head())
    };
    let (changes, position, more) = match listed {
        Listed::Page { changes, position, more } => (changes, position.text(), more),
        Listed::Expired => return Err(error(StatusCode::GONE, "expired")),
        Listed::NewEpoch => return Err(error(StatusCode::CONFLICT, "new-epoch")),
    };
    let changes = changes.iter().map(|(id, held)| Change {
        id,
        revision: held.revision(),
        envelope: BASE64_STANDARD.encode(&held.envelope),
    });
    Ok(json(StatusCode::OK, &Page { changes: changes.collect(), position, more, head }))
}

#[derive(Serialize)]
struct Stored {
    revision: String,
    position: String,
    head: Head,
}

fn put(shared: &Shared, id: &str, guard: Option<&str>, envelope: &[u8]) -> Result<Reply, Refusal> {
    if envelope.len() > MAX_RECORD_BYTES {
        return Err(error(StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    }
    let put = shared.kept().put(id, guard, envelope);
    match put {
        Ok(Put::Stored { revision, head }) => {
            shared.changed.notify_waiters();
            Ok(json(StatusCode::OK, &Stored { revision, position: head.number.to_string(), head }))
        }
        Ok(Put::Mismatch(held)) => Err(mismatch(held)),
        Ok(Put::Refused) => Err(error(StatusCode::UNPROCESSABLE_ENTITY, "invalid")),
        Err(failed) => {
            tracing::error!(target: "orkee::kit", error = %failed, "nothing was stored");
            Err(error(StatusCode::INTERNAL_SERVER_ERROR, "storage"))
        }
    }
}

/// What is held instead: as the body, its revision as the tag.
fn mismatch(held: Option<Held>) -> Refusal {
    let mut reply = Response::new(Full::new(Bytes::new()));
    *reply.status_mut() = StatusCode::PRECONDITION_FAILED;
    if let Some(held) = held {
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", held.revision())) {
            reply.headers_mut().insert(ETAG, tag);
        }
        let kind = HeaderValue::from_static("application/octet-stream");
        reply.headers_mut().insert(CONTENT_TYPE, kind);
        *reply.body_mut() = Full::new(held.envelope);
    }
    Box::new(reply)
}

/// `If-Match: "REVISION"`, or `If-None-Match: *`; a write without either is not carried out.
fn guard(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let one = |name| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(error(StatusCode::BAD_REQUEST, "bad-condition")),
        }
    };
    match (one(IF_MATCH)?, one(IF_NONE_MATCH)?) {
        (None, Some(any)) if any == "*" => Ok(None),
        (Some(tag), None) => {
            let revision = tag.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
            let revision = revision.filter(|revision| !revision.contains('"'));
            revision
                .map(|r| Some(r.to_owned()))
                .ok_or_else(|| error(StatusCode::BAD_REQUEST, "bad-condition"))
        }
        (None, None) => Err(error(StatusCode::PRECONDITION_REQUIRED, "condition-required")),
        _ => Err(error(StatusCode::BAD_REQUEST, "bad-condition")),
    }
}

/// The body, decompressed. Of one that is too large only that much.
async fn envelope(headers: &HeaderMap, body: Incoming) -> Result<Vec<u8>, Refusal> {
    let sent = tokio::time::timeout(BODY_WITHIN, collect(body)).await;
    let sent = sent.map_err(|_| error(StatusCode::REQUEST_TIMEOUT, "timeout"))?;
    let sent = sent.ok_or_else(|| error(StatusCode::BAD_REQUEST, "bad-body"))?;
    match headers.get(CONTENT_ENCODING) {
        None => Ok(sent),
        Some(encoding) if encoding == "zstd" => inflate(&sent),
        Some(_) => Err(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-encoding")),
    }
}

async fn collect(mut body: Incoming) -> Option<Vec<u8>> {
    let (mut kept, mut read) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            read += data.len();
            let room = (MAX_RECORD_BYTES + 1).saturating_sub(kept.len());
            kept.extend_from_slice(&data.chunk()[..data.len().min(room)]);
        }
        if read > MAX_READ {
            return None;
        }
    }
    Some(kept)
}

fn inflate(sent: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut envelope = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(sent);
    let read = decoder.and_then(|decoder| {
        let mut bounded = std::io::Read::take(decoder, MAX_RECORD_BYTES as u64 + 1);
        std::io::Read::read_to_end(&mut bounded, &mut envelope)
    });
    match read {
        Ok(_) => Ok(envelope),
        Err(_) => Err(error(StatusCode::BAD_REQUEST, "bad-body")),
    }
}

/// Eight characters of 0-9A-Za-z.
fn is_id(id: &str) -> bool {
    id.len() == 8 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[derive(Serialize)]
struct Refused {
    error: &'static str,
}

pub(super) fn error(status: StatusCode, code: &'static str) -> Refusal {
    Box::new(json(status, &Refused { error: code }))
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
