//! SQLite: one file in the data folder.
//!
//! One connection writes, guarded by a mutex; as many read as there are readers at once. WAL keeps them out of each other's
//! way, and `synchronous=FULL` makes every answered write durable; who sends which webhook, and what became of it, may be forgotten
//! by a loss of power, and is then done again. What is deleted or replaced is overwritten (`secure_delete`), and leaves the log when
//! a space's floor is raised (`scrub`): from then on nothing of its projects is in any file that somebody could read.
//!
//! **Runs.** A head is a commit's number and a tag that tells it from another commit of the same number, which there is
//! once a data folder was put back to an older copy and written to again. Putting a copy back means a new start of the
//! server, so a random name for each start is enough of a tag, and one row for each space that a run wrote to is enough
//! to keep all tags for ever: no cursor, however old, meets a tag that was forgotten. A run ends after an hour at the
//! latest, which bounds what a machine restored *with its memory* could miss; at worst that is one row of some forty
//! bytes for each hour in which a space was written to.

mod accounts;
mod audit;
mod backups;
mod events;
mod grants;
mod ledger;
mod migrations;
mod records;
mod scrub;
mod sealing;
mod sign_ins;
mod teams;
mod tenants;
#[cfg(test)]
mod tests;
mod webhooks;

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use orkee_core::id;
use tokio::sync::Notify;

use super::{People, Result, Storage, StorageError};
use scrub::Scrub;

pub(crate) use webhooks::note_disabled;

/// The database's name in the data folder.
const FILE: &str = "orkee-server.db";
/// How long a write waits for another process, such as `user add` beside a running server.
const BUSY: Duration = Duration::from_secs(10);
/// A run is given a new name after this long.
const RUN: SignedDuration = SignedDuration::from_hours(1);
const RUN_NAME_LEN: usize = 12;
/// KiB of pages that the writing connection keeps: ids are random, so each batch of new records touches most of their index.
const WRITER_CACHE: i64 = 20_000;
/// KiB of pages that a reading connection keeps.
const READER_CACHE: i64 = 2_000;

/// The storage in a data folder.
pub(crate) struct Sqlite {
    path: PathBuf,
    file: FileId,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    run: Mutex<Run>,
    written: Arc<Notify>,
    scrub: Scrub,
}

/// What a loss of power may do to what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Nothing.
    Full,
    /// Undo the newest of it, as a whole, where it will then be done again.
    Repeatable,
}

/// Tells the opened file from another one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

/// Names the commits that this process makes.
struct Run {
    tag: String,
    since: Timestamp,
}

impl Sqlite {
    /// Opens the storage of a data folder, which is made where it is missing, and brings its schema up to date.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        make_private(folder)
            .map_err(|source| StorageError::Folder { path: folder.display().to_string(), source })?;
        let path = folder.join(FILE);
        let mut writer = connect(&path, WRITER_CACHE)?;
        migrations::apply(&mut writer, &path)?;
        Ok(Self {
            file: FileId::of(&path)?,
            path,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            run: Mutex::new(Run { tag: id::random(RUN_NAME_LEN), since: Timestamp::MIN }),
            written: Arc::default(),
            scrub: Scrub::default(),
        })
    }

    /// Notified when something was written that may be told to somebody.
    pub(crate) fn written(&self) -> Arc<Notify> {
        Arc::clone(&self.written)
    }

    /// Runs `work` in a transaction that is committed when it returns `Ok`.
    fn write<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.write_if(doing, work, |_| true)
    }

    /// The same, but what `keep` says no to is rolled back.
    fn write_if<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
        keep: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        let done = self.transact(Durability::Full, doing, work, keep)?;
        self.written.notify_one();
        Ok(done)
    }

    fn transact<T>(
        &self,
        durability: Durability,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
        keep: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        let mut writer = lock(&self.writer);
        self.still_there()?;
        let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
        writer.pragma_update(None, "synchronous", synchronous).map_err(failed(doing))?;
        let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(doing))?;
        let done = work(&tx)?;
        if keep(&done) {
            tx.commit().map_err(failed(doing))?;
        }
        Ok(done)
    }

    /// Runs `work` on one state of the database.
    fn read<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.still_there()?;
        let idle = lock(&self.readers).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, READER_CACHE)?,
        };
        let done = connection.transaction().map_err(failed(doing)).and_then(|tx| work(&tx));
        lock(&self.readers).push(connection);
        done
    }

    /// Whether the file is the one that was opened. A folder put back under a running server would leave this one writing
    /// to a file that nobody will find again.
    fn still_there(&self) -> Result<()> {
        if FileId::of(&self.path)? == self.file {
            Ok(())
        } else {
            Err(StorageError::Replaced(self.path.display().to_string()))
        }
    }

    /// The name of the run that makes a commit now.
    fn run_tag(&self, now: Timestamp) -> String {
        let mut run = lock(&self.run);
        if run.since == Timestamp::MIN {
            run.since = now;
        }
        if now.duration_since(run.since) >= RUN {
            *run = Run { tag: id::random(RUN_NAME_LEN), since: now };
        }
        run.tag.clone()
    }
}

