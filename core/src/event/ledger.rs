//! Where endpoints and deliveries are kept: a device's store, or a server's database.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{EventError, Owner, endpoints};
use crate::store::{Durability, Options, Store};

/// What is done with the database.
type Work<'a> = &'a mut dyn FnMut(&Connection) -> Result<(), EventError>;

/// A database that has the tables of [`SCHEMA`](super::SCHEMA).
pub trait Ledger: Send + Sync {
    /// Reads, outside of a transaction.
    fn read(&self, work: Work<'_>) -> Result<(), EventError>;

    /// Writes, in one transaction that has the write lock from its start. An error takes all of it back.
    fn write(&self, work: Work<'_>) -> Result<(), EventError>;

    /// As [`Ledger::write`], of what a loss of power may undo as a whole: who sends what, and what became of it. Then it is sent again.
    fn note(&self, work: Work<'_>) -> Result<(), EventError> {
        self.write(work)
    }

    /// Takes what was wiped out of the log beside the database, too. While somebody reads an older state, that has to wait.
    fn scrub(&self) -> Result<(), EventError> {
        self.read(&mut |db| Ok(db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?))
    }
}

impl dyn Ledger + '_ {
    /// [`Ledger::read`], with a value.
    pub fn reading<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, EventError>,
    ) -> Result<T, EventError> {
        with_value(work, |work| self.read(work))
    }

    /// [`Ledger::write`], with a value.
    pub fn writing<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, EventError>,
    ) -> Result<T, EventError> {
        with_value(work, |work| self.write(work))
    }

    /// [`Ledger::note`], with a value.
    pub fn noting<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, EventError>,
    ) -> Result<T, EventError> {
        with_value(work, |work| self.note(work))
    }

    /// Wipes secrets whose time is over, out of the file and of the log beside it. Returns how many there were.
    pub fn wipe_old_secrets(&self, now: Timestamp) -> Result<usize, EventError> {
        if !self.reading(|db| endpoints::has_old(db, now))? {
            return Ok(0);
        }
        let wiped = self.writing(|db| endpoints::wipe_old(db, now))?;
        self.scrub()?;
        Ok(wiped)
    }
}

fn with_value<T>(
    work: impl FnOnce(&Connection) -> Result<T, EventError>,
    run: impl FnOnce(Work<'_>) -> Result<(), EventError>,
) -> Result<T, EventError> {
    let (mut work, mut value) = (Some(work), None);
    run(&mut |db| {
        if let Some(work) = work.take() {
            value = Some(work(db)?);
        }
        Ok(())
    })?;
    // A ledger that says that it did the work, and did not, is no database that can be used.
    value.ok_or_else(|| EventError::Damaged { what: "the outbox".to_owned() })
}

/// A device's store, by a connection of its own. Its transactions wait for their turn as all of the store's do.
pub struct FileLedger {
    store: Mutex<Store>,
}

impl FileLedger {
    /// Opens the database at `path`, and makes it where there is none.
    pub fn open(path: &Path) -> Result<Self, EventError> {
        Self::open_with(Options::default(), path)
    }

    /// As [`FileLedger::open`], for the space of these options.
    pub fn open_with(options: Options, path: &Path) -> Result<Self, EventError> {
        Ok(Self::over(options.open(path)?))
    }

    /// In a store that is open.
    pub fn over(store: Store) -> Self {
        Self { store: Mutex::new(store) }
    }

    /// Whose events they are: those of the space that was opened.
    pub fn owner(&self) -> Owner {
        self.lock().owner()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Store> {
        // What a panic left half done in a transaction was taken back.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transact(&self, durability: Durability, work: Work<'_>) -> Result<(), EventError> {
        self.lock().write(durability, |tx| work(tx.connection()))
    }
}

impl Ledger for FileLedger {
    fn read(&self, work: Work<'_>) -> Result<(), EventError> {
        work(&self.lock().connection)
    }

    fn write(&self, work: Work<'_>) -> Result<(), EventError> {
        self.transact(Durability::Full, work)
    }

    fn note(&self, work: Work<'_>) -> Result<(), EventError> {
        self.transact(Durability::Refetchable, work)
    }
}
