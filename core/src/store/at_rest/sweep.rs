//! Brings all texts into the form that the lock asks for, and what they were out of the file.
//!
//! The sweep goes over the tables in batches, each a transaction: whoever else writes meanwhile writes the wanted form already, so that
//! what was passed stays done, and a sweep that was broken off is gone over again from the beginning. Versions go from `records`
//! to `history` and never back, so that table comes first. What is damaged stays as it is, and a lock does not come off
//! over it. What was typed and only looks sealed is sealed from the lock's first transaction to its last. Then nothing points at old text any more, but its bytes are in
//! pages that are free, or in the write-ahead log: the file is written anew and the log emptied.

use std::time::Instant;

use rusqlite::types::Value;
use serde_json::value::RawValue;

use super::super::turn::insist;
use super::super::{Durability, Store, StoreError, Tx};
use super::damaged::Damaged;
use super::{ENVELOPE, LOCKABLE, Lock, LockStage, Open, looks_sealed, sealed_in, top};
use crate::project::RawObject;

/// Under which name a text is sealed that is no project's.
const WHOLE: &str = "$payload";

/// Rows of a transaction.
const BATCH: usize = 200;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Texts that it gave another form.
    pub texts: u64,
}

const RECORDS: &str =
    "SELECT rowid, id, payload FROM records WHERE rowid > ? AND payload IS NOT NULL ORDER BY rowid LIMIT ?";

const HISTORY: &str = "SELECT h.rowid, r.id, h.payload FROM history h CROSS JOIN records r ON r.rowid = h.record \
                       WHERE h.rowid > ? AND h.payload IS NOT NULL ORDER BY h.rowid LIMIT ?";

const CONFLICTS: &str = "SELECT c.rowid, r.id, c.field, c.local, c.cloud FROM conflicts c CROSS JOIN records r ON r.rowid = c.record \
                         WHERE c.rowid > ? ORDER BY c.rowid LIMIT ?";

const UNREADABLE: &str = "SELECT rowid, id, envelope FROM unreadable WHERE rowid > ? ORDER BY rowid LIMIT ?";

#[derive(Clone, Copy)]
pub(super) enum Table {
    Records,
    History,
    Conflicts,
    Unreadable,
}

/// Whatever has texts of projects.
pub(super) const TEXTS: [Table; 3] = [Table::Records, Table::History, Table::Conflicts];

/// What a column's text, of this record and at this path, is to be.
pub(super) type Form = fn(&Open, Table, &str, &str, &Value) -> Result<Value, StoreError>;

/// A row to be rewritten: its columns from the first text on.
type Rewritten = (i64, Vec<Value>);

impl Store {
    /// Brings every text into the form that the lock asks for; where it asks for none, the lock is off then. Wants the key.
    pub fn sweep(&mut self) -> Result<Swept, StoreError> {
        self.connection.pragma_update(None, "secure_delete", true)?;
        let mut swept = Swept::default();
        for table in [Table::Records, Table::History, Table::Conflicts, Table::Unreadable] {
            let mut after = 0;
            while let Some(last) = self.write::<_, StoreError>(Durability::Refetchable, |tx| {
                let (last, texts) = tx.sweep_some(table, after, Open::reformed)?;
                swept.texts += texts;
                Ok(last)
            })? {
                after = last;
            }
        }
        self.write::<_, StoreError>(Durability::Full, |tx| {
            tx.must_be_open()?;
            if matches!(tx.lock()?, Lock::Open(open) if open.fields.is_empty()) {
                tx.sweep_at_once(&TEXTS, Open::bare)?;
            }
            tx.connection().execute("DELETE FROM lock WHERE fields = '[]'", [])?;
            let sql = "UPDATE lock SET stage = ? WHERE stage = ?";
            tx.connection().execute(sql, (LockStage::Wiping.word(), LockStage::Sweeping.word()))?;
            Ok(())
        })?;
        Ok(swept)
    }

