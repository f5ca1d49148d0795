//! Projects as they were at an earlier time, out of this store's history.
//!
//! What stood at a time is the newest of the versions that were written until then, on whatever device: the one that came after the
//! others, whatever their clocks say, and of two that did not know each other the one that was written later. Going back there gives
//! back and takes nothing away: what did not exist then stays, and so do later versions, in history. It is an edit of this device,
//! with a restore point.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::written::contains;
use super::{Ancestry, Durability, Store, StoreError, Tx, projects, record};
use crate::project::{Payload, ProjectId};

/// What going back did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutBack {
    /// The way back; none: nothing was changed.
    pub point: Option<u64>,
    /// What was changed, with the fields; none of a project that is no longer deleted.
    pub changed: Vec<(ProjectId, String, Vec<String>)>,
    /// Projects that did not exist then, and stay.
    pub newer: Vec<(ProjectId, String)>,
    /// Projects whose history does not reach back so far. They stay as they are.
    pub unknown: Vec<(ProjectId, String)>,
}

/// Why the transaction ends without being kept.
enum Stop {
    DryRun(PutBack),
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// What history knows of a record at a time.
enum Then {
    /// It had this payload.
    Payload(Payload),
    /// It was deleted.
    Deleted,
    /// It was not there yet.
    Nothing,
    /// That was forgotten.
    Unknown,
}

const VERSIONS: &str = "SELECT version, at, ancestry FROM history WHERE record = ?1 UNION ALL \
                        SELECT t.version, r.at, r.ancestry FROM records r JOIN tracking t ON t.record = r.rowid WHERE r.rowid = ?1 \
                        ORDER BY 1";

impl Store {
    /// Makes projects what they were at `time`: these, or all. `operation` names the restore point.
    pub fn put_back(
        &mut self,
        time: Timestamp,
        only: Option<&BTreeSet<ProjectId>>,
        operation: &str,
        dry_run: bool,
    ) -> Result<PutBack, StoreError> {
        let outcome = self.write(Durability::Full, |tx| {
            let mut done = PutBack::default();
            let point = tx.open_point(operation)?;
            for id in tx.all_ids()? {
                if only.is_none_or(|only| only.contains(&id)) {
                    tx.put_back_one(id, time, point, &mut done)?;
                }
            }
            done.point = (!done.changed.is_empty()).then_some(point);
            match (dry_run, done.point) {
                (true, _) => Err(Stop::DryRun(PutBack { point: None, ..done })),
                // The transaction has nothing in it but an empty point.
                (false, None) => Err(Stop::DryRun(done)),
                (false, Some(_)) => Ok(done),
            }
        });
        match outcome {
            Ok(done) | Err(Stop::DryRun(done)) => Ok(done),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

impl Tx<'_> {
    fn all_ids(&self) -> Result<Vec<ProjectId>, StoreError> {
        let sql = "SELECT id FROM records WHERE space = ? ORDER BY id";
        let mut statement = self.connection().prepare_cached(sql)?;
        let ids = statement.query_map([self.space()], |row| row.get::<_, String>(0))?;
        ids.map(|id| projects::parse_id(id?)).collect()
    }

    fn put_back_one(
        &mut self,
        id: ProjectId,
        time: Timestamp,
        point: u64,
        done: &mut PutBack,
    ) -> Result<(), StoreError> {
        let Some(current) = self.record(id)? else { return Ok(()) };
        let (number, now) = (current.number, current.version.payload.clone());
        let name = |payload: &Option<Payload>| payload.as_ref().map(Payload::name).unwrap_or_default();
        let changed = match (self.at_time(id, current.row, time)?, now) {
            (Then::Unknown, now) => {
                done.unknown.push((id, name(&now)));
                return Ok(());
            }
            // What is deleted, and was or was not there, has nothing to give back.
            (Then::Deleted | Then::Nothing, None) => return Ok(()),
            // It came here later than it was made, from elsewhere.
            (Then::Nothing, now) if now.as_ref().is_some_and(|now| was_made(now, time)) => {
                done.unknown.push((id, name(&now)));
                return Ok(());
            }
            (Then::Deleted | Then::Nothing, now) => {
                done.newer.push((id, name(&now)));
                return Ok(());
            }
            (Then::Payload(then), None) => {
                let payload = self.touched(&then)?;
                self.write(id, Some(current), Some(payload.clone()))?;
                (id, payload.name(), Vec::new())
            }
            (Then::Payload(then), Some(now)) => {
                let times = ["createdAt", "updatedAt"];
                let then = then.with(times.map(|t| (t, now.get(t).map(ToOwned::to_owned))))?;
                let updated = self.finish_edit(current, &now, then)?;
                if updated.fields.is_empty() {
                    return Ok(());
                }
                (id, updated.payload.name(), updated.fields)
            }
        };
        done.changed.push(changed);
        match self.record(id)? {
            Some(record) => self.note_overwritten(point, &record, number, None),
            None => Ok(()),
        }
    }

    fn at_time(&self, id: ProjectId, row: i64, time: Timestamp) -> Result<Then, StoreError> {
        let mut statement = self.connection().prepare_cached(VERSIONS)?;
        let mut rows = statement.query([row])?;
        let (mut first, mut last, mut is_gap) = (None, None, false);
        let mut found: Option<(Timestamp, u64, Ancestry)> = None;
        while let Some(row) = rows.next()? {
            let number: u64 = row.get(0)?;
            first.get_or_insert(number);
            // What was forgotten behind the one that was found may have stood then.
            is_gap |= last.is_some_and(|last| {
                last + 1 < number && found.as_ref().is_some_and(|(_, best, _)| *best == last)
            });
            last = Some(number);
            // A time that another device wrote in another form names no moment.
            let Ok(at) = row.get::<_, String>(1)?.parse::<Timestamp>() else { continue };
            if at > time {
                continue;
            }
            let ancestry = record::ancestry(id, &row.get::<_, String>(2)?)?;
            if found.as_ref().is_none_or(|(then, _, seen)| *then <= at || contains(&ancestry, seen)) {
                (found, is_gap) = (Some((at, number, ancestry)), false);
            }
        }
        let Some((_, number, _)) = found else {
            return Ok(if first == Some(1) { Then::Nothing } else { Then::Unknown });
        };
        if is_gap {
            return Ok(Then::Unknown);
        }
        let sql = "SELECT payload FROM history WHERE record = ?1 AND version = ?2 UNION ALL \
                   SELECT r.payload FROM records r JOIN tracking t ON t.record = r.rowid \
                   WHERE r.rowid = ?1 AND t.version = ?2";
        let mut statement = self.connection().prepare_cached(sql)?;
        let text: Option<Option<String>> = statement.query_row((row, number), |row| row.get(0)).optional()?;
        match text.flatten() {
            Some(text) => Ok(Then::Payload(self.payload(id, &text)?)),
            None => Ok(Then::Deleted),
        }
    }
}

/// Whether the project says that it was made by then.
fn was_made(payload: &Payload, time: Timestamp) -> bool {
    let made = payload.read::<String>("createdAt").and_then(|at| at.parse::<Timestamp>().ok());
    made.is_some_and(|made| made <= time)
}
