//! Ways back: what an operation overwrote that a person asked for, and how to undo it.
//!
//! A restore point names, for each record, the version that lost and the one that took its place; both stay in history for as long
//! as the point does. Undoing gives back and takes nothing away: a field that the operation changed is what it was before, other
//! fields keep what was written since, and a project that the operation brought stays. It is an edit of this device, and
//! makes a point of its own.

use std::collections::BTreeSet;

use rusqlite::OptionalExtension;
use serde_json::value::RawValue;

use super::at_rest::damaged::Damaged;
use super::record::bad_record;
use super::{Durability, Record, Store, StoreError, Tx, field};
use crate::project::{Payload, ProjectId};

/// Points of a space that are kept.
const KEPT: u32 = 50;

/// A way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its number, from 1.
    pub number: u64,
    /// When the operation began, RFC 3339.
    pub at: String,
    /// What a person asked for, as a command.
    pub operation: String,
    /// Projects that it overwrote something of.
    pub projects: u64,
}

/// What undoing an operation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// The operation.
    pub operation: String,
    /// The point to undo this in turn; none: nothing was changed.
    pub point: Option<u64>,
    /// What was changed, with the fields; none of a project that was deleted and is back.
    pub projects: Vec<(ProjectId, String, Vec<String>)>,
}

/// A record in a point.
struct Overwritten {
    id: String,
    row: i64,
    lost: u64,
    won: u64,
    fields: Option<String>,
}

const LIST: &str = "SELECT p.rowid, p.at, p.operation, (SELECT count(*) FROM overwritten o WHERE o.point = p.rowid) AS n \
                    FROM points p WHERE p.space = ? AND n > 0 ORDER BY p.rowid DESC";

const RECORDS: &str = "SELECT r.id, o.record, o.lost, o.won, o.fields FROM overwritten o \
                       JOIN records r ON r.rowid = o.record WHERE o.point = ? ORDER BY r.id";

// One that nothing was noted for takes nobody's place.
const DROP_OLD: &str = "DELETE FROM points WHERE space = ?1 AND rowid <= (SELECT p.rowid FROM points p WHERE p.space = ?1 AND \
                        EXISTS (SELECT 1 FROM overwritten o WHERE o.point = p.rowid) ORDER BY p.rowid DESC LIMIT 1 OFFSET ?2)";

impl Store {
    /// Begins a way back for an operation; what it overwrites is noted with [`Tx::note_overwritten`].
    pub fn open_point(&mut self, operation: &str) -> Result<u64, StoreError> {
        self.write(Durability::Full, |tx| tx.open_point(operation))
    }

