//! The body of every reply that is an error.

use serde::{Deserialize, Serialize};

/// `{"error": {…}}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, for programs and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Stable, kebab-case: `expired`, `new-epoch`, `too-large`, `rate-limited`, `invalid-request`, `unauthorized`, …
    pub code: String,
    /// For people.
    pub message: String,
    /// The limit that was met, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The request, for support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
