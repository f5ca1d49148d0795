//! One record, and how another version takes the place of the one that is there.
//!
//! Versions of a record are numbered from 1; `records` has the newest, `history` each older one, whole. A version is written by
//! [`Tx::write`] for a person, by [`Tx::put`] and [`Tx::put_over`] for what arrived: the old one goes to history, and
//! `tracking.version` is counted up, which makes the record dirty. What else stands in `tracking` belongs to `sync`.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, ToSql};

use super::{StoreError, Tx};
use crate::project::{Payload, Priority, ProjectId, Status};

/// Writer → clock of that writer's last write that a version contains.
pub type Ancestry = BTreeMap<String, u64>;

/// Whether a version with ancestry `a` contains every write that one with `b` does.
pub fn contains(a: &Ancestry, b: &Ancestry) -> bool {
    b.iter().all(|(writer, clock)| a.get(writer).is_some_and(|seen| seen >= clock))
}

/// A version of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// None: a tombstone.
    pub payload: Option<Payload>,
    /// What it contains.
    pub ancestry: Ancestry,
    /// Who wrote it.
    pub device: String,
    /// When, RFC 3339.
    pub at: String,
    /// The address of the account that brought it to a team.
    pub author: Option<String>,
}

/// A record as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub(super) row: i64,
    /// Its id.
    pub id: ProjectId,
    /// The number of its newest version.
    pub number: u64,
    /// Its newest version.
    pub version: Version,
}

const RECORD: &str = "SELECT r.rowid, r.id, t.version, r.payload, r.ancestry, r.device, r.at, r.author \
                      FROM records r JOIN tracking t ON t.record = r.rowid WHERE r.space = ? AND r.id = ?";

const KEEP: &str = "INSERT INTO history (record, version, payload, ancestry, device, at, kept_at, author) \
                    SELECT rowid, ?, payload, ancestry, device, at, ?, author FROM records WHERE rowid = ?";

const FILE: &str = "INSERT INTO history (record, version, payload, ancestry, device, at, kept_at, author) \
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

// Parameters by number, in the order of `Columns::values`: finding each by its name costs more than binding it.
const REPLACE: &str = "UPDATE records SET name = ?1, status = ?2, priority = ?3, rank = ?4, tags = ?5, created_at = ?6, \
                       updated_at = ?7, ancestry = ?8, device = ?9, at = ?10, payload = ?11, author = ?12 WHERE rowid = ?13";

const INSERT: &str = "INSERT INTO records (name, status, priority, rank, tags, created_at, updated_at, ancestry, device, at, \
                      payload, author, space, id) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

impl Tx<'_> {
    /// The record of this id, deleted ones included.
    pub fn record(&self, id: ProjectId) -> Result<Option<Record>, StoreError> {
        record(self.connection(), self.space(), id, |text| self.payload(id, text))
    }

    /// Writes a payload, or a tombstone, as this store's own write on top of what is there, and tells of it.
    pub fn write(
        &mut self,
        id: ProjectId,
        current: Option<Record>,
        payload: Option<Payload>,
    ) -> Result<Record, StoreError> {
        self.must_be_open()?;
        let none = Ancestry::new();
        let ancestry = self.tick(current.as_ref().map_or(&none, |record| &record.version.ancestry))?;
        let device = self.writer()?.device.clone();
        let version = Version { payload, ancestry, device, at: self.at().to_owned(), author: None };
        if let Some(current) = &current {
            self.settle_changed(current, version.payload.as_ref())?;
        }
        let before = current.as_ref().and_then(|current| current.version.payload.as_ref());
        self.tell_written(id, before, version.payload.as_ref())?;
        self.put(id, current, version)
    }

    /// Puts a version in the place of `current`, which was read in this transaction and goes to history. Conflicts stay: whoever
    /// wrote it elsewhere did not see them.
    pub fn put(
        &mut self,
        id: ProjectId,
        current: Option<Record>,
        version: Version,
    ) -> Result<Record, StoreError> {
        let Some(current) = current else {
            let row = self.insert(id, &version)?;
            let sql = "INSERT INTO tracking (record, space) VALUES (?, ?)";
            self.connection().prepare_cached(sql)?.execute((row, self.space()))?;
            return Ok(Record { row, id, number: 1, version });
        };
        let number = current.number + 1;
        self.replace(current, number, version)
    }

    /// Files `other` as an older version and puts `version` on top of it and of `current`. Returns the record, and the number of
    /// what was filed, which never stands for a moment: fields that it has otherwise are no change.
    pub fn put_over(
        &mut self,
        current: Record,
        other: &Version,
        version: Version,
    ) -> Result<(Record, u64), StoreError> {
        let filed = current.number + 1;
        self.file(current.id, current.row, filed, other)?;
        Ok((self.replace(current, filed + 1, version)?, filed))
    }

    fn replace(&mut self, current: Record, number: u64, version: Version) -> Result<Record, StoreError> {
        let Record { row, id, .. } = current;
        self.follow_changed(id, row, current.version.payload.as_ref(), version.payload.as_ref())?;
        let kept = (current.number, self.now().as_second(), row);
        self.connection().prepare_cached(KEEP)?.execute(kept)?;
        self.rewrite(id, row, number, &version)?;
        self.kept += 1;
        self.trim_many(row, number)?;
        Ok(Record { row, id, number, version })
    }

    /// Makes `version` what stands, under this number.
    pub(super) fn rewrite(
        &self,
        id: ProjectId,
        row: i64,
        number: u64,
        version: &Version,
    ) -> Result<(), StoreError> {
        let prepare = |sql| self.connection().prepare_cached(sql);
        let columns = Columns {
            payload: self.column(Some(row), version.payload.as_ref())?,
            ..Columns::of(id, version)?
        };
        let keys: [&dyn ToSql; 1] = [&row];
        prepare(REPLACE)?.execute(&[&columns.values(version)[..], &keys].concat()[..])?;
        prepare("UPDATE tracking SET version = ? WHERE record = ?")?.execute((number, row))?;
        Ok(())
    }

    /// Adds an older version to a record's history.
    pub(super) fn file(
        &self,
        id: ProjectId,
        row: i64,
        number: u64,
        version: &Version,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(&version.ancestry).map_err(|error| bad_record(id, error))?;
        let payload = self.column(Some(row), version.payload.as_ref())?;
        let Version { device, at, author, .. } = version;
        let values = (row, number, payload, text, device, at, self.now().as_second(), author);
        self.connection().prepare_cached(FILE)?.execute(values)?;
        Ok(())
    }

    /// A new row, which needs one in `tracking` as well.
    pub(super) fn insert(&self, id: ProjectId, version: &Version) -> Result<i64, StoreError> {
        let prepare = |sql| self.connection().prepare_cached(sql);
        let columns =
            Columns { payload: self.column(None, version.payload.as_ref())?, ..Columns::of(id, version)? };
        let keys: [&dyn ToSql; 2] = [&self.space(), &id.as_str()];
        prepare(INSERT)?.execute(&[&columns.values(version)[..], &keys].concat()[..])?;
        Ok(self.connection().last_insert_rowid())
    }
}

