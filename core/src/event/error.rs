//! What can go wrong with endpoints and deliveries, in kinds that a person can act on.

use thiserror::Error;

use super::filter::UnknownEvent;
use crate::diagnostic::{Diagnostic, Kind};
use crate::store::StoreError;

/// A failed operation on endpoints or deliveries. Nothing of it was written.
#[derive(Debug, Error)]
pub enum EventError {
    /// No event has this name.
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    /// No endpoint has this id or URL.
    #[error("there is no endpoint {query:?}")]
    NoEndpoint {
        /// What was asked for.
        query: String,
    },
    /// Several endpoints have this URL.
    #[error("{} endpoints have this URL: {}", ids.len(), ids.join(", "))]
    Ambiguous {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A secret is none that signs. It is not repeated.
    #[error("the secret cannot be used: {why}")]
    Secret {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Its secret was replaced a short time ago, and the old one still signs, too.
    #[error("the secret of {id} is being replaced until {until}")]
    Rotating {
        /// The endpoint.
        id: String,
        /// When the old one ends, RFC 3339.
        until: String,
    },
    /// There are as many endpoints as there may be.
    #[error("there are {most} endpoints, and no more are possible")]
    Many {
        /// How many there may be.
        most: u32,
    },
    /// No delivery has this id.
    #[error("there is no delivery {id:?} that could be sent again")]
    NoDelivery {
        /// The event's id.
        id: String,
    },
    /// More would be sent again than may be at once, or more would wait than may.
    #[error("that would be more than {most} deliveries at once")]
    TooMuch {
        /// How many there may be.
        most: u64,
    },
    /// A row makes no sense.
    #[error("what is stored of {what} is not readable")]
    Damaged {
        /// An endpoint or a delivery.
        what: String,
    },
    /// A database that is no device's store failed.
    #[error("the endpoints and deliveries cannot be read or written")]
    Ledger(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for EventError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Diagnostic for EventError {
    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::NoEndpoint { .. } => "E-HOOK-002",
            Self::Ambiguous { .. } => "E-HOOK-003",
            Self::Secret { .. } => "E-HOOK-004",
            Self::Rotating { .. } => "E-HOOK-005",
            Self::Many { .. } => "E-HOOK-006",
            Self::NoDelivery { .. } => "E-HOOK-007",
            Self::Damaged { .. } => "E-HOOK-008",
            Self::TooMuch { .. } => "E-HOOK-009",
            Self::Ledger(_) => "E-HOOK-060",
            Self::Store(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Event(error) => error.kind(),
            Self::NoEndpoint { .. }
            | Self::Ambiguous { .. }
            | Self::Secret { .. }
            | Self::NoDelivery { .. } => Kind::Usage,
            Self::Rotating { .. }
            | Self::Many { .. }
            | Self::TooMuch { .. }
            | Self::Damaged { .. }
            | Self::Ledger(_) => Kind::Failed,
            Self::Store(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Event(error) => return error.hint(),
            Self::NoEndpoint { .. } => "run `orkee cloud webhook list`",
            Self::Ambiguous { .. } => "name the one you mean by its id",
            Self::Secret { .. } => "it is `whsec_` and 24 to 64 bytes in base64, as the receiver has it",
            Self::Rotating { .. } => {
                "wait until then; or, without an overlap (`--overlap 0s`), every older secret ends at once"
            }
            Self::Many { .. } => "remove one that is not needed: `orkee cloud webhook remove ID`",
            Self::NoDelivery { .. } => {
                "run `orkee cloud webhook deliveries`; an endpoint that is disabled or removed gets nothing"
            }
            Self::Damaged { .. } => "remove the endpoint and add it anew; other endpoints are not affected",
            Self::TooMuch { .. } => {
                "name fewer events, or one webhook alone with --to; if many wait already, let them be sent first"
            }
            Self::Ledger(_) => return None,
            Self::Store(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
