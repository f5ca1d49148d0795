//! Opening the database, and what a connection needs to know.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::at_rest::LockKeys;
use super::made::Made;
use super::trim::Keep;
use super::turn::{Turn, insist};
use super::tx::{Durability, Tx};
use super::{StoreError, migrations};
use crate::clock::{Clock, SystemClock};
use crate::event::Owner;
use crate::file;
use crate::id::{Ids, SystemIds};

/// Prepared statements that a connection keeps. More than the store has.
const STATEMENTS: usize = 160;

/// Pages in the write-ahead log from which whoever commits tidies it up. A sync does that early; a command that writes a little
/// beside it leaves it to the sync, and does not wait for the disk on its behalf.
const LOG_OF_MANY: i64 = 1000;
const LOG_OF_FEW: i64 = 4 * LOG_OF_MANY;

/// KiB of pages that a connection keeps while many records come in: ids and names are in no order, so that each of them touches
/// another page of each index. Everything else does with SQLite's 2 MB.
const CACHE_OF_MANY: i64 = 16_000;

/// One connection to the database, scoped to one space.
pub struct Store {
    pub(crate) connection: Connection,
    pub(super) space: i64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    /// None for a database in memory, which nobody else writes.
    pub(super) turn: Option<Turn>,
    pub(super) wait: Duration,
    pub(super) keep: Keep,
    pub(super) lock_keys: Option<Arc<dyn LockKeys>>,
    pub(super) made: Arc<Made>,
    durability: Durability,
}

/// How a store is opened. The defaults are those of the command line.
#[derive(Clone)]
pub struct Options {
    tenant: String,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    device: Option<String>,
    wait: Duration,
    keep: Keep,
    lock_keys: Option<Arc<dyn LockKeys>>,
    made: Arc<Made>,
    makes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tenant: String::new(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            device: None,
            wait: Duration::from_secs(5),
            keep: Keep::default(),
            lock_keys: None,
            made: Arc::default(),
            makes: true,
        }
    }
}

impl Options {
    /// The space of this tenant instead of the personal one.
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        Self { tenant: tenant.into(), ..self }
    }

    /// Another clock than the system's.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Another source of names than the system's.
    pub fn ids(self, ids: Arc<dyn Ids>) -> Self {
        Self { ids, ..self }
    }

    /// What a new store calls this device, instead of the host's name.
    pub fn device(self, device: impl Into<String>) -> Self {
        Self { device: Some(device.into()), ..self }
    }

    /// How long to wait for another process that is writing.
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// How much history is kept, instead of [`Keep::default`].
    pub fn keep(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }

    /// Where the key is found of a store whose fields are sealed. It is asked only where they are.
    pub fn lock_keys(self, keys: Arc<dyn LockKeys>) -> Self {
        Self { lock_keys: Some(keys), ..self }
    }

    /// Counts there what a person makes of projects.
    pub fn counting(self, made: Arc<Made>) -> Self {
        Self { made, ..self }
    }

    /// Makes no database: where there is none, [`Options::open`] fails with [`StoreError::Missing`]. For what nobody typed: the database
    /// that it was started for may have been moved away meanwhile.
    pub fn existing(self) -> Self {
        Self { makes: false, ..self }
    }

    /// Opens the database at `path`; makes it, and its folder, where there is none.
    pub fn open(self, path: &Path) -> Result<Store, StoreError> {
        let makes = self.makes;
        connect(path, self.wait, makes)
            .and_then(|connection| self.over(connection))
            .map(|store| Store { turn: Some(Turn::beside(path)), ..store })
            .map_err(|error| refine(error, path, makes).opening(path))
    }

    /// A database in memory, for tests.
    pub fn in_memory(self) -> Result<Store, StoreError> {
        self.over(Connection::open_in_memory()?)
    }

    pub(super) fn over(self, mut connection: Connection) -> Result<Store, StoreError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Else SQLite, built with STAT4, compiles a statement anew whenever a parameter changes.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", Durability::Full.pragma())?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_OF_FEW)?;
        migrations::migrate(&mut connection)?;
        let Self { tenant, clock, ids, device, wait, keep, lock_keys, made, .. } = self;
        let (turn, durability) = (None, Durability::Full);
        let mut store =
            Store { connection, space: 0, clock, ids, turn, wait, keep, lock_keys, made, durability };
        store.enter(&tenant, device)?;
        Ok(store)
    }
}