/// What runs the methods that can be called together: the database, each in a transaction of its own, or a transaction of it.
trait Database {
    /// Runs `work`, and keeps what it did when it returns `Ok`.
    fn write<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T>;
    /// Runs `work` on one state of the database.
    fn read<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T>;
}

impl Database for Sqlite {
    fn write<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.write_if(doing, work, |_| true)
    }

    fn read<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        Self::read(self, doing, work)
    }
}

/// A transaction that is under way.
struct Within<'a>(&'a Transaction<'a>);

impl Database for Within<'_> {
    fn write<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.0.execute_batch("SAVEPOINT part").map_err(failed(doing))?;
        let done = work(self.0);
        let end = if done.is_ok() { "RELEASE part" } else { "ROLLBACK TO part; RELEASE part" };
        self.0.execute_batch(end).map_err(failed(doing))?;
        done
    }

    fn read<T>(&self, _: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        work(self.0)
    }
}

impl FileId {
    fn of(path: &Path) -> Result<Self> {
        match fs::metadata(path) {
            Ok(found) => Ok(Self { device: found.dev(), inode: found.ino() }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(StorageError::Replaced(path.display().to_string()))
            }
            Err(source) => Err(StorageError::Folder { path: path.display().to_string(), source }),
        }
    }
}

impl Storage for Sqlite {
    fn at_once(&self, work: &mut dyn FnMut(&dyn People) -> bool) -> Result<()> {
        self.write_if("changing who may what", |tx| Ok(work(&Within(tx))), |keep| *keep).map(drop)
    }

    fn sweep(&self, now: Timestamp) -> Result<()> {
        let doing = "forgetting what has expired";
        let at = now.as_millisecond();
        let day = SignedDuration::from_hours(24).as_millis() as i64;
        self.write(doing, |tx| {
            for (sql, before) in [
                ("DELETE FROM sessions WHERE expires_at < ?1", at),
                // A code is kept beyond its time, so that its replay is known as one.
                ("DELETE FROM codes WHERE expires_at < ?1", at - day),
                ("DELETE FROM access_tokens WHERE expires_at < ?1", at),
                ("DELETE FROM refresh_tokens WHERE expires_at < ?1", at),
                ("DELETE FROM exchanged WHERE expires_at < ?1", at),
                ("DELETE FROM grants WHERE expires_at < ?1", at),
                ("DELETE FROM backups WHERE bytes IS NULL AND created_at < ?1", at - day),
            ] {
                tx.execute(sql, [before]).map_err(failed(doing))?;
            }
            Ok(())
        })
    }
}

/// A mutex whose holder panicked guards a connection whose transaction was rolled back: it is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names what was being done when the database failed.
fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StorageError {
    move |source| StorageError::Database { doing, source: Box::new(source) }
}

fn connect(path: &Path, cache_kib: i64) -> Result<Connection> {
    let doing = "opening it";
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed(doing))?;
    connection.busy_timeout(BUSY).map_err(failed(doing))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Else SQLite, built with STAT4, compiles a statement anew whenever a parameter changes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed(doing))?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON;",
        )
        .map_err(failed(doing))?;
    connection.pragma_update(None, "cache_size", -cache_kib).map_err(failed(doing))?;
    Ok(connection)
}

/// The folder, for its owner alone, and an empty database file likewise; SQLite gives its side files the same mode.
fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join(FILE)).map(drop)
}
