//! Syncs that nobody typed: when there is one, and what all processes of a home folder know of the last ones.
//!
//! Nothing here syncs, and nothing waits: [`Changes`] notices what was written on this device, [`Pause`] is how long all processes
//! stay quiet after a failure, [`Plan`] says when a watcher's next sync is. Processes, terminals and signals are the command line's.

mod changes;
mod pause;
mod plan;
mod settings;

pub use changes::{Changes, ChangesError, Look, Waiting};
pub use pause::{Ended, Failed, Pause, Place};
pub use plan::{Because, Plan, Wake};
pub use settings::AutoSync;

use std::io;

use crate::home::Home;
use crate::lock::{FileLock, Note};

/// Held by the one watcher of a home folder.
#[derive(Debug)]
pub struct WatchLock(FileLock);

impl WatchLock {
    /// Takes the lock for a watcher of this tenant's projects, or tells what its holder noted.
    pub fn acquire(home: &Home, tenant: &str) -> io::Result<Result<Self, Note>> {
        let taken = FileLock::acquire(&home.watch_lock(), tenant)?;
        Ok(taken.map(Self))
    }

    /// The watcher watches this tenant's projects from here on.
    pub fn turn_to(&mut self, tenant: &str) {
        self.0.sign(tenant);
    }

    /// The watcher of this home folder, if there is one. What it watches is its purpose: the name of a tenant.
    pub fn holder(home: &Home) -> Option<Note> {
        Note::of(&home.watch_lock())
    }
}
