//! What a project was: every version, what changed in it, and the way back.

use serde_json::value::RawValue;

use super::at_rest::damaged::{self, Damaged};
use super::at_rest::is_damaged;
use super::projects::Updated;
use super::record;
use super::{Ancestry, Durability, Store, StoreError, Tx, contains};
use crate::project::{Payload, ProjectId};

/// One version of a project.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Its number, from 1.
    pub n: u64,
    /// When it was written, RFC 3339.
    pub at: String,
    /// The device that wrote it.
    pub device: String,
    /// The address of the account that brought it to a team.
    pub author: Option<String>,
    /// It is a tombstone.
    pub deleted: bool,
    /// It came from another device, without knowledge of the version before it, and never stood here: the next version is both,
    /// merged.
    pub was_merged: bool,
    /// What it changed in the version that it was made from; in a tombstone, or after one, nothing is spelled out but what differs. Nothing if
    /// the version before it was forgotten.
    pub fields: Vec<FieldChange>,
}

/// A field that a version changed.
#[derive(Debug, Clone)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// The value before; none where it was not there.
    pub old: Option<Box<RawValue>>,
    /// The value after; none where it is gone.
    pub new: Option<Box<RawValue>>,
}

/// A version, read.
struct Kept {
    n: u64,
    payload: Option<Payload>,
    device: String,
    author: Option<String>,
    at: String,
    ancestry: Ancestry,
    was_merged: bool,
}

const VERSIONS: &str = "SELECT h.version AS n, h.payload, h.device, h.at, h.ancestry, h.author FROM history h \
                        JOIN records r ON r.rowid = h.record WHERE r.space = ?1 AND r.id = ?2 \
                        UNION ALL SELECT t.version, r.payload, r.device, r.at, r.ancestry, r.author FROM records r \
                        JOIN tracking t ON t.record = r.rowid WHERE r.space = ?1 AND r.id = ?2 ORDER BY n";

impl Store {
    /// All versions of a project, oldest first, deleted projects included.
    pub fn history(&self, id: ProjectId) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut statement = self.connection.prepare_cached(VERSIONS)?;
        let mut rows = statement.query((self.space, id.as_str()))?;
        let mut kept = Vec::new();
        while let Some(row) = rows.next()? {
            let text: Option<String> = row.get(1)?;
            kept.push(Kept {
                n: row.get(0)?,
                payload: text.map(|text| self.payload(id, &text)).transpose()?,
                device: row.get(2)?,
                at: row.get(3)?,
                ancestry: record::ancestry(id, &row.get::<_, String>(4)?)?,
                author: row.get(5)?,
                was_merged: false,
            });
        }
        find_merged(&mut kept);
        let entries: Vec<HistoryEntry> = (0..kept.len()).map(|index| entry(&kept, index)).collect();
        if entries.is_empty() { Err(self.not_found(id.as_str())?) } else { Ok(entries) }
    }

    /// Takes a deletion back: the newest version that history has a payload of.
    pub fn restore(&mut self, id: ProjectId) -> Result<Payload, StoreError> {
        self.write(Durability::Full, |tx| {
            let none = || StoreError::NotFound { query: id.to_string(), near: Vec::new() };
            let current = tx.record(id)?.ok_or_else(none)?;
            if current.version.payload.is_some() {
                return Err(StoreError::NotDeleted { id });
            }
            let payload = tx.last_payload(current.row, id)?.ok_or_else(none)?;
            let payload = tx.touched(&payload)?;
            tx.write(id, Some(current), Some(payload.clone()))?;
            Ok(payload)
        })
        .and_then(|payload| self.shown(payload))
        .or_else(|error| self.name_near(error))
    }

    /// Makes the project what it was in version `n`, as a new version.
    pub fn revert(&mut self, id: ProjectId, n: u64) -> Result<Updated, StoreError> {
        self.write(Durability::Full, |tx| {
            let (record, payload) = tx.live(id)?;
            let wanted = match n == record.number {
                true => payload.clone(),
                false => tx.payload_at(record.row, id, n)?.ok_or(StoreError::NoVersion { id, n })?,
            };
            let is_lost = |field: &&str| payload.get(field).is_some_and(|now| !is_damaged(now));
            if let Some(field) = damaged::fields(&wanted).find(is_lost) {
                // What can be read does not give way to what cannot.
                return Err(record::bad_record(id, Damaged(field.to_owned())));
            }
            tx.finish_edit(record, &payload, wanted)
        })
        .and_then(|updated| self.updated(updated))
        .or_else(|error| self.name_near(error))
    }
}