/// SQLite says of a file that it may not write that it cannot open it; a person needs to know which it is.
fn refine(error: StoreError, path: &Path, makes: bool) -> StoreError {
    let writable = || rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    match error {
        StoreError::Io(_) if path.exists() && !writable() => StoreError::ReadOnly,
        StoreError::Io(_) if !makes && !path.exists() => StoreError::Missing,
        other => other,
    }
}

/// The file, made 0600 before SQLite writes to it, so that no moment exists in which others can read it.
fn make(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        file::private_folder(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file.set_permissions(Permissions::from_mode(0o600))?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn connect(path: &Path, wait: Duration, makes: bool) -> Result<Connection, StoreError> {
    if makes {
        make(path)?;
    }
    // SQLite makes none.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(wait)?;
    // Before anything is written: what is not ours stays as it is.
    migrations::schema(&connection)?;
    // Of a new file. Records have about 2.3 KB: three fill such a page, one would leave half of a 4 KB page empty.
    connection.pragma_update(None, "page_size", 8192)?;
    // SQLite does not wait here: where two make the file at once, one is told at once that it is locked.
    insist(Instant::now() + wait, || {
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        if mode == "wal" { Ok(()) } else { connection.query_row("PRAGMA journal_mode = wal", [], |_| Ok(())) }
    })?;
    Ok(connection)
}

impl Store {
    /// Opens the personal space of the database at `path`.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Options::default().open(path)
    }

    /// The file of this store; none for one in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.connection.path().filter(|path| !path.is_empty()).map(Path::new)
    }

    /// The number of the schema, which is brought up to date by whoever opens the store.
    pub fn schema(&self) -> Result<i64, StoreError> {
        migrations::schema(&self.connection)
    }

    /// Whose events are those of this space.
    pub fn owner(&self) -> Owner {
        Owner(self.space)
    }

    /// How long this store waits for another process that is writing.
    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    /// The space's row and the writer's, made at the first opening.
    fn enter(&mut self, tenant: &str, device: Option<String>) -> Result<(), StoreError> {
        if let Some(space) = find_space(&self.connection, tenant)? {
            self.space = space;
            return Ok(());
        }
        let name = self.ids.random(8);
        let device = device.unwrap_or_else(host_name);
        self.space = self.write::<_, StoreError>(Durability::Full, |tx| {
            tx.connection().execute(
                "INSERT INTO writer (only, name, clock, device) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING",
                (&name, &device),
            )?;
            tx.connection()
                .execute("INSERT INTO spaces (tenant) VALUES (?) ON CONFLICT DO NOTHING", [tenant])?;
            Ok(tx
                .connection()
                .query_row("SELECT rowid FROM spaces WHERE tenant = ?", [tenant], |row| row.get(0))?)
        })?;
        Ok(())
    }

    /// This connection is about to write one transaction after another.
    pub fn write_much(&self) -> Result<(), StoreError> {
        Ok(self.connection.pragma_update(None, "wal_autocheckpoint", LOG_OF_MANY)?)
    }

    /// Many records are about to come in.
    pub fn expect_many(&self) -> Result<(), StoreError> {
        Ok(self.connection.pragma_update(None, "cache_size", -CACHE_OF_MANY)?)
    }

    /// Does `work` in one transaction that has the write lock from the start. An error, or a panic, takes all of it back.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if durability != self.durability {
            self.connection
                .pragma_update(None, "synchronous", durability.pragma())
                .map_err(|error| E::from(error.into()))?;
            self.durability = durability;
        }
        let mut tx = Tx::begin(self)?;
        let value = work(&mut tx)?;
        tx.commit()?;
        Ok(value)
    }
}

fn find_space(connection: &Connection, tenant: &str) -> Result<Option<i64>, StoreError> {
    let query = "SELECT rowid FROM spaces WHERE tenant = ? AND EXISTS (SELECT 1 FROM writer)";
    Ok(connection.query_row(query, [tenant], |row| row.get(0)).optional()?)
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "this device".to_owned() } else { name }
}
