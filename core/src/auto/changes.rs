//! Notices what was written on this device, by any process.
//!
//! A connection is held open, and asked for `data_version`: a number that SQLite changes with each commit of another connection, and
//! that costs no disk. Nothing is written, no transaction stays open, and no database is made: one that was moved away, replaced or
//! deleted is noticed by its device and inode, and waited for.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::store::{StoreError, schema};

/// How long a look waits for a process that writes.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether something waits, which write of this device was the newest, when a sync last came to its end. ?1: the tenant.
const WAITING: &str = "SELECT EXISTS (SELECT 1 FROM tracking t WHERE t.space = s.rowid AND t.version IS NOT t.clean_at \
                       AND t.parked_at IS NOT t.version), (SELECT clock FROM writer), s.last_sync_at \
                       FROM spaces s WHERE s.tenant = ?1";

/// How many wait, and since when. ?1: the tenant.
const SINCE: &str = "SELECT count(*), min(r.at) FROM spaces s JOIN tracking t ON t.space = s.rowid AND t.version IS NOT t.clean_at \
                     AND t.parked_at IS NOT t.version JOIN records r ON r.rowid = t.record WHERE s.tenant = ?1";

/// What waits to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Whether anything does. What was set aside does not.
    pub is_any: bool,
    /// The newest write of this device: one that was seen before is no change.
    pub newest: u64,
    /// When a sync last came to its end.
    pub last_sync_at: Option<Timestamp>,
}

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nobody wrote since the last one.
    Same,
    /// Somebody did, or it is the first look at this file.
    Changed(Waiting),
    /// There is no database.
    Gone,
}

/// The database is there and cannot be read.
#[derive(Debug, Error)]
#[error("cannot look for changes in {}", path.display())]
pub struct ChangesError {
    path: PathBuf,
    #[source]
    source: StoreError,
}

impl Diagnostic for ChangesError {
    fn code(&self) -> &'static str {
        self.source.code()
    }

    fn kind(&self) -> Kind {
        self.source.kind()
    }

    fn hint(&self) -> Option<String> {
        self.source.hint()
    }
}

/// The changes of one tenant's projects in one database.
#[derive(Debug)]
pub struct Changes {
    path: PathBuf,
    tenant: String,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    file: (u64, u64),
    /// None: not looked at yet.
    version: Option<i64>,
}

impl Changes {
    /// Opens nothing yet.
    pub fn new(path: &Path, tenant: &str) -> Self {
        Self { path: path.to_owned(), tenant: tenant.to_owned(), open: None }
    }

    /// Looks whether somebody wrote since the last look.
    pub fn look(&mut self) -> Result<Look, ChangesError> {
        let file = match fs::metadata(&self.path) {
            Ok(meta) => (meta.dev(), meta.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.open = None;
                return Ok(Look::Gone);
            }
            Err(error) => return Err(self.unreadable(error)),
        };
        let looked = self.look_into(file);
        if looked.is_err() {
            self.open = None;
        }
        looked.map_err(|error| self.unreadable(error))
    }

    fn look_into(&mut self, file: (u64, u64)) -> Result<Look, StoreError> {
        if self.open.as_ref().is_none_or(|open| open.file != file) {
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open { connection: connect(&self.path)?, file, version: None }),
        };
        let version = open.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if open.version == Some(version) {
            return Ok(Look::Same);
        }
        let waiting = waiting(&open.connection, &self.tenant)?;
        open.version = Some(version);
        Ok(Look::Changed(waiting))
    }

    /// How many projects wait, and since when the oldest does.
    pub fn waiting_since(&self) -> Result<(u64, Option<Timestamp>), ChangesError> {
        let count = || -> Result<_, StoreError> {
            let connection = connect(&self.path)?;
            let row = connection.query_row(SINCE, [&self.tenant], |row| {
                Ok((row.get(0)?, row.get::<_, Option<String>>(1)?))
            })?;
            Ok((row.0, row.1.and_then(|at| at.parse().ok())))
        };
        count().map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, source: impl Into<StoreError>) -> ChangesError {
        ChangesError { path: self.path.clone(), source: source.into() }
    }
}

/// Not for reading alone: such a connection, closed as the last one, leaves the files of SQLite's log behind.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    schema(&connection)?;
    Ok(connection)
}

fn waiting(connection: &Connection, tenant: &str) -> Result<Waiting, StoreError> {
    let mut statement = connection.prepare_cached(WAITING)?;
    let found = statement.query_row([tenant], |row| {
        let last: Option<String> = row.get(2)?;
        Ok(Waiting {
            is_any: row.get(0)?,
            newest: row.get::<_, Option<u64>>(1)?.unwrap_or_default(),
            last_sync_at: last.and_then(|at| at.parse().ok()),
        })
    });
    // A tenant that was never used has nothing that waits.
    Ok(found.optional()?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;
    use crate::store::Store;

    fn add(path: &Path, name: &str) {
        let mut store = Store::open(path).unwrap();
        store.add(Project::new(name.parse().unwrap(), name)).unwrap();
    }

    fn changed(changes: &mut Changes) -> Waiting {
        match changes.look().unwrap() {
            Look::Changed(waiting) => waiting,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_write_of_another_process_is_noticed_once_and_a_read_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.db");
        drop(Store::open(&path).unwrap());
        let mut changes = Changes::new(&path, "");
        assert!(!changed(&mut changes).is_any);
        assert_eq!(changes.look().unwrap(), Look::Same);
        add(&path, "shop0001");
        let first = changed(&mut changes);
        assert!(first.is_any);
        assert_eq!(changes.look().unwrap(), Look::Same);
        Store::open(&path).unwrap().standing().unwrap();
        assert_eq!(changes.look().unwrap(), Look::Same);
        add(&path, "blog0001");
        assert!(changed(&mut changes).newest > first.newest);
        assert_eq!(changes.waiting_since().unwrap().0, 2);
        assert!(!changed(&mut Changes::new(&path, "acme")).is_any);
    }

    #[test]
    fn d07_a_database_that_is_gone_is_not_made_and_another_in_its_place_is_looked_at_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, away) = (folder.path().join("orkee.db"), folder.path().join("away.db"));
        add(&path, "shop0001");
        let mut changes = Changes::new(&path, "");
        assert!(changed(&mut changes).is_any);
        fs::rename(&path, &away).unwrap();
        assert_eq!(changes.look().unwrap(), Look::Gone);
        assert_eq!(changes.look().unwrap(), Look::Gone);
        assert!(!path.exists());
        drop(Store::open(&path).unwrap());
        assert!(!changed(&mut changes).is_any);
        fs::rename(&away, &path).unwrap();
        assert!(changed(&mut changes).is_any);
    }

    #[test]
    fn what_is_no_database_of_ours_is_told_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.db");
        fs::write(&path, "not a database, and longer than its header would be: ".repeat(20)).unwrap();
        let before = fs::read(&path).unwrap();
        let mut changes = Changes::new(&path, "");
        assert!(changes.look().is_err());
        assert_eq!(fs::read(&path).unwrap(), before);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(changes.look().is_err());
    }
}
