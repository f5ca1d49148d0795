//! Events that are fetched instead of being sent: of endpoints that are *pulled*.

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::time::ms;
use super::super::{Endpoint, EventError};

/// An event that waits to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// Its name.
    pub event: String,
    /// The bytes that would be sent.
    pub body: Vec<u8>,
}

const WAITING: &str = "SELECT v.id, v.kind, v.body FROM deliveries d INDEXED BY deliveries_in_order JOIN events v ON v.rowid = d.event \
                       WHERE d.state = 'pending' AND d.endpoint = ?1 ORDER BY d.rowid LIMIT ?2";

const TAKE: &str = "UPDATE deliveries SET state = 'delivered', settled_at = ?3, lease = NULL, lease_until = NULL \
                    WHERE endpoint = ?1 AND state = 'pending' AND event = (SELECT rowid FROM events WHERE id = ?2)";

/// The oldest events that wait at an endpoint. They wait on until they are [taken](take).
pub fn waiting(db: &Connection, endpoint: &Endpoint, limit: u32) -> Result<Vec<Waiting>, EventError> {
    let mut statement = db.prepare_cached(WAITING)?;
    let rows = statement.query_map((endpoint.row(), limit), |row| {
        Ok(Waiting { id: row.get(0)?, event: row.get(1)?, body: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whoever fetched these events has them. Returns how many had been waiting; the others are none of this endpoint's, or were taken before.
pub fn take(
    db: &Connection,
    endpoint: &Endpoint,
    events: &[String],
    now: Timestamp,
) -> Result<u64, EventError> {
    let mut statement = db.prepare_cached(TAKE)?;
    let mut taken = 0;
    for event in events {
        taken += statement.execute((endpoint.row(), event, ms(now)))? as u64;
    }
    Ok(taken)
}
