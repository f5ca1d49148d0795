//! How a sync fails. Whatever was applied before stays, and running it again goes on from there.

use thiserror::Error;

use super::provider::ProviderError;
use crate::diagnostic::{Diagnostic, Kind};
use crate::seal::keys::KeyError;
use crate::store::StoreError;

/// A sync did not come to its end.
#[derive(Debug, Error)]
pub enum SyncError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backend, or the way to it.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The account's keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The backend's answer is not one that its contract allows.
    #[error("the sync provider answered against its contract: {0}")]
    Protocol(String),
    /// The same, of a backend whose name is known.
    #[error("the provider `{provider}` answered against its contract: {what}")]
    Contract {
        /// Which provider.
        provider: String,
        /// What is wrong.
        what: String,
    },
    /// This store belongs to another account or backend.
    #[error("these projects were last synced with {was}, not with {now}")]
    OtherRemote {
        /// What it was synced with.
        was: String,
        /// What it was about to be synced with.
        now: String,
    },
    /// A listing says that very much is gone.
    #[error("{gone} of {total} projects are gone from the cloud; deleting them here needs a yes")]
    ManyGone {
        /// How many records would be deleted.
        gone: u64,
        /// How many there are.
        total: u64,
    },
    /// A listing of a sealed account does not show some, of which no member's deletion came.
    #[error(
        "{gone} of {total} projects are gone from the cloud, without a deletion that a holder of the key sealed; deleting them here needs a yes"
    )]
    Unsaid {
        /// How many records would be deleted.
        gone: u64,
        /// How many there are.
        total: u64,
    },
}

impl SyncError {
    /// Names the provider, where it is the provider's fault.
    pub(super) fn of(self, provider: &str) -> Self {
        match self {
            Self::Protocol(what) => Self::Contract { provider: provider.to_owned(), what },
            other => other,
        }
    }
}

impl Diagnostic for SyncError {
    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Provider(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Protocol(_) | Self::Contract { .. } => "E-SYNC-001",
            Self::OtherRemote { .. } => "E-SYNC-002",
            Self::ManyGone { .. } | Self::Unsaid { .. } => "E-SYNC-003",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Provider(error) => error.kind(),
            Self::Keys(error) => error.kind(),
            Self::Protocol(_) | Self::Contract { .. } => Kind::Network,
            Self::OtherRemote { .. } | Self::ManyGone { .. } | Self::Unsaid { .. } => Kind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Provider(error) => error.hint(),
            Self::Keys(error) => error.hint(),
            Self::Protocol(_) | Self::Contract { .. } => {
                Some("nothing is lost; update the provider, or tell its author".to_owned())
            }
            Self::OtherRemote { .. } => Some(
                "sign in to the former account, or run `orkee cloud sync --force` to compare and join the two".to_owned(),
            ),
            Self::ManyGone { .. } | Self::Unsaid { .. } => Some(
                "run `orkee cloud sync --force` to put them back into the cloud, or `orkee cloud restore --yes` to delete them here"
                    .to_owned(),
            ),
        }
    }

    fn request_id(&self) -> Option<&str> {
        match self {
            Self::Provider(error) => error.request_id(),
            _ => None,
        }
    }
}
