//! Fields that were changed on both sides: this device's value stands in the record, the other one waits here.
//!
//! A conflict belongs to this device and does not travel. It ends when a person here chooses ([`Store::settle`],
//! [`Store::settle_with`], [`Store::resolve`]) or changes the field, when the other value comes to stand, or when what the field
//! belongs to is gone: with the record's tombstone, or with the task. While the field is damaged on this device it waits. A version that arrives and changes the field ends nothing, since
//! whoever wrote it never saw the other value. Where a merge gives a task another number, what waits for its fields follows.

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

/// How a conflict was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The project's newest version after that.
    pub at: u64,
    /// Whether that version is what settling wrote.
    pub wrote: bool,
}

// The cross join keeps the order: from the few conflicts to their records, not from all records.
const LIST: &str = "SELECT r.id, r.name, c.field, c.local, c.cloud, c.device, c.at FROM conflicts c \
                    CROSS JOIN records r ON r.rowid = c.record WHERE r.space = ?1 AND (?2 IS NULL OR r.id = ?2) \
                    ORDER BY r.name, r.id, c.field, c.rowid DESC";

impl Store {
    /// The unsettled conflicts, of one project or of all. Where several values wait for one field, the newest comes first.
    pub fn conflicts(&self, id: Option<ProjectId>) -> Result<Vec<Conflict>, StoreError> {
        let mut statement = self.connection.prepare_cached(LIST)?;
        let id = id.as_ref().map(ProjectId::as_str);
        let rows = statement.query_map((self.space, id), |row| Ok(self.conflict(row)))?;
        rows.map(|row| row?).collect()
    }

    fn conflict(&self, row: &Row<'_>) -> Result<Conflict, StoreError> {
        let id = projects::parse_id(row.get(0)?)?;
        let field: String = row.get(2)?;
        let value = |text: Option<String>| {
            let text = text.map(|text| self.value(id, &field, text)).transpose()?;
            json(id, text)
        };
        Ok(Conflict {
            id,
            project: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            local: value(row.get(3)?)?,
            cloud: value(row.get(4)?)?,
            field,
            device: row.get(5)?,
            at: row.get(6)?,
        })
    }

    /// Settles one conflict as it was shown to a person. With [`Choice::Cloud`] the value that was shown becomes the field's, as
    /// an edit of this device; other values that wait for the field go on waiting. False: it is not as it was shown any more.
    pub fn settle(&mut self, shown: &Conflict, choice: Choice) -> Result<bool, StoreError> {
        self.write(Durability::Full, |tx| {
            let Some(record) = tx.record(shown.id)? else {
                return Ok(false);
            };
            if !tx.forget_shown(record.row, shown)? {
                return Ok(false);
            }
            if choice == Choice::Cloud {
                let (record, payload) = tx.live(shown.id)?;
                let changed = field::with_value(&payload, &shown.field, shown.cloud.clone())?;
                tx.finish_choice(record, &payload, changed)?;
            }
            Ok(true)
        })
    }

    /// As [`Store::settle`], with a value that the person wrote instead of the two. It has to be one that the field may have.
    pub fn settle_with(
        &mut self,
        shown: &Conflict,
        value: Option<Box<RawValue>>,
    ) -> Result<bool, StoreError> {
        self.write(Durability::Full, |tx| {
            let Some(record) = tx.record(shown.id)? else {
                return Ok(false);
            };
            if !tx.forget_shown(record.row, shown)? {
                return Ok(false);
            }
            let (record, payload) = tx.live(shown.id)?;
            let changed = field::with_value(&payload, &shown.field, value)?;
            projects::check_fields(&payload, &changed)?;
            tx.finish_choice(record, &payload, changed)?;
            Ok(true)
        })
    }