    /// The operation ended. A point that nothing was noted for is forgotten.
    pub fn close_point(&mut self, number: u64) -> Result<Option<Point>, StoreError> {
        let found = self.points()?.into_iter().find(|point| point.number == number);
        if found.is_none() {
            self.write::<_, StoreError>(Durability::Refetchable, |tx| {
                tx.connection().execute("DELETE FROM points WHERE rowid = ?", [number])?;
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// The ways back that there are, newest first.
    pub fn points(&self) -> Result<Vec<Point>, StoreError> {
        let mut statement = self.connection.prepare_cached(LIST)?;
        let points = statement.query_map([self.space], |row| {
            Ok(Point { number: row.get(0)?, at: row.get(1)?, operation: row.get(2)?, projects: row.get(3)? })
        })?;
        Ok(points.collect::<Result<_, _>>()?)
    }

    /// Undoes what was overwritten in the operation of this point, or of the newest one.
    pub fn undo(&mut self, number: Option<u64>) -> Result<Undone, StoreError> {
        let points = self.points()?;
        let point = match number {
            Some(number) => points.into_iter().find(|point| point.number == number),
            None => points.into_iter().next(),
        };
        let Some(point) = point else { return Err(StoreError::NoPoint { number }) };
        self.write(Durability::Full, |tx| {
            let mut undone = Undone { operation: point.operation.clone(), ..Undone::default() };
            // Read first: the new point may take the place of this one, if it is the oldest that is kept.
            let records = tx.overwritten(point.number)?;
            let own = tx.open_point(&format!("undo {}", point.number))?;
            for overwritten in records {
                if let Some(project) = tx.give_back(own, &overwritten)? {
                    undone.projects.push(project);
                }
            }
            undone.point = (!undone.projects.is_empty()).then_some(own);
            if undone.point.is_none() {
                tx.connection().execute("DELETE FROM points WHERE rowid = ?", [own])?;
            }
            Ok(undone)
        })
    }
}

impl Tx<'_> {
    /// As [`Store::open_point`].
    pub fn open_point(&self, operation: &str) -> Result<u64, StoreError> {
        let sql = "INSERT INTO points (space, at, operation) VALUES (?, ?, ?)";
        self.connection().prepare_cached(sql)?.execute((self.space(), self.at(), operation))?;
        let number = self.connection().last_insert_rowid();
        Ok(u64::try_from(number).unwrap_or_default())
    }

    /// The version `lost` of a record gave way to its version `won`: in `fields`, named as conflicts name them, or in all that
    /// differs. Of several losses of whole versions in one operation the first counts.
    pub fn note_overwritten(
        &self,
        point: u64,
        record: &Record,
        lost: u64,
        fields: Option<BTreeSet<String>>,
    ) -> Result<(), StoreError> {
        let known: Option<(u64, Option<String>)> = self
            .connection()
            .prepare_cached("SELECT lost, fields FROM overwritten WHERE point = ? AND record = ?")?
            .query_row((point, record.row), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (lost, fields) = match (known, fields) {
            (None, fields) => (lost, fields),
            (Some((first, None)), _) => (first, None),
            (Some(_), None) => (lost, None),
            // The backend's newer version has the older one's fields, too.
            (Some((_, Some(before))), Some(mut fields)) => {
                fields.extend(parse(record.id, &before)?);
                (lost, Some(fields))
            }
        };
        let fields = fields.map(|fields| serde_json::to_string(&fields)).transpose();
        let fields = fields.map_err(|error| bad_record(record.id, error))?;
        let first = "SELECT NOT EXISTS (SELECT 1 FROM overwritten WHERE point = ?)";
        let is_first: bool = self.connection().prepare_cached(first)?.query_row([point], |row| row.get(0))?;
        let sql = "INSERT INTO overwritten (point, record, lost, won, fields) VALUES (?, ?, ?, ?, ?) \
                   ON CONFLICT DO UPDATE SET lost = excluded.lost, won = excluded.won, fields = excluded.fields";
        self.connection().prepare_cached(sql)?.execute((point, record.row, lost, record.number, fields))?;
        if is_first {
            self.connection().prepare_cached(DROP_OLD)?.execute((self.space(), KEPT))?;
        }
        Ok(())
    }

    fn overwritten(&self, point: u64) -> Result<Vec<Overwritten>, StoreError> {
        let mut statement = self.connection().prepare_cached(RECORDS)?;
        let found = statement.query_map([point], |row| {
            Ok(Overwritten {
                id: row.get(0)?,
                row: row.get(1)?,
                lost: row.get(2)?,
                won: row.get(3)?,
                fields: row.get(4)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Makes a record what it was before the operation, as far as the operation changed it.
    fn give_back(
        &mut self,
        own: u64,
        overwritten: &Overwritten,
    ) -> Result<Option<(ProjectId, String, Vec<String>)>, StoreError> {
        let Overwritten { id, row, lost, won, fields } = overwritten;
        let id = super::projects::parse_id(id.clone())?;
        let Some(current) = self.record(id)? else { return Ok(None) };
        let number = current.number;
        let at = |number| match number == current.number {
            true => Ok(current.version.payload.clone()),
            false => self.payload_at(*row, id, number),
        };
        // A tombstone that lost is no project to give back.
        let Some(lost) = at(*lost)? else { return Ok(None) };
        let won = at(*won)?;
        let written = match &current.version.payload {
            None => {
                let payload = self.touched(&lost)?;
                self.write(id, Some(current), Some(payload.clone()))?;
                (payload, Vec::new())
            }
            Some(now) => {
                let now = now.clone();
                let wanted = match (fields, won) {
                    (Some(fields), _) => with_fields(&now, &lost, parse(id, fields)?)?,
                    (None, Some(won)) => with_differences(&now, &won, &lost)?,
                    // What it deleted was restored since.
                    (None, None) => return Ok(None),
                };
                let updated = self.finish_edit(current, &now, wanted)?;
                if updated.fields.is_empty() {
                    return Ok(None);
                }
                (updated.payload, updated.fields)
            }
        };
        if let Some(record) = self.record(id)? {
            self.note_overwritten(own, &record, number, None)?;
        }
        Ok(Some((id, written.0.name(), written.1)))
    }
}

fn parse(id: ProjectId, fields: &str) -> Result<BTreeSet<String>, StoreError> {
    serde_json::from_str(fields).map_err(|error| bad_record(id, error))
}

fn with_fields(now: &Payload, lost: &Payload, fields: BTreeSet<String>) -> Result<Payload, StoreError> {
    fields
        .iter()
        .try_fold(now.clone(), |payload, name| field::with_value(&payload, name, lost_value(lost, name)?))
}

fn lost_value(lost: &Payload, name: &str) -> Result<Option<Box<RawValue>>, StoreError> {
    match field::is_damaged_at(lost, name) {
        true => Err(bad_record(lost.id(), Damaged(name.to_owned()))),
        false => Ok(field::value_of(lost, name)),
    }
}

fn with_differences(now: &Payload, won: &Payload, lost: &Payload) -> Result<Payload, StoreError> {
    let changed = won.differences(lost);
    let changes = changed.iter().filter(|d| !matches!(d.field, "createdAt" | "updatedAt"));
    Ok(now.with(changes.map(|d| (d.field, d.there.map(ToOwned::to_owned))))?)
}
