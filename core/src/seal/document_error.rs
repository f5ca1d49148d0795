//! Why a key document is not believed, or cannot be changed.

use thiserror::Error;

use super::KeyId;
use crate::diagnostic::{Diagnostic, Kind};

/// Why a key document is not believed, or cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// More than a document may have.
    #[error("the account's key document is larger than it may be")]
    TooLarge,
    /// Written by a newer version.
    #[error("the account's key document has format {0}, this version reads 1")]
    Format(u32),
    /// A part of it is not what it has to be.
    #[error("the account's key document is not readable: {0}")]
    Form(&'static str),
    /// Of another account.
    #[error("the account is sealed by key {theirs}, this device holds key {ours}")]
    OtherKey {
        /// Held here.
        ours: KeyId,
        /// The document's.
        theirs: KeyId,
    },
    /// Of an epoch before the newest one that is known.
    #[error("the account's key document is of epoch {theirs}, this device has seen epoch {ours}")]
    EpochBehind {
        /// Seen here.
        ours: u32,
        /// The document's.
        theirs: u32,
    },
    /// The secret is no recipient's.
    #[error("the account's key is not wrapped for this secret")]
    NoRecipient,
    /// Not made by a holder of the account's key.
    #[error("the account's key document was not made by a holder of its key")]
    Changed,
    /// As many epochs, recipients or changes as an account may have.
    #[error("the account has as many recipients or epochs as it may have")]
    Full,
}

impl Diagnostic for DocumentError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::Form(_) => "E-KEY-006",
            Self::Format(_) => "E-KEY-007",
            Self::OtherKey { .. } => "E-KEY-008",
            Self::EpochBehind { .. } => "E-KEY-009",
            Self::NoRecipient => "E-KEY-010",
            Self::Changed => "E-KEY-011",
            Self::Full => "E-KEY-012",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoRecipient | Self::OtherKey { .. } => Kind::Auth,
            _ => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Format(_) => Some("update Orkee on this device".to_owned()),
            Self::NoRecipient => {
                Some("run `orkee cloud key recover` with the account's recovery phrase".to_owned())
            }
            Self::Full => Some(
                "take recipients that are no longer used away: `orkee cloud key rotate --without`".to_owned(),
            ),
            _ => None,
        }
    }
}
