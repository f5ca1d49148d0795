//! The lock as it stands, and how it is put on, changed and taken off.

use rusqlite::OptionalExtension;

use super::super::{Durability, Store, StoreError};
use super::Open;
use super::sweep::{TEXTS, Table};

/// Where a damaged text can be mended.
const MENDABLE: [Table; 2] = [Table::Records, Table::Conflicts];

/// How far putting it on, or changing it, came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockStage {
    /// Texts in another form than the wanted one may be left.
    Sweeping,
    /// None are; bytes of what they were may still be in the file.
    Wiping,
    /// All of it.
    Done,
}

impl LockStage {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sweeping => "sweeping",
            Self::Wiping => "wiping",
            Self::Done => "done",
        }
    }
}

/// The lock of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockStanding {
    /// Names the lock key.
    pub id: String,
    /// The sealed fields. None: the lock is being taken off.
    pub fields: Vec<String>,
    /// How far it came.
    pub stage: LockStage,
    /// For whom the lock key is sealed: text of whoever seals it.
    pub keys: String,
}

impl Store {
    /// The lock; none where nothing was ever sealed, or no more.
    pub fn lock_standing(&self) -> Result<Option<LockStanding>, StoreError> {
        let sql = "SELECT id, fields, stage, keys FROM lock";
        let found = self.connection.prepare_cached(sql)?.query_row([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        });
        let Some((id, texts, word, keys)) = found.optional()? else { return Ok(None) };
        let stages = [LockStage::Sweeping, LockStage::Wiping, LockStage::Done];
        let stage = stages.into_iter().find(|stage| stage.word() == word);
        let what = || "the lock is in a state that there is none of".to_owned();
        let stage = stage.ok_or_else(|| StoreError::Damaged { what: what() })?;
        Ok(Some(LockStanding { id, fields: fields(&texts)?, stage, keys }))
    }

    /// Puts the lock on. What is written from here on is sealed, and so is what only looks it; the rest that is there already is for
    /// [`Store::sweep`]. Wants the key.
    pub fn put_lock(&mut self, id: &str, fields: &[&str], keys: &str) -> Result<(), StoreError> {
        let fields = text(fields)?;
        self.write(Durability::Full, |tx| {
            let sql = "INSERT INTO lock (only, id, fields, stage, keys) VALUES (1, ?, ?, 'sweeping', ?) ON CONFLICT DO NOTHING";
            match tx.connection().execute(sql, (id, fields, keys))? {
                0 => Err(StoreError::Damaged { what: "another command put a lock on at the same time".to_owned() }),
                _ => tx.sweep_at_once(&TEXTS, Open::veiled),
            }
        })
    }

    /// Refuses to go on where the text of a project, or of a conflict, is damaged, of whichever space: it is named. Wants the key.
    pub fn must_be_sound(&mut self) -> Result<(), StoreError> {
        self.write(Durability::Refetchable, |tx| tx.sweep_at_once(&MENDABLE, Open::sound))
    }

    /// Other fields are to be sealed; none: the lock is to come off. [`Store::sweep`] brings the texts into that form. Refused while
    /// one is damaged; where the lock is to come off, an older one, too, since nothing would know it as damaged any more.
    pub fn change_lock(&mut self, fields: &[&str]) -> Result<(), StoreError> {
        let (is_coming_off, fields) = (fields.is_empty(), text(fields)?);
        self.write(Durability::Full, |tx| {
            tx.must_be_open()?;
            let sql = "SELECT EXISTS (SELECT 1 FROM lock WHERE fields <> ?1)";
            let is_other: bool = tx.connection().query_row(sql, [&fields], |row| row.get(0))?;
            if is_coming_off {
                tx.sweep_at_once(&TEXTS, Open::sound)?;
            } else if is_other {
                tx.sweep_at_once(&MENDABLE, Open::sound)?;
            }
            let sql = "UPDATE lock SET fields = ?1, stage = 'sweeping' WHERE fields <> ?1";
            tx.connection().execute(sql, [fields])?;
            Ok(())
        })
    }

    /// The lock key is sealed for others than before.
    pub fn seal_lock_for(&mut self, id: &str, keys: &str) -> Result<(), StoreError> {
        self.write(Durability::Full, |tx| {
            tx.connection().execute("UPDATE lock SET keys = ? WHERE id = ?", (keys, id))?;
            Ok(())
        })
    }
}

/// The name of the lock key under which what is secret on this device is to be sealed, by the database at `path`, and whether that lock is
/// being taken off. None: there is none. Makes and changes nothing.
#[cfg(all(feature = "auth", feature = "seal"))]
pub(crate) fn lock_of(path: &std::path::Path) -> Result<Option<(String, bool)>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = 'lock'";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        // A store of before there were locks.
        return Ok(None);
    }
    let sql = "SELECT id, fields = '[]' FROM lock";
    Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The fields as the table has them.
pub(super) fn fields(text: &str) -> Result<Vec<String>, StoreError> {
    let what = || "which fields are sealed cannot be read".to_owned();
    serde_json::from_str(text).map_err(|_| StoreError::Damaged { what: what() })
}

fn text(fields: &[&str]) -> Result<String, StoreError> {
    serde_json::to_string(fields).map_err(|error| StoreError::Damaged { what: error.to_string() })
}
