//! From what went wrong to what the host is told.

use crate::contract::orkee::sync::http;
use crate::contract::orkee::sync::types::Failure;

impl From<http::Error> for Failure {
    /// The host knows why a request failed, and says it in its own words; only a missing sign-in is the provider's to report.
    fn from(error: http::Error) -> Self {
        match error {
            http::Error::AuthRequired(words) => Self::AuthRequired(words),
            http::Error::Denied(words)
            | http::Error::Invalid(words)
            | http::Error::Unreachable(words)
            | http::Error::Broken(words) => Self::Http(words),
            http::Error::Timeout => Self::Http("no answer in time".to_owned()),
            http::Error::TooLarge(limit) => Self::Http(format!("more than {limit} bytes")),
            http::Error::Withheld => Self::Http("the reply was withheld".to_owned()),
        }
    }
}
