//! Errors of the API: a status and `{"error": {code, message, limit?, request_id}}`.
//!
//! A handler's error travels in the reply's extensions; `observe` writes the body, since it knows the request's id.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orkee_wire::{ErrorBody, ErrorDetail};

use crate::storage::StorageError;

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    limit: Option<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    /// An error with a stable code and a sentence.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), limit: None, headers: Vec::new() }
    }

    /// The request is not of the form that the API takes.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", message)
    }

    /// There is no such thing, or not for this account.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// More than the server takes.
    pub(crate) fn too_large(message: impl Into<String>, limit: u64) -> Self {
        Self { limit: Some(limit), ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message) }
    }

    /// Asked too often.
    pub(crate) fn rate_limited(message: impl Into<String>, limit: u64, retry_after: u64) -> Self {
        let error =
            Self { limit: Some(limit), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", message) };
        error.with_header(header::RETRY_AFTER, HeaderValue::from(retry_after))
    }

    /// No token, or not a good one; `challenge` is what `WWW-Authenticate` says (RFC 6750).
    pub(crate) fn unauthorized(message: impl Into<String>, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// The server failed; the cause is in its log.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut causes = vec![cause.to_string()];
        let mut next = cause.source();
        while let Some(source) = next {
            causes.push(source.to_string());
            next = source.source();
        }
        tracing::error!(cause = causes.join(": "), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log says why")
    }

    /// With one more header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The body, for the request with this id.
    pub(crate) fn body(self, request_id: &str) -> ErrorBody {
        ErrorBody {
            error: ErrorDetail {
                code: self.code.to_owned(),
                message: self.message,
                limit: self.limit,
                request_id: Some(request_id.to_owned()),
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Event(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}
