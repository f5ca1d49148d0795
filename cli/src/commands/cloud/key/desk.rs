//! What a key command works with: the account's connection, the key that is on this device, and the key document that the account has.

use jiff::Timestamp;
use orkee_core::auth::Device;
use orkee_core::clock;
use orkee_core::plugin::PartError;
use orkee_core::seal::keys::Joiner;
use orkee_core::seal::keys::account::Put;
use orkee_core::seal::keys::{KeyError, KeyFile, Keys, Met, account, document_envelope};
use orkee_core::seal::{Document, Epochs};
use orkee_core::store::{Durability, Store};
use orkee_core::sync::provider::Stored;

use super::error::KeyCommandError;
use crate::commands::cloud::connection::Connection;
use crate::commands::cloud::surroundings::Cloud;
use crate::context::Context;
use crate::failure::Failure;

/// How often a change is made anew because another device was faster.
const TRIES: usize = 8;

/// What is to be done about the document that the account has; none: it has none.
pub(super) enum Turn<T> {
    /// Nothing.
    Done(T),
    /// This envelope is to take its place.
    Put(Vec<u8>, T),
}

/// How that ended, with what the last turn said.
pub(super) enum Set<T> {
    /// Nothing was to be done.
    Done(T),
    /// The account has this envelope now.
    Taken(T, Vec<u8>),
    /// The account does not take it.
    Refused(T, String),
}

/// A command at its account.
pub(crate) struct Desk<'a> {
    connection: &'a Connection<'a>,
    /// The key file of this account, whether it is there or not.
    pub(crate) file: KeyFile,
    remote: String,
    /// In a team: whose account brings the document.
    author: Option<String>,
}

impl<'a> Desk<'a> {
    /// Asks nobody but, where it is not known, whose account it is.
    pub(crate) async fn at(
        cx: &Context,
        cloud: &Cloud,
        connection: &'a Connection<'a>,
        remote: &str,
    ) -> Result<Self, Failure> {
        let file = KeyFile::of(cx.home()?, cloud.tenant.as_deref().unwrap_or_default(), remote);
        let author = match connection.membership() {
            Some(_) => connection.account().await?,
            None => None,
        };
        Ok(Self { connection, file, remote: remote.to_owned(), author })
    }

    /// The account's keys, as far as they are here.
    pub(crate) fn keys(&self) -> Result<Keys, Failure> {
        Ok(Keys::open(&self.file)?)
    }

    /// The key document that the account has.
    pub(crate) async fn fetch(&self) -> Result<Option<Stored>, Failure> {
        Ok(account::fetch(&self.connection.provider).await?)
    }

    /// Puts a document in the place of another; none: there must be none.
    pub(super) async fn put(&self, before: Option<&Stored>, envelope: &[u8]) -> Result<Put, Failure> {
        let guard = before.map(|stored| stored.revision.clone());
        Ok(account::put(&self.connection.provider, guard, envelope.to_vec()).await?)
    }

    /// The envelope in which this device brings a document.
    pub(super) fn envelope(&self, document: &Document) -> Vec<u8> {
        document_envelope(document, &Device::this().name, &now(), self.author.as_deref())
    }