/// What a version is in the table's columns.
#[derive(Default)]
pub(super) struct Columns {
    name: Option<String>,
    status: Option<String>,
    priority: Option<String>,
    rank: Option<i64>,
    tags: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    ancestry: String,
    payload: Option<String>,
}

impl Columns {
    fn values<'a>(&'a self, version: &'a Version) -> [&'a dyn ToSql; 12] {
        [
            &self.name,
            &self.status,
            &self.priority,
            &self.rank,
            &self.tags,
            &self.created_at,
            &self.updated_at,
            &self.ancestry,
            &version.device,
            &version.at,
            &self.payload,
            &version.author,
        ]
    }

    /// Whether a row has just these, from its column `first` on: name, status, priority, rank, tags, created_at, updated_at.
    pub(super) fn are_in(&self, row: &Row<'_>, first: usize) -> rusqlite::Result<bool> {
        let texts =
            [&self.name, &self.status, &self.priority, &self.tags, &self.created_at, &self.updated_at];
        for (text, n) in texts.into_iter().zip([0, 1, 2, 4, 5, 6]) {
            if row.get::<_, Option<String>>(first + n)? != *text {
                return Ok(false);
            }
        }
        Ok(row.get::<_, Option<i64>>(first + 3)? == self.rank)
    }

    /// All but the payload, whose column [`Tx::column`] makes.
    pub(super) fn of(id: ProjectId, version: &Version) -> Result<Self, StoreError> {
        let ancestry = serde_json::to_string(&version.ancestry).map_err(|error| bad_record(id, error))?;
        let Some(payload) = &version.payload else {
            return Ok(Self { ancestry, ..Self::default() });
        };
        Ok(Self {
            name: Some(payload.name()),
            status: Some(payload.read("status").unwrap_or_else(|| Status::default().to_string())),
            priority: Some(payload.read("priority").unwrap_or_else(|| Priority::default().to_string())),
            rank: payload.read("rank"),
            tags: payload.get("tags").map(|tags| tags.get().to_owned()),
            created_at: payload.read("createdAt"),
            updated_at: payload.read("updatedAt"),
            ancestry,
            payload: None,
        })
    }
}

/// The record of this id in `space`, deleted ones included; `open` makes a payload of what its column has.
pub(super) fn record(
    connection: &rusqlite::Connection,
    space: i64,
    id: ProjectId,
    open: impl Fn(&str) -> Result<Payload, StoreError>,
) -> Result<Option<Record>, StoreError> {
    let mut statement = connection.prepare_cached(RECORD)?;
    let found = statement.query_row((space, id.as_str()), |row| Ok(read(id, row, open))).optional()?;
    found.transpose()
}

fn read(
    id: ProjectId,
    row: &Row<'_>,
    open: impl Fn(&str) -> Result<Payload, StoreError>,
) -> Result<Record, StoreError> {
    let text: Option<String> = row.get(3)?;
    let version = Version {
        payload: text.as_deref().map(open).transpose()?,
        ancestry: ancestry(id, &row.get::<_, String>(4)?)?,
        device: row.get(5)?,
        at: row.get(6)?,
        author: row.get(7)?,
    };
    Ok(Record { row: row.get(0)?, id, number: row.get(2)?, version })
}

/// A payload out of a text that has nothing sealed.
pub(super) fn payload(id: ProjectId, text: &str) -> Result<Payload, StoreError> {
    Payload::parse(text).map_err(|error| bad_record(id, error))
}

/// An ancestry out of a table.
pub(super) fn ancestry(id: ProjectId, text: &str) -> Result<Ancestry, StoreError> {
    serde_json::from_str(text).map_err(|error| bad_record(id, error))
}

pub(super) fn bad_record(
    id: ProjectId,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::BadRecord { id: id.to_string(), source: Box::new(source) }
}
