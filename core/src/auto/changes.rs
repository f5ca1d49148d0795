//! Notices what was written on this device, by any process.
//!
//! The database and the log beside it are looked at from outside, by what the file system says of them; only where that has changed
//! is the database opened, asked, and closed again. No connection stays open: whoever closes the last one takes what is in the log
//! over into the database, and a copy of that one file is whole only then. Nothing is written, and no database is made: one that was moved
//! away or deleted is waited for, and another in its place is noticed by its device and inode.

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
const PATIENCE: Duration = Duration::from_millis(20);

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
    log: PathBuf,
    tenant: String,
    seen: Option<Seen>,
}

/// What the last look has found.
#[derive(Debug)]
struct Seen {
    /// The files, as they stood before it. None: they are to be looked into in any case.
    files: Option<Files>,
    database: (u64, u64),
    waiting: Waiting,
}

/// Of both files: length, and when they were changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Files {
    database: (u64, u64),
    content: (u64, i64, i64),
    log: Option<(u64, i64, i64)>,
}

impl Files {
    /// None where there is no database.
    fn at(path: &Path, log: &Path) -> io::Result<Option<Self>> {
        let content = |meta: &fs::Metadata| (meta.len(), meta.mtime(), meta.mtime_nsec());
        match fs::metadata(path) {
            Ok(meta) => {
                let log = fs::metadata(log).ok().map(|meta| content(&meta));
                Ok(Some(Self { database: (meta.dev(), meta.ino()), content: content(&meta), log }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Changes {
    /// Opens nothing yet.
    pub fn new(path: &Path, tenant: &str) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self { path: path.to_owned(), log: log.into(), tenant: tenant.to_owned(), seen: None }
    }

    /// Looks whether somebody wrote since the last look.
    pub fn look(&mut self) -> Result<Look, ChangesError> {
        let files = match Files::at(&self.path, &self.log) {
            Ok(Some(files)) => files,
            Ok(None) => {
                self.seen = None;
                return Ok(Look::Gone);
            }
            Err(error) => return Err(self.unreadable(error)),
        };
        if self.seen.as_ref().is_some_and(|seen| seen.files == Some(files)) {
            return Ok(Look::Same);
        }
        match connect(&self.path).and_then(|connection| waiting(&connection, &self.tenant)) {
            Ok(waiting) => {
                // What a sync or a reader did to the files is no news.
                let is_same = self
                    .seen
                    .as_ref()
                    .is_some_and(|seen| seen.database == files.database && seen.waiting == waiting);
                self.seen = Some(Seen { files: Some(files), database: files.database, waiting });
                Ok(if is_same { Look::Same } else { Look::Changed(waiting) })
            }
            // Somebody is at it: the next look sees what it was.
            Err(StoreError::Locked) => {
                if let Some(seen) = &mut self.seen {
                    seen.files = None;
                }
                Ok(Look::Same)
            }
            Err(error) => {
                self.seen = None;
                // It may have gone between the two.
                if self.path.exists() { Err(self.unreadable(error)) } else { Ok(Look::Gone) }
            }
        }
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
    fn the_database_alone_is_whole_while_somebody_looks() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("orkee.db"), folder.path().join("copy.db"));
        drop(Store::open(&path).unwrap());
        let mut changes = Changes::new(&path, "");
        changed(&mut changes);
        add(&path, "shop0001");
        changed(&mut changes);
        fs::copy(&path, &copy).unwrap();
        assert_eq!(changed(&mut Changes::new(&copy, "")), changed(&mut Changes::new(&path, "")));
        assert!(changed(&mut Changes::new(&copy, "")).is_any);
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
