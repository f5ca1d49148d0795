//! Forgetting what is old, or too much.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::super::EventError;
use super::super::time::ms;

/// How much of what ended is kept, for each owner.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// For how long.
    pub age: Duration,
    /// Bytes of bodies and replies.
    pub bytes: u64,
    /// Deliveries.
    pub rows: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self { age: Duration::from_hours(30 * 24), bytes: 50_000_000, rows: 100_000 }
    }
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Deliveries, with their attempts.
    pub deliveries: u64,
}

/// What nobody fetches is not kept for longer.
const UNFETCHED: SignedDuration = SignedDuration::from_hours(5 * 24);

/// How many are looked at in one go.
const BATCH: u32 = 500;

const OLD: &str = "DELETE FROM deliveries WHERE settled_at IS NOT NULL AND settled_at < ?";

const GIVE_UP: &str = "UPDATE deliveries SET state = 'dead', settled_at = ?1, why = 'nobody fetched it' \
                       WHERE state = 'pending' AND since < ?2 AND endpoint IN (SELECT rowid FROM endpoints WHERE pulled)";

const EVENTS: &str =
    "DELETE FROM events WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = events.rowid)";

const ENDPOINTS: &str = "DELETE FROM endpoints WHERE removed_at IS NOT NULL \
                         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint = endpoints.rowid)";

const SIZES: &str = "SELECT v.owner, sum(length(v.body)), sum((SELECT count(*) FROM deliveries d WHERE d.event = v.rowid)), \
                     sum((SELECT ifnull(sum(length(a.reply)), 0) FROM deliveries d JOIN attempts a ON a.delivery = d.rowid \
                     WHERE d.event = v.rowid)) FROM events v GROUP BY v.owner";

// The oldest that ended first; where that is not enough, the oldest that wait.
const OLDEST: &str = "SELECT d.rowid, length(v.body) + (SELECT ifnull(sum(length(a.reply)), 0) FROM attempts a \
                      WHERE a.delivery = d.rowid), (SELECT count(*) FROM deliveries o WHERE o.event = d.event) \
                      FROM deliveries d JOIN events v ON v.rowid = d.event WHERE v.owner = ?1 AND d.lease IS NULL \
                      ORDER BY d.settled_at IS NULL, d.settled_at, d.rowid LIMIT ?2";

/// Forgets deliveries that ended long ago, and the oldest ones of an owner who has too many; with the last delivery of an event, the
/// event; with that of a removed endpoint, the endpoint.
pub fn prune(db: &Connection, kept: Kept, now: Timestamp) -> Result<Pruned, EventError> {
    let age = SignedDuration::try_from(kept.age).unwrap_or(SignedDuration::MAX);
    let long_ago = |age| ms(now.checked_sub::<SignedDuration>(age).unwrap_or(Timestamp::MIN));
    db.prepare_cached(GIVE_UP)?.execute((ms(now), long_ago(UNFETCHED)))?;
    let mut pruned = Pruned { deliveries: db.prepare_cached(OLD)?.execute([long_ago(age)])? as u64 };
    for (owner, bytes, rows) in sizes(db)? {
        pruned.deliveries += shrink(db, kept, owner, bytes, rows)?;
    }
    if pruned.deliveries > 0 {
        db.prepare_cached(EVENTS)?.execute([])?;
    }
    db.prepare_cached(ENDPOINTS)?.execute([])?;
    Ok(pruned)
}

fn sizes(db: &Connection) -> Result<Vec<(i64, u64, u64)>, EventError> {
    let mut statement = db.prepare_cached(SIZES)?;
    let sizes = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, u64>(1)? + row.get::<_, u64>(3)?, row.get(2)?)))?;
    Ok(sizes.collect::<Result<_, _>>()?)
}

fn shrink(db: &Connection, kept: Kept, owner: i64, mut bytes: u64, mut rows: u64) -> Result<u64, EventError> {
    let mut deleted = 0;
    while bytes > kept.bytes || rows > kept.rows {
        let mut statement = db.prepare_cached(OLDEST)?;
        let oldest = statement.query_map((owner, BATCH), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, u64>(1)?, row.get::<_, u64>(2)?))
        })?;
        let oldest: Vec<(i64, u64, u64)> = oldest.collect::<Result<_, _>>()?;
        if oldest.is_empty() {
            break;
        }
        for (row, size, siblings) in oldest {
            if bytes <= kept.bytes && rows <= kept.rows {
                break;
            }
            db.prepare_cached("DELETE FROM deliveries WHERE rowid = ?")?.execute([row])?;
            // The body goes with the last of its deliveries; counting a part for each comes out the same.
            bytes = bytes.saturating_sub(size / siblings.max(1));
            rows = rows.saturating_sub(1);
            deleted += 1;
        }
    }
    if deleted > 0 {
        tracing::warn!(target: "orkee::event", deleted, "forgot deliveries, of which there were too many");
    }
    Ok(deleted)
}