    /// This device, as it is added to the account's key.
    pub(super) async fn joiner(&self) -> Result<Joiner, Failure> {
        let device = match self.connection.provider.devices().await {
            Ok(devices) => devices.into_iter().find(|device| device.current).map(|device| device.id),
            // Not every backend knows devices.
            Err(PartError::Absent(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Joiner { remote: self.remote.clone(), name: Device::this().name, device, at: now() })
    }

    /// Changes the document that the account has; anew where another device was faster. None: there is nothing to change.
    pub(crate) async fn change(
        &self,
        keys: &Keys,
        mut change: impl FnMut(&Document, &Epochs) -> Result<Option<Document>, Failure>,
    ) -> Result<Option<Document>, Failure> {
        keys.prove()?;
        let turn = async |there: Option<&Stored>| {
            let there = there.ok_or(KeyError::Gone)?;
            if let Met::Older(got) = keys.meet(&there.envelope)? {
                return Err(KeyError::RolledBack { have: keys.standing().number, got }.into());
            }
            let (document, epochs) = keys.document().zip(keys.epochs()).ok_or(KeyCommandError::NotHere)?;
            let own = keys.recipient()?;
            let document = match document.recipients().iter().any(|one| one.key == own) {
                true => document,
                false => keys.among(document, &self.joiner().await?)?,
            };
            Ok(match change(&document, &epochs)? {
                Some(next) => Turn::Put(self.envelope(&next), Some(next)),
                None => Turn::Done(None),
            })
        };
        match self.set(turn).await? {
            Set::Taken(next, envelope) => {
                keys.meet(&envelope)?;
                Ok(next)
            }
            Set::Done(next) => Ok(next),
            Set::Refused(_, why) => Err(KeyCommandError::NotTaken(why).into()),
        }
    }

    /// Gives the account the document that this device has: it was put back to an older state, or lost its own.
    pub(crate) async fn put_back(&self, keys: &Keys) -> Result<(), Failure> {
        let turn = async |there: Option<&Stored>| {
            if let Some(stored) = there
                && !matches!(keys.meet_put_back(&stored.envelope)?, Met::Older(_))
            {
                return Ok(Turn::Done(()));
            }
            Ok(match keys.document() {
                Some(document) => Turn::Put(self.envelope(&document), ()),
                None => Turn::Done(()),
            })
        };
        match self.set(turn).await? {
            Set::Done(()) | Set::Taken((), _) => Ok(()),
            Set::Refused((), why) => Err(KeyCommandError::NotTaken(why).into()),
        }
    }

    /// Puts a document in the place of what the account has, by what `turn` says to that; where another device was faster, `turn` is
    /// asked anew.
    pub(super) async fn set<T>(
        &self,
        mut turn: impl AsyncFnMut(Option<&Stored>) -> Result<Turn<T>, Failure>,
    ) -> Result<Set<T>, Failure> {
        let mut there = self.fetch().await?;
        for _ in 0..TRIES {
            let (envelope, then) = match turn(there.as_ref()).await? {
                Turn::Done(then) => return Ok(Set::Done(then)),
                Turn::Put(envelope, then) => (envelope, then),
            };
            match self.put(there.as_ref(), &envelope).await? {
                Put::Taken => return Ok(Set::Taken(then, envelope)),
                Put::Overtaken(now) => there = now,
                Put::Refused(why) => return Ok(Set::Refused(then, why)),
            }
        }
        Err(KeyCommandError::Contended.into())
    }

    /// All records have the form that the store counted them by: from now on no older one is accepted. What is to be sealed anew beyond
    /// that is left to the next sync.
    pub(crate) async fn end_change_over(&self, store: &mut Store, keys: &Keys) -> Result<(), Failure> {
        let floor = store.space_state()?.0.resealing.unwrap_or(0);
        if keys.standing().seals && floor > 0 {
            let raise = |document: &Document, epochs: &Epochs| {
                let is_due = document.seals() && document.floor() < floor;
                Ok(is_due.then(|| document.with_floor(epochs, floor)).transpose().map_err(KeyError::from)?)
            };
            self.change(keys, raise).await?;
        }
        if keys.reseal_to()?.is_some_and(|to| to <= floor) {
            keys.set_reseal_to(None)?;
        }
        store.write(Durability::Full, |tx| tx.end_reseal())?;
        Ok(())
    }
}

/// The epoch up to which this device is to seal anew what the other side still holds in another form; 0: all of it goes back to plain.
pub(crate) fn change_over(keys: &Keys) -> Result<Option<u32>, Failure> {
    let standing = keys.standing();
    let wanted = keys.reseal_to()?;
    Ok(match (standing.has_key, standing.seals) {
        (false, _) => None,
        (true, false) => wanted.filter(|epoch| *epoch == 0),
        // Whoever began it may be gone: any device that has the key ends it.
        (true, true) if standing.floor == 0 => Some(wanted.unwrap_or(1).clamp(1, standing.epoch)),
        (true, true) => wanted.filter(|epoch| (standing.floor + 1..=standing.epoch).contains(epoch)),
    })
}

fn now() -> String {
    clock::rfc3339(Timestamp::now())
}
