//! Events of an endpoint that fetches them: nothing is sent there, and there are no attempts.

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::time::ms;
use super::super::{Endpoint, EventError};

/// An event that waits to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The event's id.
    pub id: String,
    /// Its name.
    pub event: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

const WAITING: &str = "SELECT v.id, v.kind, v.body FROM deliveries d INDEXED BY deliveries_in_order \
                       JOIN events v ON v.rowid = d.event \
                       WHERE d.state = 'pending' AND d.endpoint = ? ORDER BY d.rowid LIMIT ?";

const TAKE: &str = "UPDATE deliveries SET state = 'delivered', settled_at = ?1 WHERE endpoint = ?2 AND state = 'pending' \
                    AND event = (SELECT rowid FROM events WHERE id = ?3)";

/// What waits at an endpoint, the oldest first. It waits on until it is [`take`]n.
pub fn pull(db: &Connection, endpoint: &Endpoint, limit: u32) -> Result<Vec<Pulled>, EventError> {
    let mut statement = db.prepare_cached(WAITING)?;
    let events = statement.query_map((endpoint.row(), limit), |row| {
        Ok(Pulled { id: row.get(0)?, event: row.get(1)?, body: row.get(2)? })
    })?;
    Ok(events.collect::<Result<_, _>>()?)
}

/// Settles what was fetched: it does not come again. Returns how many there were.
pub fn take(
    db: &Connection,
    endpoint: &Endpoint,
    ids: &[String],
    now: Timestamp,
) -> Result<usize, EventError> {
    let mut statement = db.prepare_cached(TAKE)?;
    let mut taken = 0;
    for id in ids {
        taken += statement.execute((ms(now), endpoint.row(), id))?;
    }
    Ok(taken)
}
