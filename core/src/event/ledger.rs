//! Where endpoints and deliveries are kept: a device's store, or a server's database.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};

use super::{EventError, Owner, endpoints};
use crate::store::{Durability, Options, Store};

/// A person waits no longer for others to end their reading.
const PATIENCE: Duration = Duration::from_millis(100);

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

    /// Tries to take what was wiped out of the log beside the database, too. False: somebody reads an older state, and it is owed.
    fn scrub(&self) -> Result<bool, EventError>;

    /// Whether something that was wiped may still be in the log.
    fn owes_scrub(&self) -> bool;
}

/// Empties the log beside a database, if that can be done within this time. False: somebody reads an older state.
pub fn empty_log(db: &Connection, patience: Duration) -> rusqlite::Result<bool> {
    let wait: u64 = db.query_row("PRAGMA busy_timeout", [], |row| row.get(0))?;
    db.busy_timeout(patience)?;
    // That it was busy is no error, but the first column of its answer.
    let emptied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok(row.get::<_, i64>(0)? == 0));
    db.busy_timeout(Duration::from_millis(wait))?;
    match emptied {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
        emptied => emptied,
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

    /// Wipes secrets whose time is over, out of the file and of the log beside it; from there also what had to stay when it was wiped.
    /// Returns how many there were.
    pub fn wipe_old_secrets(&self, now: Timestamp) -> Result<usize, EventError> {
        let wiped = match self.reading(|db| endpoints::has_old(db, now))? {
            true => self.writing(|db| endpoints::wipe_old(db, now))?,
            false => 0,
        };
        if wiped > 0 {
            self.scrub()?;
        } else if self.owes_scrub()
            && let Err(error) = self.scrub()
        {
            // Whoever came to do something else does it all the same.
            tracing::debug!(target: "orkee::webhook", %error, "the log beside the database cannot be emptied");
        }
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

    fn scrub(&self) -> Result<bool, EventError> {
        let emptied = empty_log(&self.lock().connection, PATIENCE)?;
        if !emptied {
            tracing::debug!(target: "orkee::webhook", "the log beside the database is emptied later");
        }
        Ok(emptied)
    }

    /// Whoever owed it may have been another process: any log may hold something.
    fn owes_scrub(&self) -> bool {
        let store = self.lock();
        let Some(path) = store.path() else { return false };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        std::fs::metadata(Path::new(&log)).is_ok_and(|log| log.len() > 0)
    }
}
