//! Writing to the trail from wherever something is decided.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::AuditEntry;
use crate::event::NewEvent;
use crate::home::Home;
use crate::store::{Durability, Options, Store, StoreError};

/// What was decided stands, whether or not it can be written: nobody waits longer for it.
const WAIT: Duration = Duration::from_secs(2);

/// The trail of a home folder. What cannot be written fails nothing, and is told.
#[derive(Clone)]
pub struct Trail {
    database: PathBuf,
    opening: Options,
    unwritten: Arc<dyn Fn(&StoreError) + Send + Sync>,
}

impl Trail {
    /// Opens nothing yet. `unwritten` is told why a row could not be written.
    pub fn new(home: &Home, unwritten: impl Fn(&StoreError) + Send + Sync + 'static) -> Self {
        Self { database: home.database(), opening: Options::default(), unwritten: Arc::new(unwritten) }
    }

    /// Makes no database for it: see [`Options::existing`].
    pub fn existing(self) -> Self {
        Self { opening: self.opening.existing(), ..self }
    }

    /// Writes a row.
    pub fn note(&self, entry: &AuditEntry) {
        self.write(|store| store.note(entry, Durability::Full));
    }

    /// Writes a row, and tells the tenant's endpoints of what it says.
    pub fn note_and_tell(&self, entry: &AuditEntry, event: &NewEvent<'_>) {
        self.write(|store| store.note_and_tell(entry, event, Durability::Full));
    }

    fn write(&self, work: impl FnOnce(&mut Store) -> Result<(), StoreError>) {
        let store = self.opening.clone().wait(WAIT).open(&self.database);
        if let Err(error) = store.and_then(|mut store| work(&mut store)) {
            (self.unwritten)(&error);
        }
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("database", &self.database).finish_non_exhaustive()
    }
}
