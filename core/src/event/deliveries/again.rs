//! Ending what waits, and sending again what ended.

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::endpoints::DISABLED;
use super::super::outbox::{self, MOST_WAITING};
use super::super::time::ms;
use super::super::{Endpoint, EventError, Owner};

/// What was cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// Deliveries that will not be sent.
    pub deliveries: u64,
}

/// Deliveries that are to be sent again: of endpoints that are not disabled.
#[derive(Debug, Clone)]
pub enum Which {
    /// Those of these events, however they ended.
    Events(Vec<String>),
    /// Those that were given up, and those that an attempt failed of, of events since then: the oldest, as far as one call goes.
    Failed(Option<Timestamp>),
}

/// Deliveries that are sent again by one call.
pub const MOST_AGAIN: usize = 10_000;

const AGAIN: &str = "UPDATE deliveries SET state = 'pending', since = ?1, due = ?1, before = attempts, settled_at = NULL, why = NULL, \
                     lease = NULL, lease_until = NULL WHERE rowid = ?2";

// What is on its way now is sent anyway.
const OF_EVENT: &str = "SELECT d.rowid FROM events v JOIN deliveries d ON d.event = v.rowid JOIN endpoints e ON e.rowid = d.endpoint \
                        WHERE v.owner = ?1 AND v.id = ?2 AND (?3 IS NULL OR e.id = ?3) AND e.disabled_at IS NULL \
                        AND e.removed_at IS NULL AND (d.lease IS NULL OR d.lease_until <= ?4) ORDER BY d.rowid";

const FAILED: &str = "SELECT d.rowid FROM deliveries d JOIN events v ON v.rowid = d.event JOIN endpoints e ON e.rowid = d.endpoint \
                      WHERE v.owner = ?1 AND (?2 IS NULL OR v.at >= ?2) AND (?3 IS NULL OR e.id = ?3) AND e.disabled_at IS NULL \
                      AND e.removed_at IS NULL AND (d.lease IS NULL OR d.lease_until <= ?4) \
                      AND (d.state = 'dead' OR (d.state = 'pending' AND d.attempts > d.before)) ORDER BY d.rowid LIMIT ?5";

/// The rows of deliveries that [`redeliver`] would send again, of one endpoint or of all.
pub fn matching(
    db: &Connection,
    owner: Owner,
    endpoint: Option<&str>,
    which: &Which,
    now: Timestamp,
) -> Result<Vec<i64>, EventError> {
    let mut found = Vec::new();
    match which {
        Which::Events(ids) => {
            let mut statement = db.prepare_cached(OF_EVENT)?;
            for id in ids {
                let before = found.len();
                let rows =
                    statement.query_map((owner.0, id, endpoint, ms(now)), |row| row.get::<_, i64>(0))?;
                for row in rows {
                    found.push(row?);
                }
                if found.len() == before {
                    return Err(EventError::NoDelivery { id: id.clone() });
                }
                if found.len() > MOST_AGAIN {
                    return Err(EventError::TooMuch { most: MOST_AGAIN as u64 });
                }
            }
        }
        Which::Failed(since) => {
            let mut statement = db.prepare_cached(FAILED)?;
            let values = (owner.0, since.map(ms), endpoint, ms(now), MOST_AGAIN);
            let rows = statement.query_map(values, |row| row.get::<_, i64>(0))?;
            for row in rows {
                found.push(row?);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Sends deliveries again, with the same id and bytes, by a schedule that begins now. Returns how many: no more than [`MOST_AGAIN`], and
/// never so many that more would wait than may.
pub fn redeliver(
    db: &Connection,
    owner: Owner,
    endpoint: Option<&str>,
    which: &Which,
    now: Timestamp,
) -> Result<u64, EventError> {
    let rows = matching(db, owner, endpoint, which, now)?;
    for row in &rows {
        again(db, *row, now)?;
    }
    if outbox::waiting(db, owner, MOST_WAITING + 1)? > MOST_WAITING {
        return Err(EventError::TooMuch { most: MOST_WAITING });
    }
    Ok(rows.len() as u64)
}

/// Sends what was cancelled when the endpoint, which is disabled, was: this time, and no time before it. Returns how many.
pub fn replay(db: &Connection, endpoint: &Endpoint, now: Timestamp) -> Result<u64, EventError> {
    let sql = "SELECT d.rowid FROM endpoints e JOIN deliveries d INDEXED BY deliveries_ended ON d.endpoint = e.rowid \
               AND d.settled_at = e.disabled_at WHERE e.rowid = ? AND d.state = 'cancelled' AND d.why = ? ORDER BY d.rowid";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((endpoint.row(), DISABLED), |row| row.get(0))?;
    let rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
    for row in &rows {
        again(db, *row, now)?;
    }
    Ok(rows.len() as u64)
}

fn again(db: &Connection, row: i64, now: Timestamp) -> Result<(), EventError> {
    db.prepare_cached(AGAIN)?.execute((ms(now), row))?;
    Ok(())
}

/// Ends all that waits for an endpoint, with the reason. What is on its way may still arrive.
pub fn cancel(
    db: &Connection,
    endpoint: &Endpoint,
    why: &str,
    now: Timestamp,
) -> Result<Cancelled, EventError> {
    let sql = "UPDATE deliveries SET state = 'cancelled', settled_at = ?, why = ?, lease = NULL, lease_until = NULL \
               WHERE endpoint = ? AND state = 'pending'";
    let deliveries = db.prepare_cached(sql)?.execute((ms(now), why, endpoint.row()))?;
    if deliveries > 0 {
        tracing::info!(target: "orkee::event", endpoint = %endpoint.id, deliveries, why, "cancelled what waited");
    }
    Ok(Cancelled { deliveries: deliveries as u64 })
}
