//! How locking and unlocking fail.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::seal::passphrase::StretchError;

/// The device was not locked or unlocked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Nowhere to keep the key while the device is unlocked.
    #[error("there is no XDG_RUNTIME_DIR to keep the lock key in while the projects are unlocked")]
    NoRuntime,
    /// It is not memory, or not this user's alone.
    #[error("the lock key cannot be kept in {}: {what}", path.display())]
    Runtime {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It cannot be read or written.
    #[error("the lock key cannot be kept in {}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It opens nothing.
    #[error("this {what} does not unlock the projects on this device")]
    DoesNotOpen {
        /// `passphrase` or `recovery phrase`.
        what: &'static str,
    },
    /// There is no account whose phrase could.
    #[error(
        "no recovery phrase unlocks the projects on this device: no account's key was here when it was locked"
    )]
    NoPhrase,
    /// The projects are not locked.
    #[error("nothing on this device is locked")]
    NotLocked,
    /// For whom the key is sealed cannot be read.
    #[error("for whom the lock key is sealed cannot be read")]
    Holders(#[source] serde_json::Error),
    /// The passphrase could not be stretched.
    #[error(transparent)]
    Stretch(#[from] StretchError),
    /// Sealing failed, which no size that is allowed leads to.
    #[error("the lock key could not be sealed")]
    Seal,
}

impl Diagnostic for LockError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoRuntime | Self::Runtime { .. } => "E-LOCK-002",
            Self::Io { .. } => "E-LOCK-003",
            Self::DoesNotOpen { .. } => "E-LOCK-004",
            Self::NoPhrase => "E-LOCK-005",
            Self::NotLocked => "E-LOCK-006",
            Self::Holders(_) | Self::Seal => "E-LOCK-007",
            Self::Stretch(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoRuntime | Self::Runtime { .. } | Self::NotLocked => Kind::Usage,
            Self::DoesNotOpen { .. } | Self::NoPhrase => Kind::Auth,
            Self::Io { .. } | Self::Holders(_) | Self::Seal => Kind::Failed,
            Self::Stretch(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRuntime => "log in through a session that has one (systemd makes it), or set it to a folder in memory that is \
                                yours alone, such as one in /dev/shm with mode 0700; the key is never written to a disk"
                .to_owned(),
            Self::Runtime { .. } => "make it a folder or file of yours with nobody else's rights, in memory (tmpfs), or remove it; \
                                     the key is never written to a disk"
                .to_owned(),
            Self::Io { .. } => "look at XDG_RUNTIME_DIR; nothing was changed".to_owned(),
            Self::DoesNotOpen { what: "passphrase" } => {
                "try again; forgotten: `orkee cloud key unlock --phrase`, with the recovery phrase of your account".to_owned()
            }
            Self::DoesNotOpen { .. } => "it has to be the phrase of an account whose key was on this device".to_owned(),
            Self::NoPhrase => "only the passphrase does; without it what is locked is lost here, and what was synced is in the cloud"
                .to_owned(),
            Self::NotLocked => "`orkee cloud key lock` locks the projects".to_owned(),
            Self::Holders(_) | Self::Seal => "bring a copy of the database back, or fetch your projects from the cloud into a new home"
                .to_owned(),
            Self::Stretch(error) => return error.hint(),
        })
    }
}