    /// Takes back what a person decided: those of `conflicts`, all of one project, that still concern what stands wait again, and where
    /// deciding wrote a version, the project is what it was in the one before. Returns how many wait again; none: the project was
    /// changed since, and nothing is done.
    pub fn unsettle(
        &mut self,
        id: ProjectId,
        decided: Decided,
        conflicts: &[Conflict],
    ) -> Result<Option<usize>, StoreError> {
        self.write(Durability::Full, |tx| {
            tx.must_be_open()?;
            let (mut record, mut payload) = tx.live(id)?;
            let then = match record.number == decided.at {
                true => Some(payload.clone()),
                false if decided.wrote => return Ok(None),
                false => tx.payload_at(record.row, id, decided.at)?,
            };
            if decided.wrote {
                let n = decided.at.saturating_sub(1);
                let before = tx.payload_at(record.row, id, n)?.ok_or(StoreError::NoVersion { id, n })?;
                tx.finish_edit(record, &payload, before)?;
                (record, payload) = tx.live(id)?;
            }
            let mut count = 0;
            // Listed newest first, and stored newest last.
            for conflict in conflicts.iter().rev() {
                let stands = field::value_of(&payload, &conflict.field);
                if stands.as_deref().map(RawValue::get) == conflict.local.as_deref().map(RawValue::get)
                    && field::is_of_same_task(then.as_ref(), &payload, &conflict.field)
                {
                    count += tx.wait_again(&record, conflict)?;
                }
            }
            Ok(Some(count))
        })
    }

    /// Settles all that waits for each of some fields, in one edit of this device. With [`Choice::Cloud`] the newest other value
    /// becomes the field's. Returns how many of the fields had a conflict.
    pub fn resolve(&mut self, id: ProjectId, choices: &[(String, Choice)]) -> Result<usize, StoreError> {
        self.write(Durability::Full, |tx| {
            tx.must_be_open()?;
            let (record, payload) = tx.live(id)?;
            let (mut settled, mut changed) = (0, payload.clone());
            for (field, choice) in choices {
                let Some(cloud) = tx.newest_other_value(&record, field)? else { continue };
                tx.forget_conflicts(record.row, field)?;
                if *choice == Choice::Cloud {
                    changed = field::with_value(&changed, field, cloud)?;
                }
                settled += 1;
            }
            tx.finish_choice(record, &payload, changed)?;
            Ok(settled)
        })
    }
}

