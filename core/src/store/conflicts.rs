//! Fields that were changed on both sides: this device's value stands in the record, the other one waits here.
//!
//! A conflict is settled by a choice ([`Store::resolve`]) or by any later change of the field, on whichever device: who changed
//! it saw what was there. It belongs to this device and does not travel.

use rusqlite::Row;
use serde_json::value::RawValue;

use super::record::bad_record;
use super::{Durability, Record, Store, StoreError, Tx, Version, field, projects};
use crate::project::{Payload, ProjectId};

/// A field that was changed on both sides.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// The project.
    pub id: ProjectId,
    /// Its name.
    pub project: String,
    /// Where: `name`, `mcpServers.NAME`, `manualTasks.3.title`.
    pub field: String,
    /// What stands in the record; none: nothing.
    pub local: Option<Box<RawValue>>,
    /// The other value.
    pub cloud: Option<Box<RawValue>>,
    /// The device that wrote the other value.
    pub device: String,
    /// When it did.
    pub at: String,
}

/// Which value a field is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The one that stands.
    Local,
    /// The other one.
    Cloud,
}

const LIST: &str = "SELECT r.id, r.name, c.field, c.local, c.cloud, c.device, c.at FROM conflicts c \
                    JOIN records r ON r.rowid = c.record WHERE r.space = ?1 AND (?2 IS NULL OR r.id = ?2) \
                    ORDER BY r.name, r.id, c.field, c.rowid";

impl Store {
    /// The unsettled conflicts, of one project or of all.
    pub fn conflicts(&self, id: Option<ProjectId>) -> Result<Vec<Conflict>, StoreError> {
        let mut statement = self.connection.prepare_cached(LIST)?;
        let id = id.as_ref().map(ProjectId::as_str);
        let rows = statement.query_map((self.space, id), |row| Ok(conflict(row)))?;
        rows.map(|row| row?).collect()
    }

    /// Settles a conflict. With [`Choice::Cloud`] the newest other value becomes the field's, as an edit of this device.
    /// False: there is no such conflict.
    pub fn resolve(&mut self, id: ProjectId, field: &str, choice: Choice) -> Result<bool, StoreError> {
        self.write(Durability::Full, |tx| {
            let (record, payload) = tx.live(id)?;
            let Some(cloud) = tx.newest_other_value(&record, field)? else {
                return Ok(false);
            };
            tx.forget_conflicts(record.row, field)?;
            if choice == Choice::Cloud {
                let changed = field::with_value(&payload, field, cloud)?;
                tx.finish_edit(record, &payload, changed)?;
            }
            Ok(true)
        })
    }
}

impl Tx<'_> {
    /// Keeps the value that lost, unless it is kept already. `other` is the version that it came with.
    pub fn add_conflict(
        &self,
        record: &Record,
        field: &str,
        local: Option<&RawValue>,
        cloud: Option<&RawValue>,
        other: &Version,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO conflicts (record, field, local, cloud, device, at) SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
                   WHERE NOT EXISTS (SELECT 1 FROM conflicts WHERE record = ?1 AND field = ?2 AND cloud IS ?4)";
        let text = |value: Option<&RawValue>| value.map(|value| value.get().to_owned());
        let values = (record.row, field, text(local), text(cloud), &other.device, &other.at);
        self.connection().prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Forgets the conflicts of fields whose value `now` is another than when they were found.
    pub(super) fn settle_changed(&self, row: i64, now: Option<&Payload>) -> Result<(), StoreError> {
        let mut statement =
            self.connection().prepare_cached("SELECT field, local FROM conflicts WHERE record = ?")?;
        let found = statement
            .query_map([row], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))?;
        let found: Vec<(String, Option<String>)> = found.collect::<Result<_, _>>()?;
        for (field, local) in found {
            let value = now.and_then(|payload| field::value_of(payload, &field));
            if value.as_deref().map(RawValue::get) != local.as_deref() {
                self.forget_conflicts(row, &field)?;
            }
        }
        Ok(())
    }

    fn forget_conflicts(&self, row: i64, field: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM conflicts WHERE record = ? AND field = ?";
        self.connection().prepare_cached(sql)?.execute((row, field))?;
        Ok(())
    }

    /// The newest value that lost to this field's; none where it has no conflict.
    fn newest_other_value(
        &self,
        record: &Record,
        field: &str,
    ) -> Result<Option<Option<Box<RawValue>>>, StoreError> {
        let sql = "SELECT cloud FROM conflicts WHERE record = ? AND field = ? ORDER BY rowid DESC LIMIT 1";
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut rows = statement.query((record.row, field))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(json(record.id, row.get(0)?)?))
    }
}

fn conflict(row: &Row<'_>) -> Result<Conflict, StoreError> {
    let id = projects::parse_id(row.get(0)?)?;
    Ok(Conflict {
        id,
        project: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        field: row.get(2)?,
        local: json(id, row.get(3)?)?,
        cloud: json(id, row.get(4)?)?,
        device: row.get(5)?,
        at: row.get(6)?,
    })
}

fn json(id: ProjectId, text: Option<String>) -> Result<Option<Box<RawValue>>, StoreError> {
    text.map(RawValue::from_string).transpose().map_err(|error| bad_record(id, error))
}
