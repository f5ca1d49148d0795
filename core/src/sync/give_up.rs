//! Giving up a version that was set aside, which a person asks for. What the other side has cannot be read here, and may be all that there
//! is of it: nothing of that is taken over, so whoever can read it finds a version that does not contain it, and has it stand again.

use thiserror::Error;

use super::document::epoch_of;
use crate::diagnostic::{Diagnostic, Kind};
use crate::project::ProjectId;
use crate::seal::keys::{KeyError, Keys};
use crate::store::{Agreed, Ancestry, Durability, Store, StoreError, There, Tx, Version};

/// A version that was set aside and may be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The project, where a version of it can be read here: that one would take its place.
    pub name: Option<String>,
    /// Whether this device knows of the record at all.
    pub is_known: bool,
    /// Whether a request can name the record.
    pub is_named: bool,
}

/// What takes its place, with the next sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// What this device has of the project.
    Ours,
    /// A deletion.
    Deletion,
    /// Nothing: its id is none that a record can have, and it is forgotten here.
    Nothing,
}

/// Why a version is not given up.
#[derive(Debug, Error)]
pub enum GiveUpError {
    /// There is none.
    #[error("nothing that the cloud has of {0:?} is set aside")]
    NotAside(String),
    /// It need not be.
    #[error("what the cloud has of {0} can be read by now")]
    Readable(ProjectId),
    /// It is sealed under a newer key than any that is here: whoever is given that one may read it.
    #[error(
        "what the cloud has of {id:?} is sealed under epoch {epoch} of the account's key, which is not on this device yet"
    )]
    NewerKey {
        /// The record.
        id: String,
        /// The epoch, as it says.
        epoch: u32,
    },
    /// The key with which it may be read is not here.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Diagnostic for GiveUpError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAside(_) => "E-SYNC-007",
            Self::Readable(_) => "E-SYNC-008",
            Self::NewerKey { .. } => "E-SYNC-009",
            Self::Keys(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NotAside(_) => Kind::Usage,
            Self::Readable(_) => Kind::Conflict,
            Self::NewerKey { .. } => Kind::Auth,
            Self::Keys(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotAside(_) => {
                Some("`orkee cloud parked` lists what is; what is from here is never dropped".to_owned())
            }
            Self::Readable(_) => Some(
                "nothing was dropped; run `orkee cloud parked retry`, then `orkee cloud sync`".to_owned(),
            ),
            Self::NewerKey { .. } => Some(
                "nothing was dropped; run `orkee cloud sync`, which fetches the newest key, then `orkee cloud parked retry`"
                    .to_owned(),
            ),
            Self::Keys(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

/// What would be given up. Changes nothing.
pub fn look_at_aside(store: &mut Store, keys: &Keys, id: &str) -> Result<Aside, GiveUpError> {
    store.write(Durability::Refetchable, |tx| {
        there(tx, keys, id)?;
        let record = id.parse::<ProjectId>().ok().map(|id| tx.record(id)).transpose()?.flatten();
        let is_known = record.is_some();
        let payload = record.and_then(|record| record.version.payload);
        Ok(Aside {
            name: payload.map(|payload| payload.name()),
            is_known,
            is_named: id.parse::<ProjectId>().is_ok(),
        })
    })
}

/// Gives it up. What takes its place goes with the next sync, over this very version alone.
pub fn give_up(store: &mut Store, keys: &Keys, id: &str) -> Result<GivenUp, GiveUpError> {
    store.write(Durability::Full, |tx| {
        let there = there(tx, keys, id)?;
        let Ok(named) = id.parse::<ProjectId>() else {
            tx.forget_aside(id)?;
            return Ok(GivenUp::Nothing);
        };
        let given_up = match tx.record(named)? {
            None => {
                delete(tx, named, there, &Ancestry::new())?;
                GivenUp::Deletion
            }
            Some(record) => {
                go_over(tx, named, &there)?;
                if record.version.payload.is_some() { GivenUp::Ours } else { GivenUp::Deletion }
            }
        };
        tx.clear_aside(named)?;
        Ok(given_up)
    })
}

/// What the other side has, as it was set aside.
fn there(tx: &Tx<'_>, keys: &Keys, id: &str) -> Result<There, GiveUpError> {
    let stored = tx.unread(id)?.ok_or_else(|| GiveUpError::NotAside(id.to_owned()))?;
    let epoch = epoch_of(&stored.envelope);
    if keys.standing().number == 0 && epoch != Some(0) {
        return Err(KeyError::Missing.into());
    }
    if let Some(epoch) = epoch.filter(|epoch| keys.may_yet_have(*epoch)) {
        return Err(GiveUpError::NewerKey { id: id.to_owned(), epoch });
    }
    if let Ok(named) = id.parse::<ProjectId>()
        && keys.read(named, &stored.envelope).is_ok_and(|opened| opened.refused.is_none())
    {
        return Err(GiveUpError::Readable(named));
    }
    Ok(There { revision: stored.revision, epoch: epoch.unwrap_or(0) })
}

/// A deletion of a record that is not here, which contains no more than this.
fn delete(tx: &mut Tx<'_>, id: ProjectId, there: There, contained: &Ancestry) -> Result<(), StoreError> {
    let nothing = nothing(tx)?;
    let base = tx.put(id, None, nothing.clone())?;
    let (base_at, ancestry) = (base.number, tx.tick(contained)?);
    let record = tx.put(id, Some(base), Version { ancestry, ..nothing })?;
    tx.agree_on(&record, &Agreed { base_at: Some(base_at), there: Some(there), clean_at: None })
}

/// What is known of the record here goes over it, as it is.
fn go_over(tx: &mut Tx<'_>, id: ProjectId, there: &There) -> Result<(), StoreError> {
    let Some(known) = tx.tracked(id)? else { return Ok(()) };
    if let Some(base_at) = known.agreed.base_at {
        return tx.go_over(&known, there, base_at);
    }
    let nothing = nothing(tx)?;
    let base_at = Some(tx.slip_in(&known, id, &nothing)?);
    tx.agree(known.row, &Agreed { base_at, there: Some(there.clone()), clean_at: None })
}

fn nothing(tx: &mut Tx<'_>) -> Result<Version, StoreError> {
    let (device, at) = (tx.writer()?.device.clone(), tx.at().to_owned());
    Ok(Version { payload: None, ancestry: Ancestry::new(), device, at, author: None })
}
