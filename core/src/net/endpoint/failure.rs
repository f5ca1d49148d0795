//! Why an endpoint got no request, or gave no reply that counts.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::net::error::{BlockedAddress, find};

type Cause = Box<dyn StdError + Send + Sync>;

/// What went wrong on the way to an endpoint and back. Names no URL, and no secret.
#[derive(Debug, Error)]
pub enum SendFailure {
    /// The name has no address, or nobody could be asked for it.
    #[error("its name cannot be resolved")]
    Dns(#[source] io::Error),
    /// It leads where no delivery goes.
    #[error("{0}")]
    Blocked(#[from] BlockedAddress),
    /// No connection.
    #[error("it takes no connection ({})", .0.kind())]
    Connect(#[source] io::Error),
    /// No connection through the proxy of the settings.
    #[error("the proxy makes no connection: {why}")]
    Proxy {
        /// What the proxy said, or did not say.
        why: String,
    },
    /// Its certificate is not trusted, or TLS failed otherwise.
    #[error("no secure connection: {0}")]
    Tls(#[source] Cause),
    /// Not done in time.
    #[error("{what} within {} s", after.as_secs_f64())]
    Timeout {
        /// What did not happen.
        what: &'static str,
        /// The deadline that passed.
        after: Duration,
    },
    /// The connection ended before the reply did.
    #[error("it broke off the connection")]
    Reset(#[source] Cause),
    /// A head beyond all measure.
    #[error("the head of its reply has more than {bytes} bytes, or more than {headers} headers")]
    TooLarge {
        /// The most bytes.
        bytes: usize,
        /// The most headers.
        headers: usize,
    },
    /// What came is no HTTP.
    #[error("it did not answer in HTTP")]
    Protocol(#[source] Cause),
    /// The client itself cannot be set up.
    #[error("the client cannot be set up")]
    Client(#[source] Cause),
}

impl SendFailure {
    /// Sorts what TCP and TLS say while a connection is made.
    pub(super) fn of_handshake(error: io::Error) -> Self {
        if let Some(tls) = find::<rustls::Error>(&error) {
            return Self::Tls(tls.clone().into());
        }
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Reset(error.into()),
            _ => Self::Tls(error.into()),
        }
    }

    /// Sorts what HTTP says of an exchange. `limits`: the most bytes and headers of a head.
    pub(super) fn of_exchange(error: hyper::Error, limits: (usize, usize)) -> Self {
        if let Some(tls) = find::<rustls::Error>(&error) {
            return Self::Tls(tls.clone().into());
        }
        if error.is_parse_too_large() {
            return Self::TooLarge { bytes: limits.0, headers: limits.1 };
        }
        if error.is_parse() {
            return Self::Protocol(error.into());
        }
        Self::Reset(error.into())
    }
}