    /// Takes out of the file and its log what the texts were. [`StoreError::Locked`]: another process reads it all the time.
    pub fn wipe(&mut self) -> Result<(), StoreError> {
        self.connection.pragma_update(None, "secure_delete", true)?;
        let deadline = Instant::now() + self.wait;
        insist(deadline, || self.connection.execute_batch("VACUUM"))?;
        self.empty_log(deadline)?;
        self.write::<_, StoreError>(Durability::Full, |tx| {
            let sql = "UPDATE lock SET stage = ? WHERE stage = ?";
            tx.connection().execute(sql, (LockStage::Done.word(), LockStage::Wiping.word()))?;
            Ok(())
        })
    }

    fn empty_log(&self, deadline: Instant) -> Result<(), StoreError> {
        loop {
            let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
            let is_busy: bool = insist(deadline, || self.connection.query_row(sql, [], |row| row.get(0)))?;
            if !is_busy {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Locked);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

impl Tx<'_> {
    /// Gives all texts of some tables another form, in this transaction.
    pub(super) fn sweep_at_once(&self, tables: &[Table], form: Form) -> Result<(), StoreError> {
        for table in tables {
            let mut after = 0;
            while let (Some(last), _) = self.sweep_some(*table, after, form)? {
                after = last;
            }
        }
        Ok(())
    }

    /// Sweeps a batch of rows behind `after`. Returns the last of them, none at the end of the table, and how many texts changed.
    fn sweep_some(&self, table: Table, after: i64, form: Form) -> Result<(Option<i64>, u64), StoreError> {
        let Lock::Open(open) = self.lock()? else { return Err(StoreError::Shut) };
        let (read, write, first) = match table {
            Table::Records => (RECORDS, "UPDATE records SET payload = ?2 WHERE rowid = ?1", 2),
            Table::History => (HISTORY, "UPDATE history SET payload = ?2 WHERE rowid = ?1", 2),
            Table::Conflicts => {
                (CONFLICTS, "UPDATE conflicts SET local = ?2, cloud = ?3 WHERE rowid = ?1", 3)
            }
            Table::Unreadable => (UNREADABLE, "UPDATE unreadable SET envelope = ?2 WHERE rowid = ?1", 2),
        };
        let (mut last, mut changed): (Option<i64>, Vec<Rewritten>) = (None, Vec::new());
        let mut statement = self.connection().prepare_cached(read)?;
        let columns = statement.column_count();
        let mut rows = statement.query((after, BATCH))?;
        while let Some(row) = rows.next()? {
            let (number, id): (i64, String) = (row.get(0)?, row.get(1)?);
            last = Some(number);
            let texts: Vec<Value> = (first..columns).map(|n| row.get(n)).collect::<Result<_, _>>()?;
            let field = if first == 3 { row.get::<_, String>(2)? } else { String::new() };
            let wanted: Vec<Value> =
                texts.iter().map(|text| form(open, table, &id, &field, text)).collect::<Result<_, _>>()?;
            if wanted != texts {
                changed.push((number, wanted));
            }
        }
        drop(rows);
        let mut statement = self.connection().prepare_cached(write)?;
        for (number, texts) in &changed {
            let row = Value::Integer(*number);
            statement.execute(rusqlite::params_from_iter(std::iter::once(&row).chain(texts)))?;
        }
        Ok((last, changed.len() as u64))
    }
}

impl Open {
    /// A column's text in the form that it should have. What is damaged, and is no project's, is sealed whole.
    fn reformed(&self, table: Table, id: &str, field: &str, value: &Value) -> Result<Value, StoreError> {
        Ok(match (table, value) {
            (Table::Records | Table::History, Value::Text(text)) => {
                let text = self.whole(id, text).unwrap_or_else(|| text.clone());
                Value::Text(match RawObject::parse(&text) {
                    Ok(object) => {
                        let opened = self.opened(id, object);
                        let broken = |error: serde_json::Error| StoreError::BadRecord {
                            id: id.to_owned(),
                            source: error.into(),
                        };
                        self.sealed(id, opened.map_err(broken)?)?
                    }
                    Err(_) if self.fields.is_empty() => text,
                    Err(_) => self.mark(id, WHOLE, text.as_bytes())?,
                })
            }
            (Table::Conflicts, Value::Text(text)) => {
                let top = top(field);
                let sealed = sealed_in(text).filter(|_| LOCKABLE.contains(&top));
                let opened = match sealed.map(|sealed| self.plain(id, top, sealed)) {
                    Some(Some(opened)) => opened,
                    // What is damaged stays as it is, and is known by that.
                    Some(None) => return Ok(value.clone()),
                    None => text.clone(),
                };
                let wanted =
                    if self.seals(top, &opened) { self.mark(id, top, opened.as_bytes())? } else { opened };
                Value::Text(wanted)
            }
            (Table::Unreadable, Value::Blob(bytes)) => Value::Blob(self.reformed_envelope(id, bytes)?),
            (_, other) => other.clone(),
        })
    }

    /// A text with nothing sealed in it. Refused where something does not open.
    pub(super) fn bare(
        &self,
        table: Table,
        id: &str,
        path: &str,
        value: &Value,
    ) -> Result<Value, StoreError> {
        self.each_sealed(table, id, path, value, |field, text| {
            let opened = sealed_in(text).and_then(|sealed| match field {
                Some(field) => self.plain(id, field, sealed),
                None => self.whole(id, text),
            });
            opened.ok_or_else(|| {
                let where_it_is = match table {
                    Table::History => " in an older version",
                    Table::Conflicts => " in a conflict",
                    Table::Records | Table::Unreadable => "",
                };
                let damaged = Damaged(format!("{}{where_it_is}", field.unwrap_or("the project")));
                StoreError::BadRecord { id: id.to_owned(), source: Box::new(damaged) }
            })
        })
    }

    /// As it is, if [`Open::bare`] would not refuse it.
    pub(super) fn sound(
        &self,
        table: Table,
        id: &str,
        path: &str,
        value: &Value,
    ) -> Result<Value, StoreError> {
        self.bare(table, id, path, value)?;
        Ok(value.clone())
    }

    /// A text of before there was a lock: what looks sealed is sealed, so that it is no damaged one from here on.
    pub(super) fn veiled(
        &self,
        table: Table,
        id: &str,
        path: &str,
        value: &Value,
    ) -> Result<Value, StoreError> {
        self.each_sealed(table, id, path, value, |field, text| match field {
            Some(field) => self.mark(id, field, text.as_bytes()),
            None => Ok(text.to_owned()),
        })
    }

    /// A text with other values in the place of those that look sealed; where it does so as a whole, they are of no field.
    fn each_sealed(
        &self,
        table: Table,
        id: &str,
        path: &str,
        value: &Value,
        other: impl Fn(Option<&str>, &str) -> Result<String, StoreError>,
    ) -> Result<Value, StoreError> {
        let Value::Text(text) = value else { return Ok(value.clone()) };
        if !looks_sealed(text) {
            return Ok(value.clone());
        }
        if matches!(table, Table::Conflicts) {
            let field = top(path);
            let is_so = LOCKABLE.contains(&field) && sealed_in(text).is_some();
            return Ok(if is_so { Value::Text(other(Some(field), text)?) } else { value.clone() });
        }
        if sealed_in(text).is_some() {
            return other(None, text).map(Value::Text);
        }
        let Ok(mut object) = RawObject::parse(text) else { return Ok(value.clone()) };
        for field in LOCKABLE {
            let Some(found) = object.get(field).filter(|value| sealed_in(value.get()).is_some()) else {
                continue;
            };
            let other = RawValue::from_string(other(Some(field), found.get())?);
            let broken =
                |error: serde_json::Error| StoreError::BadRecord { id: id.to_owned(), source: error.into() };
            object.set(field, Some(other.map_err(broken)?));
        }
        Ok(Value::Text(object.to_json()))
    }

    /// The text that was sealed as a whole. None: it was not.
    pub(super) fn whole(&self, id: &str, text: &str) -> Option<String> {
        String::from_utf8(self.seal.open(id, WHOLE, sealed_in(text)?)?).ok()
    }

    fn reformed_envelope(&self, id: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let opened = self.envelope(id, bytes);
        let plain = opened.as_deref().unwrap_or(bytes);
        if self.fields.is_empty() {
            Ok(plain.to_vec())
        } else {
            Ok(self.mark(id, ENVELOPE, plain)?.into_bytes())
        }
    }
}
