//! Opening a database that is only read: it may belong to another program, which may be at work on it.
//!
//! Nothing is written to it or beside it. SQLite cannot promise that by itself: to read a database in WAL mode it makes the files
//! `-wal` and `-shm`, unless they are there. So how one is opened depends on what is found beside it; what SQLite would have to
//! repair first is repaired in a private copy.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::store::StoreError;

/// A database to be read.
pub(super) struct Source {
    pub(super) connection: Connection,
    path: PathBuf,
    /// What the file was when it was opened as one that nobody writes.
    frozen: Option<Stamp>,
    /// Deleted with it. Private to this user: the database may have tokens in other tables.
    _copy: Option<TempDir>,
}

/// Enough to see that a file was written to.
#[derive(PartialEq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// The beginning of the write-ahead log, which changes when the log begins anew.
    log: Vec<u8>,
}

/// Attempts at a copy that nobody writes to meanwhile.
const ATTEMPTS: usize = 5;

impl Source {
    /// Opens the database at `path`, a file. Waits so long for a program that is writing.
    pub(super) fn open(path: &Path, wait: Duration) -> Result<Self, StoreError> {
        let path = path.canonicalize()?;
        if is_in_wal_mode(&path)? {
            let (log, index) = (beside(&path, "-wal"), beside(&path, "-shm"));
            return match (log.exists(), index.exists()) {
                (true, true) => Self::shared(path.clone(), wait)
                    .or_else(|error| unless_held(error, || Self::copied(path))),
                (true, false) if size(&log) > 0 => Self::copied(path),
                // Who has it open has both. Nobody has, and nothing waits in a log.
                _ => Self::frozen(path),
            };
        }
        Self::shared(path.clone(), wait).or_else(|error| match size(&beside(&path, "-journal")) {
            0 => Err(error),
            // A program ended in the middle of a change, which is to be taken back first.
            _ => unless_held(error, || Self::copied(path)),
        })
    }

    /// As one of several that use it. For what needs no further file.
    fn shared(path: PathBuf, wait: Duration) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(wait)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Self { connection, path, frozen: None, _copy: None }.begun()
    }

    /// As a file that nobody writes; that it was so is for [`Source::check`] to say.
    fn frozen(path: PathBuf) -> Result<Self, StoreError> {
        let frozen = Some(Stamp::of(&path)?);
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri(&path), flags)?;
        Self { connection, path, frozen, _copy: None }.begun()
    }

    /// A copy, with what waits in its log or has to be taken back.
    fn copied(path: PathBuf) -> Result<Self, StoreError> {
        for _ in 0..ATTEMPTS {
            let before = Stamp::of(&path)?;
            let folder = tempfile::tempdir()?;
            let target = folder.path().join("source.db");
            for suffix in ["", "-wal", "-journal"] {
                copy(&beside(&path, suffix), &beside(&target, suffix))?;
            }
            if Stamp::of(&path)? == before {
                let connection = Connection::open(&target)?;
                return Self { connection, path, frozen: None, _copy: Some(folder) }.begun();
            }
        }
        Err(StoreError::Locked)
    }

    /// With a transaction begun: all that is read is of one moment.
    fn begun(self) -> Result<Self, StoreError> {
        self.connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
        Ok(self)
    }

    /// Whether what was read was of one moment. To be asked at the end.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &self.frozen {
            Some(stamp) if *stamp != Stamp::of(&self.path)? => Err(StoreError::Locked),
            _ => Ok(()),
        }
    }
}

/// What another way gives, unless somebody holds the database: then that is the answer.
fn unless_held<T>(error: StoreError, other: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    match error {
        StoreError::ReadOnly | StoreError::Io(_) => other(),
        held => Err(held),
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        let mut log = vec![0; 32];
        let read = File::open(beside(path, "-wal")).and_then(|mut file| file.read(&mut log)).unwrap_or(0);
        log.truncate(read);
        Ok(Self { size: meta.len(), modified: meta.modified().ok(), log })
    }
}

/// Whether the header says so. A file too short for a header is left to SQLite.
fn is_in_wal_mode(path: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(20);
    File::open(path)?.take(20).read_to_end(&mut header)?;
    Ok(header.starts_with(b"SQLite format 3\0") && header.get(18) == Some(&2))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

/// Copies a file's bytes, not its permissions; one that is not there has none.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match File::open(from) {
        Ok(mut from) => io::copy(&mut from, &mut File::create(to)?).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The file as SQLite's URI, whatever characters it has.
fn uri(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database in WAL mode that nobody has open, in a folder of this name.
    fn closed(name: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let connection = Connection::open(&path).unwrap();
        connection.query_row("PRAGMA journal_mode = wal", [], |_| Ok(())).unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        drop(connection);
        (folder, path)
    }

    fn sum(source: &Source) -> i64 {
        source.connection.query_row("SELECT sum(x) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_file_of_any_name_is_opened_without_another_beside_it() {
        for name in ["plain.db", "a b?c#d%41&e=é.db"] {
            let (folder, path) = closed(name);
            let source = Source::open(&path, Duration::ZERO).unwrap();
            assert_eq!(sum(&source), 1, "{name}");
            source.check().unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
        }
    }

    #[test]
    fn what_was_written_to_while_it_was_read_is_no_answer() {
        let (_folder, path) = closed("source.db");
        let source = Source::open(&path, Duration::ZERO).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert!(matches!(source.check(), Err(StoreError::Locked)));
        // Opened now, it is read as one that others use.
        let source = Source::open(&path, Duration::ZERO).unwrap();
        assert_eq!(sum(&source), 3);
        other.execute_batch("INSERT INTO t VALUES (4)").unwrap();
        assert_eq!(sum(&source), 3, "all that is read is of one moment");
        source.check().unwrap();
    }
}
