//! Why a key file cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::store::StoreError;

/// What is wrong with the text of a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Damage {
    /// Its end is missing.
    #[error("it is cut off")]
    CutOff,
    /// Something changed it.
    #[error("its checksum does not fit: it was changed, or the disk damaged it")]
    Checksum,
    /// Written by a newer version.
    #[error("it has format {0}, this version reads 1")]
    Format(i64),
    /// The checksum fits, and what is in it makes no sense.
    #[error("it does not have the form of a key file")]
    Form,
    /// Its keys are not those that its account's document was written with: they came from another file.
    #[error("its keys are not those of its account")]
    Keys,
}

/// A key file cannot be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// Somebody else may have read or made it: a link, another owner, a folder that others write.
    #[error("the key file {} is not used: {why}", path.display())]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// Others can read it.
    #[error("other users can read the key file {} (mode {mode:03o})", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Its text.
    #[error("the key file {} cannot be read: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
    /// It could not be written.
    #[error("the key file {} cannot be written", path.display())]
    NotKept {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process changes it, and does not end.
    #[error("another process has the key file {} locked", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The secrets are in the keyring, and it cannot be used.
    #[error("the account's key is in the keyring of the operating system, which cannot be used: {why}")]
    Keyring {
        /// In words.
        why: String,
    },
    /// They are there no more.
    #[error("the keyring of the operating system has lost the account's key")]
    EntryGone,
    /// Secrets are sealed with the fields that this device has locked, or are to be.
    #[error("keys are locked on this device, and the lock key is not at hand")]
    Locked,
    /// They are sealed under a lock that there is no more: the database is another than when it was put on.
    #[error("the key file {} is sealed under a lock that is not on this device any more", path.display())]
    LockGone {
        /// The file.
        path: PathBuf,
    },
    /// Whether they are could not be found out.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Diagnostic for KeyFileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unsafe { .. } => "E-KEY-030",
            Self::Mode { .. } => "E-KEY-031",
            Self::Damaged { .. } => "E-KEY-032",
            Self::NotKept { .. } => "E-KEY-033",
            Self::Busy { .. } => "E-KEY-034",
            Self::Keyring { .. } | Self::EntryGone => "E-KEY-035",
            Self::Locked => "E-KEY-036",
            Self::LockGone { .. } => "E-KEY-037",
            Self::Store(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotKept { .. } => Kind::Failed,
            Self::Busy { .. } => Kind::Timeout,
            Self::Locked => Kind::Auth,
            Self::Store(error) => error.kind(),
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let away = |path: &PathBuf| {
            format!(
                "move {} away, then run `orkee cloud key recover` with your recovery phrase; nothing was sent",
                path.display()
            )
        };
        Some(match self {
            Self::Unsafe { path, .. } => away(path),
            Self::Damaged { damage: Damage::Format(_), .. } => "update Orkee on this device".to_owned(),
            Self::Damaged { path, .. } => away(path),
            Self::Mode { path, .. } => format!(
                "run `chmod 600 {}`; if somebody may have read it, then `orkee cloud key rotate`",
                path.display()
            ),
            Self::NotKept { .. } => {
                "make room on the disk, or let the folder be written, and run the command again; nothing was changed"
                    .to_owned()
            }
            Self::Busy { .. } => "wait for it to end, then run the command again".to_owned(),
            Self::Keyring { .. } => {
                "unlock the keyring, or see that one runs and `orkee-keyring` is installed".to_owned()
            }
            Self::EntryGone => {
                "remove the key file, then run `orkee cloud key recover` with your recovery phrase".to_owned()
            }
            Self::Locked => "run `orkee cloud key unlock`".to_owned(),
            Self::LockGone { .. } => {
                "run `orkee cloud key recover` with your recovery phrase, which replaces it; nothing was sent".to_owned()
            }
            Self::Store(error) => return error.hint(),
        })
    }
}
