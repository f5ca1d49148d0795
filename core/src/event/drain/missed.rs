//! What was missed while this machine slept, or nothing ran: spread, so that it is not fired at once.

use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::event::{EventError, Ledger, Owner, schedule};

/// What was due long before now and is on nobody's way, the longest due first. ?1: due before, ?2: now, ?3: the owner.
const MISSED: &str = "SELECT d.rowid FROM deliveries d JOIN endpoints e ON e.rowid = d.endpoint \
                      WHERE d.state = 'pending' AND d.due < ?1 AND (d.lease IS NULL OR d.lease_until <= ?2) \
                      AND e.disabled_at IS NULL AND NOT e.pulled AND (?3 IS NULL OR e.owner = ?3) ORDER BY d.due, d.rowid";

const PUT_OFF: &str = "UPDATE deliveries SET due = ?1 WHERE rowid = ?2 AND state = 'pending' AND due < ?3 \
                       AND (lease IS NULL OR lease_until <= ?4)";

/// Deliveries of one transaction.
const STEP: usize = 1000;
/// Between two of them, so that others who write have their turn.
const PAUSE: Duration = Duration::from_millis(2);

/// Gives each a due time of its own, from now on, in their order. Returns when the last one is due. What somebody takes meanwhile is theirs.
pub(super) fn spread(
    ledger: &dyn Ledger,
    owner: Option<Owner>,
    now: Timestamp,
    random: &dyn Fn() -> f64,
) -> Result<Timestamp, EventError> {
    let before = schedule::missed_before(now).as_millisecond();
    let rows = ledger.reading(|db| missed(db, owner, before, now))?;
    let spread: Vec<_> = rows.iter().zip(schedule::spread(now, rows.len(), random)).collect();
    for (n, step) in spread.chunks(STEP).enumerate() {
        if n > 0 {
            thread::sleep(PAUSE);
        }
        ledger.noting(|db| {
            for (row, due) in step {
                let values = (due.as_millisecond(), row, before, now.as_millisecond());
                db.prepare_cached(PUT_OFF)?.execute(values)?;
            }
            Ok(())
        })?;
    }
    if !rows.is_empty() {
        tracing::info!(target: "orkee::webhook", deliveries = rows.len(), "spread what was missed");
    }
    Ok(spread.last().map_or(now, |(_, due)| *due))
}

fn missed(
    db: &Connection,
    owner: Option<Owner>,
    before: i64,
    now: Timestamp,
) -> Result<Vec<i64>, EventError> {
    let mut statement = db.prepare_cached(MISSED)?;
    let values = (before, now.as_millisecond(), owner.map(|owner| owner.0));
    let rows = statement.query_map(values, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether anything was missed: one look at the endpoints that something waits for.
pub(super) fn is_any(db: &Connection, owner: Option<Owner>, now: Timestamp) -> Result<bool, EventError> {
    let next = crate::event::deliveries::next_due(db, owner, now)?;
    Ok(next.is_some_and(|next| next < schedule::missed_before(now)))
}
