//! What was missed while this machine slept, or nothing ran: spread, so that it is not fired at once.

use jiff::Timestamp;
use rusqlite::Connection;

use crate::event::{EventError, Owner, schedule};

/// What was due long before now and is on nobody's way, the longest due first. ?1: due before, ?2: now, ?3: the owner.
const MISSED: &str = "SELECT d.rowid FROM deliveries d JOIN endpoints e ON e.rowid = d.endpoint \
                      WHERE d.state = 'pending' AND d.due < ?1 AND (d.lease IS NULL OR d.lease_until <= ?2) \
                      AND e.disabled_at IS NULL AND NOT e.pulled AND (?3 IS NULL OR e.owner = ?3) ORDER BY d.due, d.rowid";

/// Gives each a due time of its own, from now on, in their order. Returns when the last one is due.
pub(super) fn spread(
    db: &Connection,
    owner: Option<Owner>,
    now: Timestamp,
    random: &dyn Fn() -> f64,
) -> Result<Timestamp, EventError> {
    let before = schedule::missed_before(now).as_millisecond();
    let mut statement = db.prepare_cached(MISSED)?;
    let rows =
        statement.query_map((before, now.as_millisecond(), owner.map(|owner| owner.0)), |row| row.get(0))?;
    let rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
    let mut due = now;
    for (row, at) in rows.iter().zip(schedule::spread(now, rows.len(), random)) {
        due = at;
        db.prepare_cached("UPDATE deliveries SET due = ? WHERE rowid = ?")?
            .execute((at.as_millisecond(), row))?;
    }
    if !rows.is_empty() {
        tracing::info!(target: "orkee::webhook", deliveries = rows.len(), "spread what was missed");
    }
    Ok(due)
}

/// Whether anything was missed: one look at the endpoints that something waits for.
pub(super) fn is_any(db: &Connection, owner: Option<Owner>, now: Timestamp) -> Result<bool, EventError> {
    let next = crate::event::deliveries::next_due(db, owner, now)?;
    Ok(next.is_some_and(|next| next < schedule::missed_before(now)))
}