impl Tx<'_> {
    fn last_payload(&self, row: i64, id: ProjectId) -> Result<Option<Payload>, StoreError> {
        let sql = "SELECT payload FROM history WHERE record = ? AND payload IS NOT NULL ORDER BY version DESC LIMIT 1";
        self.old_payload(id, sql, [row])
    }

    /// What an older version was; none for a tombstone, and for one that is not there.
    pub(super) fn payload_at(&self, row: i64, id: ProjectId, n: u64) -> Result<Option<Payload>, StoreError> {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        let sql = "SELECT payload FROM history WHERE record = ? AND version = ? AND payload IS NOT NULL";
        self.old_payload(id, sql, [row, n])
    }

    fn old_payload(
        &self,
        id: ProjectId,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<Payload>, StoreError> {
        use rusqlite::OptionalExtension;
        let mut statement = self.connection().prepare_cached(sql)?;
        let text = statement.query_row(values, |row| row.get::<_, String>(0)).optional()?;
        text.map(|text| self.payload(id, &text)).transpose()
    }
}

/// Marks versions that never stood: each was filed below the merge that contains it and what stood before.
fn find_merged(kept: &mut [Kept]) {
    let mut stood = 0;
    for index in 1..kept.len() {
        let (before, version) = (&kept[stood].ancestry, &kept[index].ancestry);
        let is_apart = !contains(version, before) && !contains(before, version);
        let is_in_next = kept
            .get(index + 1)
            .is_some_and(|next| contains(&next.ancestry, version) && contains(&next.ancestry, before));
        if is_apart && is_in_next {
            kept[index].was_merged = true;
        } else {
            stood = index;
        }
    }
}

fn entry(kept: &[Kept], index: usize) -> HistoryEntry {
    let Kept { n, payload, device, author, at, ancestry, was_merged } = &kept[index];
    // What a version was made from, through tombstones: one that was merged, from the last that it contains; else what stood.
    let is_before = |version: &&Kept| match was_merged {
        true => contains(ancestry, &version.ancestry),
        false => !version.was_merged,
    };
    let before = kept[..index].iter().rev().filter(is_before).find_map(|version| version.payload.as_ref());
    // Where the version before it was forgotten, nobody knows what it changed.
    let is_known = *n == kept[..index].last().map_or(1, |before| before.n + 1);
    let payload = payload.as_ref().filter(|_| is_known);
    let fields = payload.map(|payload| changes(before, payload)).unwrap_or_default();
    HistoryEntry {
        n: *n,
        at: at.clone(),
        device: device.clone(),
        author: author.clone(),
        deleted: kept[index].payload.is_none(),
        was_merged: *was_merged,
        fields,
    }
}

fn changes(before: Option<&Payload>, after: &Payload) -> Vec<FieldChange> {
    let owned = |value: Option<&RawValue>| value.map(ToOwned::to_owned);
    match before {
        Some(before) => {
            let found = before.differences(after);
            found
                .into_iter()
                .map(|d| FieldChange { field: d.field.to_owned(), old: owned(d.here), new: owned(d.there) })
                .collect()
        }
        None => {
            let all = after.iter();
            all.map(|(field, new)| FieldChange { field: field.to_owned(), old: None, new: owned(Some(new)) })
                .collect()
        }
    }
}
