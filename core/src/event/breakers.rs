//! Whether an endpoint is worth an attempt: a circuit breaker, which survives the process.
//!
//! What waits for an endpoint whose breaker is open stays as it is. Once the time is over, one attempt shows how things are.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::time::{ms, time};
use super::{Endpoint, EventError};

/// An endpoint that could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Nothing is sent until then.
    pub opened_until: Timestamp,
    /// Failures in a row.
    pub failures: u32,
}

/// An endpoint's breaker; none: it was reached the last time.
pub fn find(db: &Connection, endpoint: &Endpoint) -> Result<Option<Breaker>, EventError> {
    let sql = "SELECT opened_until, failures FROM breakers WHERE endpoint = ?";
    let found = db
        .prepare_cached(sql)?
        .query_row([endpoint.row], |row| Ok(Breaker { opened_until: time(row, 0)?, failures: row.get(1)? }));
    Ok(found.optional()?)
}

/// Keeps it.
pub fn put(db: &Connection, endpoint: &Endpoint, breaker: Breaker) -> Result<(), EventError> {
    let sql = "INSERT INTO breakers (endpoint, opened_until, failures) VALUES (?, ?, ?) \
               ON CONFLICT DO UPDATE SET opened_until = excluded.opened_until, failures = excluded.failures";
    db.prepare_cached(sql)?.execute((endpoint.row, ms(breaker.opened_until), breaker.failures))?;
    Ok(())
}

/// The endpoint was reached.
pub fn clear(db: &Connection, endpoint: &Endpoint) -> Result<(), EventError> {
    db.prepare_cached("DELETE FROM breakers WHERE endpoint = ?")?.execute([endpoint.row])?;
    Ok(())
}
