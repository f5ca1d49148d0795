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
#[cfg(feature = "auth")]
mod locked;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use thiserror::Error;

#[cfg(feature = "auth")]
pub use disk::{Keeping, KeyFile};
pub use error::{Damage, KeyFileError};
pub use export::{ExportError, Exported};
pub use fresh::{Fresh, Joiner, read};
pub use held::document_envelope;

use self::held::{Forks, Held};
use self::keep::{Keep, State};
use super::epochs::MAX_EPOCHS;
use super::{Document, DocumentError, Epochs, Phrase, Recipient, RecipientKey, SealError};
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

/// The keys of one space on this device. What is kept elsewhere is read once; a change reads it again.
#[derive(Debug, Default)]
pub struct Keys {
    held: RwLock<Option<Held>>,
    keep: Option<Box<dyn Keep>>,
}

impl Keys {
    /// No keys: what is written is plain, and what is sealed cannot be read.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of a key file; none where there is none.
    #[cfg(feature = "auth")]
    pub fn open(file: &KeyFile) -> Result<Self, KeyError> {
        match file.read()? {
            None => Ok(Self::none()),
            Some(content) if !file.is_of(&content) => Err(KeyError::OtherKey),
            Some(content) => {
                let state = file.state(content)?;
                // Secrets can be moved from one file to another: nothing is ever sealed under another account's key.
                let document = Document::parse(&state.document)?;
                if document.follow(&state.secrets.epochs, None).is_err() {
                    return Err(KeyFileError::Damaged { path: file.path(), damage: Damage::Keys }.into());
                }
                let held = Held::of(&state)?;
                Ok(Self { held: RwLock::new(held), keep: Some(Box::new(disk::OnDisk(file.clone()))) })
            }
        }
    }

    fn kept_by(keep: Box<dyn Keep>) -> Result<Self, KeyError> {
        let keys = Self { held: RwLock::default(), keep: Some(keep) };
        keys.change(|_| Ok(false))?;
        Ok(keys)
    }

    /// How the account is sealed, as far as this device knows.
    pub fn standing(&self) -> Standing {
        self.held().as_ref().map(Held::standing).unwrap_or_default()
    }

    /// A key document arrived, in its envelope. One that is newer and ours is adopted, and on disk before this returns.
    pub fn meet(&self, envelope: &[u8]) -> Result<Met, KeyError> {
        self.meet_one(envelope, Forks::Refused)
    }

    /// The same, of an account that says that it was put back, or where a person does. What it has counts then, though it be another
    /// document of the number that was adopted.
    pub fn meet_put_back(&self, envelope: &[u8]) -> Result<Met, KeyError> {
        self.meet_one(envelope, Forks::Followed)
    }

    /// What meeting it would come to. Nothing is adopted: that is for who holds the lock of syncs, which go by what they know.
    pub fn compare(&self, envelope: &[u8]) -> Result<Met, KeyError> {
        let payload = held::payload(envelope)?;
        let mut met = Met::Same;
        let keep = self.keep.as_ref().ok_or(KeyError::Missing)?;
        keep.change(&mut |state| {
            met = state.clone().meet(payload, Forks::Refused)?.0;
            Ok(false)
        })?;
        Ok(met)
    }

    fn meet_one(&self, envelope: &[u8], forks: Forks) -> Result<Met, KeyError> {
        let payload = held::payload(envelope)?;
        if self.keep.is_none() {
            let document = Document::parse(payload)?;
            return if document.seals() { Err(held::sealed_by(&document)) } else { Ok(Met::Same) };
        }
        let is_known = |held: &Held| held.document.bytes() == payload;
        if self.held().as_ref().is_some_and(is_known) {
            return Ok(Met::Same);
        }
        let mut met = Met::Same;
        self.change(|state| {
            let (outcome, changed) = state.meet(payload, forks)?;
            met = outcome;
            Ok(changed)
        })?;
        Ok(met)
    }

    /// The envelope of a version in the form in which it leaves now, and the epoch of that form.
    pub fn write(
        &self,
        id: ProjectId,
        version: &RawVersion,
        author: Option<&str>,
    ) -> Result<(Vec<u8>, u32), SealError> {
        match self.held().as_ref().filter(|held| held.document.seals()) {
            Some(held) => held.seal(id, version, author),
            // A device's name and a time always have a JSON form.
            None => Ok((envelope::write(version, author).unwrap_or_default(), 0)),
        }
    }

    /// Reads an envelope that arrived as a version of `id`, whatever its form.
    pub(crate) fn read(&self, id: ProjectId, envelope: &[u8]) -> Result<Opened, Unreadable> {
        form::read(self.held().as_ref(), id, envelope)
    }

    /// The newest document that was adopted.
    pub fn document(&self) -> Option<Document> {
        self.held().as_ref().map(|held| held.document.clone())
    }

    /// The account's keys.
    pub fn epochs(&self) -> Option<Epochs> {
        self.held().as_ref().map(|held| held.epochs.clone())
    }

    /// Whether a later document may bring the key of this epoch. That of a higher one than an account can have comes with none.
    pub(crate) fn may_yet_have(&self, epoch: u32) -> bool {
        let newest = self.held().as_ref().map_or(0, |held| held.epochs.current().0);
        epoch > newest && usize::try_from(epoch).is_ok_and(|epoch| epoch <= MAX_EPOCHS)
    }

