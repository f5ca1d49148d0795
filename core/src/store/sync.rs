//! What the engine reads and writes of each record, in `tracking`.
//!
//! Every statement touches the rows it is about, found by an index; those that go over all records are named for the rare
//! moments that need it ([`Tx::offer_everything`], [`Tx::gone`]).

use rusqlite::{OptionalExtension, Row};

use super::record::{ancestry, bad_record, payload};
use super::{Ancestry, Record, StoreError, Tx, Version, contains};
use crate::project::ProjectId;
use crate::sync::provider::Revision;

/// A record's state, without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Its row.
    pub row: i64,
    /// The number of its newest version.
    pub number: u64,
    /// Whether the newest version is a tombstone.
    pub is_tombstone: bool,
    /// What the newest version contains.
    pub ancestry: Ancestry,
    /// What both sides are known to have.
    pub agreed: Agreed,
    /// The version on the wire.
    pub sent_at: Option<u64>,
    /// The clock of this store's newest write among the versions that history has forgotten.
    pub forgotten: u64,
}

/// What both sides are known to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The number of the base.
    pub base_at: Option<u64>,
    /// The base as the backend has it; none: it has no such record.
    pub there: Option<There>,
    /// The version that was agreed; none: the newest has to be said again. [`Agreed::IN_ANOTHER_FORM`]: in another form alone.
    pub clean_at: Option<u64>,
}

/// A version as the backend has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// What the backend calls it.
    pub revision: Revision,
    /// The epoch under which it is sealed there; 0: it is plain.
    pub epoch: u32,
}

impl Agreed {
    /// In place of the number that was agreed: the base is the newest version, but has to go again, sealed otherwise. No version has
    /// this number.
    pub const IN_ANOTHER_FORM: u64 = 0;

    /// Both sides have the version of this number.
    pub fn on(number: u64, there: There) -> Self {
        Self { base_at: Some(number), there: Some(there), clean_at: Some(number) }
    }

    /// What the backend calls its version.
    pub fn revision(&self) -> Option<&Revision> {
        self.there.as_ref().map(|there| &there.revision)
    }
}

impl Tracked {
    /// Whether the newest version says something that the other side does not have.
    pub fn is_dirty(&self) -> bool {
        let Agreed { base_at, clean_at, .. } = self.agreed;
        let is_form_alone = clean_at == Some(Agreed::IN_ANOTHER_FORM) && base_at == Some(self.number);
        clean_at != Some(self.number) && !is_form_alone
    }
}

/// A version that waits to be sent, as it stands in the tables.
#[derive(Debug)]
pub struct Waiting {
    /// The record's row.
    pub row: i64,
    /// Its id.
    pub id: ProjectId,
    /// For people; empty for a tombstone.
    pub name: String,
    /// The number of the version.
    pub number: u64,
    /// Whether it left before, and was not answered.
    pub is_resent: bool,
    /// What the backend is believed to have.
    pub guard: Option<Revision>,
    /// The version.
    pub version: RawVersion,
}

/// A version's columns.
#[derive(Debug)]
pub struct RawVersion {
    /// JSON.
    pub ancestry: String,
    /// Who wrote it.
    pub device: String,
    /// When.
    pub at: String,
    /// None: a tombstone.
    pub payload: Option<String>,
    /// Whose account brought it to a team; not read of what waits to be sent.
    pub author: Option<String>,
}

const TRACKED: &str = "SELECT r.rowid, t.version, r.name IS NULL, r.ancestry, t.base_at, t.revision, t.clean_at, t.sent_at, \
                       t.forgotten, t.epoch \
                       FROM records r JOIN tracking t ON t.record = r.rowid WHERE r.space = ? AND r.id = ?";

const WAITING: &str = "SELECT t.record, r.id, r.name, t.version, t.sent_at, t.revision, r.ancestry, r.device, r.at, r.payload \
                       FROM tracking t CROSS JOIN records r ON r.rowid = t.record \
                       WHERE t.space = ? AND t.version IS NOT t.clean_at AND t.record > ? \
                       AND t.parked_at IS NOT t.version ORDER BY t.record";

const OLD_VERSION: &str =
    "SELECT ancestry, device, at, payload, author FROM history WHERE record = ? AND version = ?";

