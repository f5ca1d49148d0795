//! The keys of one space on this device: how its account is sealed, as far as this device knows, and writing and reading versions
//! in that form.
//!
//! A session hands in each key document that it meets, before it applies anything that came with it, and learns whether to go on.

pub mod account;
mod content;
#[cfg(feature = "auth")]
mod disk;
mod error;
mod export;
mod form;
mod fresh;
mod held;
mod keep;
mod locked;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use thiserror::Error;

use super::SealError;
use crate::diagnostic::{Diagnostic, Kind};
use crate::project::ProjectId;
use crate::store::{RawVersion, Version};
use crate::sync::envelope::{self, Unreadable};

/// How an account is sealed, by the newest key document that this device has adopted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The document's number; 0: none was ever adopted.
    pub number: u64,
    /// Whether what is written is sealed.
    pub seals: bool,
    /// The epoch under which it is sealed.
    pub epoch: u32,
    /// The lowest epoch in which a record is accepted; 0: plain ones, too.
    pub floor: u32,
    /// Whether the account's key is here.
    pub has_key: bool,
}

impl Standing {
    /// The epoch of the form in which a version leaves now; 0 is plain.
    pub fn form(&self) -> u32 {
        if self.seals { self.epoch } else { 0 }
    }

    /// Whether a record may stay on the other side in the form of this epoch.
    pub fn is_fit(&self, epoch: u32) -> bool {
        if self.seals { epoch >= self.floor } else { epoch == 0 }
    }
}

/// What meeting a key document came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It is the one that was adopted last, or one that asks nothing of a device without a key.
    Same,
    /// It is newer, and was adopted; that is on disk.
    Newer(Standing),
    /// It has this number, and is older than the one that was adopted last. Nothing changed.
    Older(u64),
}

/// A version that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// What it says.
    pub version: Version,
    /// The epoch under which it was sealed; 0: it is plain.
    pub epoch: u32,
    /// Why its form is not accepted any more. Then nothing of what it says may be taken over.
    pub refused: Option<SealError>,
}

/// The keys of one space on this device.
#[derive(Debug, Default)]
pub struct Keys {}

impl Keys {
    /// No keys: what is written is plain, and what is sealed cannot be read.
    pub fn none() -> Self {
        Self::default()
    }

    /// How the account is sealed, as far as this device knows.
    pub fn standing(&self) -> Standing {
        Standing::default()
    }

    /// A key document arrived, in its envelope. One that is newer and ours is adopted, and on disk before this returns.
    pub fn meet(&self, envelope: &[u8]) -> Result<Met, KeyError> {
        let head = orkee_wire::Envelope::parse(envelope).map_err(|_| KeyError::Tampered)?.head;
        Err(KeyError::AccountSealed { by: head.device, at: head.at })
    }

    /// The envelope of a version in the form in which it leaves now, and the epoch of that form.
    pub fn write(
        &self,
        _id: ProjectId,
        version: &RawVersion,
        author: Option<&str>,
    ) -> Result<(Vec<u8>, u32), SealError> {
        // A device's name and a time always have a JSON form.
        Ok((envelope::write(version, author).unwrap_or_default(), 0))
    }

    /// Reads an envelope that arrived as a version of `id`, whatever its form.
    pub(crate) fn read(&self, id: ProjectId, envelope: &[u8]) -> Result<Opened, Unreadable> {
        Ok(Opened { version: envelope::read(id, envelope)?, epoch: 0, refused: None })
    }
}

/// Why a sync cannot go on with the keys that are here.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The account is sealed, and its key was never here.
    #[error("the account is sealed since {at}, by {by}; its key is not on this device")]
    AccountSealed {
        /// The device that made the key.
        by: String,
        /// When.
        at: String,
    },
    /// The account is sealed, and its key is not here any more.
    #[error("the account is sealed, and its key is not on this device any more")]
    Missing,
    /// The key that is here is another account's.
    #[error("the key on this device is not the key of this account")]
    OtherKey,
    /// The other side holds an older key document than this device.
    #[error(
        "the cloud shows key document {got}, though this device has seen {have}: it may have been put back"
    )]
    RolledBack {
        /// The number of the one that was adopted here.
        have: u64,
        /// The number of the one that came.
        got: u64,
    },
    /// The other side has no key document any more.
    #[error("the cloud has lost the account's key document, or withholds it")]
    Gone,
    /// The key document was not written by a holder of the account's key.
    #[error("the account's key document was not written by a holder of its key")]
    Tampered,
    /// This device was taken off the account.
    #[error("this device was taken off the account: it was given no key of the new epoch")]
    Removed,
}

impl Diagnostic for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::AccountSealed { .. } => "E-KEY-020",
            Self::Missing => "E-KEY-026",
            Self::OtherKey => "E-KEY-021",
            Self::RolledBack { .. } => "E-KEY-022",
            Self::Gone => "E-KEY-023",
            Self::Tampered => "E-KEY-024",
            Self::Removed => "E-KEY-025",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::AccountSealed { .. } | Self::Missing | Self::Removed => Kind::Auth,
            Self::OtherKey | Self::RolledBack { .. } | Self::Gone | Self::Tampered => Kind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::AccountSealed { .. } | Self::Removed | Self::OtherKey => {
                "run `orkee cloud key recover` with the account's recovery phrase; nothing was sent"
                    .to_owned()
            }
            Self::RolledBack { .. } | Self::Gone => {
                "nothing was changed; if the cloud was put back on purpose, run `orkee cloud sync --force`"
                    .to_owned()
            }
            Self::Tampered => "nothing was changed; tell who runs the cloud".to_owned(),
        })
    }
}
