//! What is locked on this device, as it is told beside other things.

use orkee_core::clock::rfc3339;
use orkee_core::seal::lock::Until;
use orkee_core::store::{LockStage, Store};
use serde::Serialize;

use super::lock;
use crate::failure::Failure;

/// The lock of this device.
#[derive(Serialize)]
pub(in crate::commands) struct AtRest {
    fields: Vec<String>,
    unlocked: bool,
    /// RFC 3339; null: it is not unlocked, or is until the session ends.
    until: Option<String>,
    /// Whether all of it is in the form that it is to have.
    finished: bool,
}

impl AtRest {
    /// None: there is no lock.
    pub(in crate::commands) fn of(store: &Store) -> Result<Option<Self>, Failure> {
        let Some(standing) = store.lock_standing()? else { return Ok(None) };
        // A key that cannot be read is none: who needs it is told why.
        let found = lock::runtime().find(&standing.id).ok().flatten();
        let until = match found {
            Some((_, Until::Time(at))) => Some(rfc3339(at)),
            _ => None,
        };
        let finished = standing.stage == LockStage::Done;
        Ok(Some(Self { fields: standing.fields, unlocked: found.is_some(), until, finished }))
    }

    /// In a line.
    pub(in crate::commands) fn line(&self) -> String {
        let state = match (self.unlocked, &self.until) {
            (false, _) => "to open them: orkee cloud key unlock".to_owned(),
            (true, Some(until)) => format!("open until {until}"),
            (true, None) => "open until your session ends".to_owned(),
        };
        match (self.fields.is_empty(), self.finished) {
            (true, _) => "the lock is coming off; orkee cloud key lock --off goes on".to_owned(),
            (_, false) => {
                format!("{}, not all of it yet; orkee cloud key lock goes on", self.fields.join(", "))
            }
            (_, true) => format!("{}; {state}", self.fields.join(", ")),
        }
    }
}