    /// Whether a key was made here that the account may not have yet.
    pub fn is_unconfirmed(&self) -> bool {
        self.keep.is_some() && self.held().is_none()
    }

    /// The first document of a key that was made here.
    pub fn made(&self) -> Result<Document, KeyError> {
        Ok(Document::parse(&self.change(|_| Ok(false))?.document)?)
    }

    /// This device, as a recipient.
    pub fn recipient(&self) -> Result<RecipientKey, KeyError> {
        Ok(self.change(|_| Ok(false))?.secrets.device.key())
    }

    /// The account's document with this device among its recipients, which a command that was broken off, or an account that was put
    /// back, may have left out. Who holds the key, and is given no next one, would lock itself out with the next epoch.
    pub fn among(&self, document: Document, by: &Joiner) -> Result<Document, KeyError> {
        let device = self.change(|_| Ok(false))?.secrets.device;
        let Some(epochs) = self.epochs() else { return Ok(document) };
        if document.recipients().iter().any(|one| one.key == device.key()) {
            return Ok(document);
        }
        let recipient = Recipient::device(&epochs, &device, &by.name, by.device.as_deref(), &by.at);
        Ok(document.with_recipient(&epochs, recipient)?)
    }

    /// Writes what is kept anew. Where there is no room to, that is known before the account is told of a change.
    pub fn prove(&self) -> Result<(), KeyError> {
        self.change(|_| Ok(true))?;
        Ok(())
    }

    /// The epoch up to which this device seals everything anew; 0: it takes all of it back to plain.
    pub fn reseal_to(&self) -> Result<Option<u32>, KeyError> {
        if self.keep.is_none() {
            return Ok(None);
        }
        Ok(self.change(|_| Ok(false))?.reseal_to)
    }

    /// Sets it.
    pub fn set_reseal_to(&self, epoch: Option<u32>) -> Result<(), KeyError> {
        self.change(|state| {
            let changes = state.reseal_to != epoch;
            state.reseal_to = epoch;
            Ok(changes)
        })?;
        Ok(())
    }

    /// The recovery phrase that was made here, until it was shown. One that the account never took opens nothing, and is none.
    pub fn phrase(&self) -> Result<Option<Phrase>, KeyError> {
        let state = self.change(|_| Ok(false))?;
        let document = Document::parse(&state.document)?;
        let is_taken = |phrase: &Phrase| {
            let key = phrase.recipient().key();
            state.is_confirmed && document.recipients().iter().any(|one| one.key == key)
        };
        Ok(state.secrets.phrase.filter(is_taken))
    }

    /// Keeps one that is to be shown, or forgets it.
    pub fn set_phrase(&self, phrase: Option<&Phrase>) -> Result<(), KeyError> {
        self.change(|state| {
            let changes = state.secrets.phrase.as_ref() != phrase;
            state.secrets.phrase = phrase.cloned();
            Ok(changes)
        })?;
        Ok(())
    }

    /// Changes what is kept, as it is now: another process may have changed it since. What is held follows.
    fn change(
        &self,
        mut change: impl FnMut(&mut State) -> Result<bool, KeyError>,
    ) -> Result<State, KeyError> {
        let keep = self.keep.as_ref().ok_or(KeyError::Missing)?;
        let state = keep.change(&mut change)?;
        let held = Held::of(&state)?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(state)
    }

    fn held(&self) -> RwLockReadGuard<'_, Option<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
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
    #[error("the account is sealed, and its key is not on this device")]
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
    /// The other side holds another key document of the number that this device has seen.
    #[error(
        "the cloud shows another key document {number} than this device has seen: it may have been put back"
    )]
    Forked {
        /// The number of both.
        number: u64,
    },
    /// The other side has no key document any more.
    #[error("the cloud has lost the account's key document, or withholds it")]
    Gone,
    /// The key document was not written by a holder of the account's key, or it never came to stand.
    #[error("the account's key document was not written by a holder of its key who knew the one before it")]
    Tampered,
    /// Nobody can tell what the document says.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Where the keys are kept.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The account is plain, or went back to it, and nothing may be sent to it so.
    #[error("the account is not sealed, and its tenant's policy requires end-to-end encryption")]
    MustSeal,
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
            Self::MustSeal => "E-KEY-027",
            Self::Forked { .. } => "E-KEY-028",
            Self::Document(error) => error.code(),
            Self::File(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::AccountSealed { .. } | Self::Missing | Self::Removed | Self::MustSeal => Kind::Auth,
            Self::OtherKey | Self::RolledBack { .. } | Self::Forked { .. } | Self::Gone | Self::Tampered => {
                Kind::Conflict
            }
            Self::Document(error) => error.kind(),
            Self::File(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::AccountSealed { .. } | Self::Missing | Self::Removed | Self::OtherKey => {
                "run `orkee cloud key recover` with the account's recovery phrase; nothing was sent"
                    .to_owned()
            }
            Self::RolledBack { .. } | Self::Forked { .. } | Self::Gone => {
                "nothing was changed; if the cloud was put back on purpose, run `orkee cloud sync --force` on a device that has the key"
                    .to_owned()
            }
            Self::MustSeal => "nothing was sent; `orkee cloud key init` seals it".to_owned(),
            Self::Tampered => {
                "nothing was changed; tell who runs the cloud. If an earlier Orkee sealed the account anew, `orkee cloud key recover` believes it"
                    .to_owned()
            }
            Self::Document(error) => return error.hint(),
            Self::File(error) => return error.hint(),
        })
    }
}