impl Tx<'_> {
    /// The state of a record.
    pub fn tracked(&self, id: ProjectId) -> Result<Option<Tracked>, StoreError> {
        let mut statement = self.connection().prepare_cached(TRACKED)?;
        let found =
            statement.query_row((self.space(), id.as_str()), |row| Ok(tracked(id, row))).optional()?;
        found.transpose()
    }

    /// Visits what waits to be sent, from the record after `after` on, until `visit` says that it is enough.
    pub fn visit_waiting(
        &self,
        after: i64,
        skip: impl Fn(i64) -> bool,
        mut visit: impl FnMut(Waiting) -> bool,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(WAITING)?;
        let mut rows = statement.query((self.space(), after))?;
        while let Some(row) = rows.next()? {
            if skip(row.get(0)?) {
                continue;
            }
            if !visit(self.waiting(row)?) {
                break;
            }
        }
        Ok(())
    }

    fn waiting(&self, row: &Row<'_>) -> Result<Waiting, StoreError> {
        let id = super::projects::parse_id(row.get(1)?)?;
        let (newest, sent_at): (u64, Option<u64>) = (row.get(3)?, row.get(4)?);
        let (record, number) = (row.get(0)?, sent_at.unwrap_or(newest));
        let version = if number == newest {
            RawVersion {
                ancestry: row.get(6)?,
                device: row.get(7)?,
                at: row.get(8)?,
                payload: self.payload_text(id, row.get(9)?)?,
                author: None,
            }
        } else {
            self.raw_version(id, record, number)?
        };
        Ok(Waiting {
            row: record,
            id,
            name: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            number,
            is_resent: sent_at.is_some(),
            guard: row.get::<_, Option<String>>(5)?.map(Revision),
            version,
        })
    }

    fn raw_version(&self, id: ProjectId, row: i64, number: u64) -> Result<RawVersion, StoreError> {
        let mut statement = self.connection().prepare_cached(OLD_VERSION)?;
        let found = statement.query_row((row, number), |row| {
            Ok(RawVersion {
                ancestry: row.get(0)?,
                device: row.get(1)?,
                at: row.get(2)?,
                payload: row.get(3)?,
                author: row.get(4)?,
            })
        });
        let found = found.optional()?.ok_or_else(|| missing(id, number))?;
        Ok(RawVersion { payload: self.payload_text(id, found.payload)?, ..found })
    }

    /// The version that has this number.
    pub fn version_at(&self, record: &Record, number: u64) -> Result<Version, StoreError> {
        if number == record.number {
            return Ok(record.version.clone());
        }
        let raw = self.raw_version(record.id, record.row, number)?;
        Ok(Version {
            payload: raw.payload.map(|text| payload(record.id, &text)).transpose()?,
            ancestry: ancestry(record.id, &raw.ancestry)?,
            device: raw.device,
            at: raw.at,
            author: raw.author,
        })
    }

    /// What the version of this number contains.
    pub fn ancestry_at(&self, id: ProjectId, known: &Tracked, number: u64) -> Result<Ancestry, StoreError> {
        if number == known.number {
            return Ok(known.ancestry.clone());
        }
        let sql = "SELECT ancestry FROM history WHERE record = ? AND version = ?";
        let found = self
            .connection()
            .prepare_cached(sql)?
            .query_row((known.row, number), |row| row.get(0))
            .optional()?;
        ancestry(id, &found.ok_or_else(|| missing(id, number)).map(|text: String| text)?)
    }

    /// Whether an older version of the record is a write of `writer` at `clock`.
    pub fn remembers_write(
        &self,
        id: ProjectId,
        row: i64,
        writer: &str,
        clock: u64,
    ) -> Result<bool, StoreError> {
        let mut statement =
            self.connection().prepare_cached("SELECT ancestry FROM history WHERE record = ?")?;
        let mut rows = statement.query([row])?;
        while let Some(row) = rows.next()? {
            if ancestry(id, &row.get::<_, String>(0)?)?.get(writer) == Some(&clock) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The newest version here that both a record and `theirs`, which is concurrent to it, contain. That is the base, unless
    /// one that contains the base turns out to have reached the other side, too.
    pub fn common_version(
        &self,
        record: &Record,
        base_at: Option<u64>,
        theirs: &Ancestry,
    ) -> Result<Option<Version>, StoreError> {
        let sql = "SELECT version, ancestry FROM history WHERE record = ? ORDER BY version = ? DESC, version";
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut rows = statement.query((record.row, base_at))?;
        let mut common: Option<(u64, Ancestry)> = None;
        while let Some(row) = rows.next()? {
            let candidate = ancestry(record.id, row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
            let is_shared = contains(theirs, &candidate) && contains(&record.version.ancestry, &candidate);
            if is_shared && common.as_ref().is_none_or(|(_, known)| contains(&candidate, known)) {
                common = Some((row.get(0)?, candidate));
            }
        }
        common.map(|(number, _)| self.version_at(record, number)).transpose()
    }

    /// The number of the older version that contains just this.
    pub fn find_version(
        &self,
        id: ProjectId,
        row: i64,
        contains: &Ancestry,
    ) -> Result<Option<u64>, StoreError> {
        let text = serde_json::to_string(contains).map_err(|error| bad_record(id, error))?;
        let sql =
            "SELECT version FROM history WHERE record = ? AND ancestry = ? ORDER BY version DESC LIMIT 1";
        Ok(self.connection().prepare_cached(sql)?.query_row((row, text), |row| row.get(0)).optional()?)
    }

    /// Files a version below the newest one, which takes a higher number; returns the filed one's.
    pub fn slip_in(&self, known: &Tracked, id: ProjectId, version: &Version) -> Result<u64, StoreError> {
        let number = known.number + 1;
        self.file(id, known.row, number, version)?;
        let sql = "UPDATE tracking SET version = ? WHERE record = ?";
        self.connection().prepare_cached(sql)?.execute((number + 1, known.row))?;
        Ok(number)
    }

    /// What both sides are known to have now. Nothing of the record is on the wire any more.
    pub fn agree(&self, row: i64, agreed: &Agreed) -> Result<(), StoreError> {
        let sql = "UPDATE tracking SET base_at = ?, revision = ?, epoch = ?, clean_at = ?, sent_at = NULL, parked_at = NULL, \
                   parked = NULL WHERE record = ?";
        let revision = agreed.revision().map(|revision| &revision.0);
        let epoch = agreed.there.as_ref().map_or(0, |there| there.epoch);
        self.connection().prepare_cached(sql)?.execute((
            agreed.base_at,
            revision,
            epoch,
            agreed.clean_at,
            row,
        ))?;
        Ok(())
    }

    /// As [`Tx::agree`], for a record that was just put.
    pub fn agree_on(&self, record: &Record, agreed: &Agreed) -> Result<(), StoreError> {
        self.agree(record.row, agreed)
    }

    /// Adds a record that was not here, in the backend's version.
    pub fn add_agreed(
        &mut self,
        id: ProjectId,
        version: &Version,
        there: &There,
        listing: u64,
    ) -> Result<(), StoreError> {
        let row = self.insert(id, version)?;
        let sql = "INSERT INTO tracking (record, space, version, base_at, revision, epoch, clean_at, listed) \
                   VALUES (?, ?, 1, 1, ?, ?, 1, ?)";
        let values = (row, self.space(), &there.revision.0, there.epoch, listing);
        self.connection().prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// As [`Tx::agree`] on a version that was sent and accepted, which also was met in the listing under way. If it was forgotten
    /// meanwhile, since the store took another name, nothing is agreed: it comes back as what stands in ours' place.
    pub fn accept(&self, row: i64, number: u64, there: &There, listing: u64) -> Result<(), StoreError> {
        let sql = "UPDATE tracking SET base_at = ?2, revision = ?3, epoch = ?5, clean_at = ?2, sent_at = NULL, listed = ?4, \
                   parked_at = NULL, parked = NULL WHERE record = ?1 AND (version = ?2 \
                   OR EXISTS (SELECT 1 FROM history h WHERE h.record = ?1 AND h.version = ?2))";
        let values = (row, number, &there.revision.0, listing, there.epoch);
        self.connection().prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Says whose account brought a version to the team, where that is not known.
    pub fn note_author(&self, row: i64, number: u64, author: &str) -> Result<(), StoreError> {
        let newest = "UPDATE records SET author = ?3 WHERE rowid = ?1 AND author IS NULL \
                      AND EXISTS (SELECT 1 FROM tracking t WHERE t.record = ?1 AND t.version = ?2)";
        let older = "UPDATE history SET author = ?3 WHERE record = ?1 AND version = ?2 AND author IS NULL";
        for sql in [newest, older] {
            self.connection().prepare_cached(sql)?.execute((row, number, author))?;
        }
        Ok(())
    }

    /// The version is about to leave. One that left before and was not answered stays what was sent.
    pub fn mark_sent(&self, row: i64, number: u64) -> Result<(), StoreError> {
        let sql = "UPDATE tracking SET sent_at = ? WHERE record = ? AND sent_at IS NULL";
        self.connection().prepare_cached(sql)?.execute((number, row))?;
        Ok(())
    }

    /// The record of this row was met in the listing under way.
    pub fn mark_row_listed(&self, row: i64, listing: u64) -> Result<(), StoreError> {
        let sql = "UPDATE tracking SET listed = ?1 WHERE record = ?2 AND listed <> ?1";
        self.connection().prepare_cached(sql)?.execute((listing, row))?;
        Ok(())
    }

    /// The record was met in the listing under way.
    pub fn mark_listed(&self, id: ProjectId, listing: u64) -> Result<(), StoreError> {
        let sql = "UPDATE tracking SET listed = ? WHERE record = (SELECT rowid FROM records WHERE space = ? AND id = ?)";
        self.connection().prepare_cached(sql)?.execute((listing, self.space(), id.as_str()))?;
        Ok(())
    }

    /// Sets a version aside: it is not sent until it changes or is retried.
    pub fn park(&self, row: i64, number: u64, reason: &str) -> Result<(), StoreError> {
        let sql = "UPDATE tracking SET sent_at = NULL, parked_at = ?, parked = ? WHERE record = ?";
        self.connection().prepare_cached(sql)?.execute((number, reason, row))?;
        Ok(())
    }

    /// Keeps a version that cannot be read, as it came.
    pub fn set_aside(
        &self,
        id: &str,
        revision: &Revision,
        envelope: &[u8],
        reason: &str,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO unreadable (space, id, revision, envelope, reason) VALUES (?, ?, ?, ?, ?) \
                   ON CONFLICT DO UPDATE SET revision = excluded.revision, envelope = excluded.envelope, \
                   reason = excluded.reason, again = 0";
        let envelope = self.envelope_column(id, envelope)?;
        self.connection().prepare_cached(sql)?.execute((self.space(), id, &revision.0, envelope, reason))?;
        Ok(())
    }

    /// A version of this record arrived that can be read.
    pub fn clear_aside(&self, id: ProjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM unreadable WHERE space = ? AND id = ?";
        self.connection().prepare_cached(sql)?.execute((self.space(), id.as_str()))?;
        Ok(())
    }

    /// What is set aside under this id, which need not be a project's, came from there once, and is of no use.
    pub fn forget_aside(&self, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM unreadable WHERE space = ? AND id = ? AND revision <> ''";
        self.connection().prepare_cached(sql)?.execute((self.space(), id))?;
        Ok(())
    }

    /// The backend has none of it: every record goes up again, nothing is agreed. Goes over all records.
    pub fn offer_everything(&self) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE tracking SET revision = NULL, clean_at = NULL, sent_at = NULL WHERE space = ?",
            [self.space()],
        )?;
        Ok(())
    }

    /// Records that both sides agreed on and that the listing did not meet. Goes over all records.
    pub fn gone(&self, listing: u64) -> Result<Vec<ProjectId>, StoreError> {
        let sql = "SELECT r.id FROM tracking t CROSS JOIN records r ON r.rowid = t.record \
                   WHERE t.space = ? AND t.revision IS NOT NULL AND t.listed <> ?";
        let mut statement = self.connection().prepare_cached(sql)?;
        let ids = statement.query_map((self.space(), listing), |row| row.get::<_, String>(0))?;
        ids.map(|id| super::projects::parse_id(id?)).collect()
    }

    /// How many records are not tombstones. Goes over an index of all.
    pub fn count_live(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM records WHERE space = ? AND name IS NOT NULL";
        Ok(self.connection().query_row(sql, [self.space()], |row| row.get(0))?)
    }

    /// Records that are known, tombstones and what cannot be read included.
    pub fn count_known(&self) -> Result<u64, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM records WHERE space = ?1) \
                   + (SELECT count(*) FROM unreadable WHERE space = ?1)";
        Ok(self.connection().prepare_cached(sql)?.query_row([self.space()], |row| row.get(0))?)
    }

    /// Ids of records whose newest version says something that the other side does not have, parked ones included.
    pub fn dirty_ids(&self) -> Result<Vec<ProjectId>, StoreError> {
        let sql = "SELECT r.id FROM tracking t CROSS JOIN records r ON r.rowid = t.record \
                   WHERE t.space = ? AND t.version IS NOT t.clean_at \
                   AND NOT (t.clean_at IS 0 AND t.base_at IS t.version)";
        let mut statement = self.connection().prepare_cached(sql)?;
        let ids = statement.query_map([self.space()], |row| row.get::<_, String>(0))?;
        ids.map(|id| super::projects::parse_id(id?)).collect()
    }
}

fn there(revision: Option<String>, epoch: u32) -> Option<There> {
    revision.map(|revision| There { revision: Revision(revision), epoch })
}

fn missing(id: ProjectId, number: u64) -> StoreError {
    StoreError::Damaged { what: format!("{id} is said to have a version {number}, which is not there") }
}

fn tracked(id: ProjectId, row: &Row<'_>) -> Result<Tracked, StoreError> {
    Ok(Tracked {
        row: row.get(0)?,
        number: row.get(1)?,
        is_tombstone: row.get(2)?,
        ancestry: ancestry(id, row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
        agreed: Agreed {
            base_at: row.get(4)?,
            there: there(row.get(5)?, row.get(9)?),
            clean_at: row.get(6)?,
        },
        sent_at: row.get(7)?,
        forgotten: row.get(8)?,
    })
}
