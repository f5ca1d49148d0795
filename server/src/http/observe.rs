//! Around every request: its id, the headers that every reply has, the bodies of errors, one line in the log.
//!
//! The line names the path without its query, which may hold a code or a state.

use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::ApiError;
use super::waits::WAIT;
use orkee_core::id;

/// Names the request, in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_ID_LEN: usize = 64;

/// Replies that say nothing else may load nothing and be framed by nobody.
const STRICT: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The id of a request, for those who handle it.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// The middleware.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let body = serde_json::to_vec(&error.body(&id)).unwrap_or_default();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() =
            if method == axum::http::Method::HEAD { Body::empty() } else { Body::from(body) };
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(STRICT);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis() as u64);
    // Of those who wait, one is told of each minute, which says nothing.
    if path == WAIT && status == 200 {
        tracing::debug!(request_id = id, %method, path, status, ms, "answered");
    } else {
        tracing::info!(request_id = id, %method, path, status, ms, "answered");
    }
    response
}

/// The id that the client gave the request, if it is one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=MAX_ID_LEN).contains(&id.len()))
        .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'))
        .map_or_else(|| format!("req_{}", id::random(16)), str::to_owned)
}