impl Tx<'_> {
    /// Keeps the value that lost, unless it is kept already, and tells of it. `other` is the version that it came with.
    pub fn add_conflict(
        &self,
        record: &Record,
        field: &str,
        local: Option<&RawValue>,
        cloud: Option<&RawValue>,
        other: &Version,
    ) -> Result<(), StoreError> {
        match self.keep_other(record, field, [local, cloud], [&other.device, &other.at])? {
            0 => Ok(()),
            _ => self.tell_conflict(record, field),
        }
    }

    /// Whoever listens heard of it when it was found.
    fn wait_again(&self, record: &Record, conflict: &Conflict) -> Result<usize, StoreError> {
        let values = [conflict.local.as_deref(), conflict.cloud.as_deref()];
        self.keep_other(record, &conflict.field, values, [&conflict.device, &conflict.at])
    }

    fn keep_other(
        &self,
        record: &Record,
        field: &str,
        [local, cloud]: [Option<&RawValue>; 2],
        [device, at]: [&str; 2],
    ) -> Result<usize, StoreError> {
        let sql = "INSERT INTO conflicts (record, field, local, cloud, device, at) SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
                   WHERE NOT EXISTS (SELECT 1 FROM conflicts WHERE record = ?1 AND field = ?2 AND cloud IS ?4)";
        let text = |value: Option<&RawValue>| {
            self.value_column(record.id, field, value.map(|value| value.get().to_owned()))
        };
        let values = (record.row, field, text(local)?, text(cloud)?, device, at);
        Ok(self.connection().prepare_cached(sql)?.execute(values)?)
    }

    /// Writes what a person chose. Other values that wait for the field go on waiting beside it.
    fn finish_choice(&mut self, record: Record, before: &Payload, now: Payload) -> Result<(), StoreError> {
        self.follow_changed(record.id, record.row, Some(before), Some(&now))?;
        self.finish_edit(record, before, now)?;
        Ok(())
    }

    /// A person decided that the record is to be `now`: forgets the conflicts of fields that have another value then. With a
    /// tombstone all of them end.
    pub fn settle_changed(&self, current: &Record, now: Option<&Payload>) -> Result<(), StoreError> {
        let (id, row) = (current.id, current.row);
        let Some(now) = now else { return self.forget_all_conflicts(row) };
        let before = current.version.payload.as_ref();
        for kept in self.kept(id, row)? {
            if field::is_damaged_at(now, &kept.field) {
                // Nobody chose anything of it, nor knows what stands there.
                continue;
            }
            if kept.stands(now) != kept.local || !field::is_of_same_task(before, now, &kept.field) {
                self.forget_conflicts(row, &kept.field)?;
            }
        }
        Ok(())
    }

    /// The record becomes `now` without a person here who chose: conflicts wait beside the values that stand now, unless the other
    /// value is what stands. They end with the task that they are about, and with a tombstone all of them.
    pub(super) fn follow_changed(
        &self,
        id: ProjectId,
        row: i64,
        before: Option<&Payload>,
        now: Option<&Payload>,
    ) -> Result<(), StoreError> {
        let Some(now) = now else { return self.forget_all_conflicts(row) };
        for kept in self.kept(id, row)? {
            if field::is_damaged_at(now, &kept.field) {
                continue;
            }
            let stands = kept.stands(now);
            if stands == kept.cloud || !field::is_of_same_task(before, now, &kept.field) {
                let sql = "DELETE FROM conflicts WHERE rowid = ?";
                self.connection().prepare_cached(sql)?.execute([kept.row])?;
            } else if stands != kept.local {
                let sql = "UPDATE conflicts SET local = ? WHERE rowid = ?";
                let stands = self.value_column(id, &kept.field, stands)?;
                self.connection().prepare_cached(sql)?.execute((stands, kept.row))?;
            }
        }
        Ok(())
    }

    /// A merge gives the task at `from` another number: what waits for its fields does so at `to`.
    #[cfg(feature = "sync")]
    pub fn move_conflicts(&self, record: &Record, from: &str, to: &str) -> Result<(), StoreError> {
        let sql = "UPDATE conflicts SET field = ? WHERE rowid = ?";
        for kept in self.kept(record.id, record.row)? {
            if let Some(rest) = kept.field.strip_prefix(from).filter(|rest| rest.starts_with('.')) {
                self.connection().prepare_cached(sql)?.execute((format!("{to}{rest}"), kept.row))?;
            }
        }
        Ok(())
    }

    fn kept(&self, id: ProjectId, record: i64) -> Result<Vec<Kept>, StoreError> {
        let sql = "SELECT rowid, field, local, cloud FROM conflicts WHERE record = ?";
        let mut statement = self.connection().prepare_cached(sql)?;
        let found = statement.query_map([record], |row| {
            Ok(Kept { row: row.get(0)?, field: row.get(1)?, local: row.get(2)?, cloud: row.get(3)? })
        })?;
        let opened = found.map(|kept| {
            let Kept { row, field, local, cloud } = kept?;
            let (local, cloud) = (self.value(id, &field, local)?, self.value(id, &field, cloud)?);
            Ok(Kept { row, field, local, cloud })
        });
        opened.collect()
    }

    fn forget_all_conflicts(&self, row: i64) -> Result<(), StoreError> {
        self.connection().prepare_cached("DELETE FROM conflicts WHERE record = ?")?.execute([row])?;
        Ok(())
    }

    /// False: there is none that looks like this.
    fn forget_shown(&self, row: i64, shown: &Conflict) -> Result<bool, StoreError> {
        let sql = "DELETE FROM conflicts WHERE record = ? AND field = ? AND local IS ? AND cloud IS ?";
        self.must_be_open()?;
        let text = |value: &Option<Box<RawValue>>| {
            let text = value.as_ref().map(|value| value.get().to_owned());
            self.known_value(shown.id, &shown.field, text)
        };
        let values = (row, &shown.field, text(&shown.local)?, text(&shown.cloud)?);
        Ok(self.connection().prepare_cached(sql)?.execute(values)? > 0)
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
        Ok(Some(json(record.id, self.value(record.id, field, row.get(0)?)?)?))
    }
}

/// A conflict as its table has it, values as JSON text.
struct Kept {
    row: i64,
    field: String,
    local: Option<String>,
    cloud: Option<String>,
}

impl Kept {
    /// What its field is in `payload`.
    fn stands(&self, payload: &Payload) -> Option<String> {
        field::value_of(payload, &self.field).map(|value| value.get().to_owned())
    }
}

fn json(id: ProjectId, text: Option<String>) -> Result<Option<Box<RawValue>>, StoreError> {
    text.map(RawValue::from_string).transpose().map_err(|error| bad_record(id, error))
}
