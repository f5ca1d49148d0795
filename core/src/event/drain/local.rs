//! What a drain means for a device: the row in its audit trail, and what the next command has to know and tell.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::ahead;
use super::options::Disabled;
use crate::event::{EventError, Ledger, Owner, deliveries};
use crate::store::{AuditAction, AuditEntry, AuditOutcome, note_in};

/// How things stand at the end of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// A drain would find something to send.
    pub is_due: bool,
    /// By which dispatchers, if so.
    pub dispatchers: Vec<String>,
    /// Endpoints that were switched off without a person's doing, of which none was told yet.
    pub untold: Vec<Notice>,
    /// Endpoints that are fetched from, of every owner: whoever fetched may be gone.
    pub pulled: Vec<Pulled>,
    /// There is something to forget that no drain has forgotten: none may run, where nothing is sent.
    pub is_old: bool,
}

/// An endpoint that events are fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Whose it is.
    pub owner: Owner,
    /// Its id.
    pub endpoint: String,
    /// By whom, in words of their own.
    pub description: Option<String>,
}

/// An endpoint that was switched off, for the person whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The tenant in whose projects it was added.
    pub tenant: String,
    /// Its id.
    pub endpoint: String,
    /// Its URL, which may be a secret.
    pub url: String,
    /// The component that sends there.
    pub dispatcher: String,
    /// In a sentence.
    pub why: String,
}

const UNTOLD: &str = "SELECT e.id, e.url, e.dispatcher, ifnull(e.disabled_why, ''), s.tenant FROM endpoints e \
                      JOIN spaces s ON s.rowid = e.owner WHERE e.untold = 1 AND e.removed_at IS NULL ORDER BY e.rowid";

/// Of endpoints that something is due for. ?1: now.
const DISPATCHERS: &str = "SELECT DISTINCT e.dispatcher FROM endpoints e WHERE e.disabled_at IS NULL AND e.removed_at IS NULL \
                           AND NOT e.pulled AND EXISTS (SELECT 1 FROM deliveries d WHERE d.state = 'pending' \
                           AND d.endpoint = e.rowid AND d.due <= ?1) ORDER BY e.dispatcher";

/// ?1: why, ?2: now, ?3: the dispatcher.
const OBSTACLE: &str = "UPDATE deliveries SET why = ?1 WHERE state = 'pending' AND due <= ?2 AND lease IS NULL AND why IS NOT ?1 \
                        AND endpoint IN (SELECT rowid FROM endpoints WHERE disabled_at IS NULL AND removed_at IS NULL \
                        AND NOT pulled AND (?3 IS NULL OR dispatcher = ?3))";

const PULLED: &str =
    "SELECT owner, id, description FROM endpoints WHERE pulled AND removed_at IS NULL ORDER BY rowid";

/// How things stand in the database at `path`. Writes nothing and makes none; what cannot be read has nothing to send.
pub fn standing(path: &Path, now: Timestamp) -> Standing {
    // Not for reading alone: such a connection, closed as the last one, leaves the files of SQLite's log behind.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let look = || -> Result<Standing, EventError> {
        let database = Connection::open_with_flags(path, flags)?;
        let is_due = deliveries::has_due(&database, None, now)? || ahead::is_any(&database, now)?;
        let dispatchers = if is_due { dispatchers(&database, now)? } else { Vec::new() };
        let mut statement = database.prepare(UNTOLD)?;
        let untold = statement.query_map([], |row| {
            let (endpoint, url, dispatcher) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Notice { tenant: row.get(4)?, endpoint, url, dispatcher, why: row.get(3)? })
        })?;
        let untold = untold.collect::<Result<_, _>>()?;
        let mut statement = database.prepare(PULLED)?;
        let pulled = statement.query_map([], |row| {
            Ok(Pulled { owner: Owner(row.get(0)?), endpoint: row.get(1)?, description: row.get(2)? })
        })?;
        let pulled = pulled.collect::<Result<_, _>>()?;
        let is_old = deliveries::is_old(&database, now)?;
        Ok(Standing { is_due, dispatchers, untold, pulled, is_old })
    };
    look().unwrap_or_default()
}

fn dispatchers(db: &Connection, now: Timestamp) -> Result<Vec<String>, EventError> {
    let mut statement = db.prepare(DISPATCHERS)?;
    let names = statement.query_map([now.as_millisecond()], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Notes why what is due cannot be sent, by this dispatcher or by any. Returns of how many it was not known.
pub fn note_obstacle(
    ledger: &dyn Ledger,
    dispatcher: Option<&str>,
    why: &str,
    now: Timestamp,
) -> Result<usize, EventError> {
    ledger.noting(|db| Ok(db.execute(OBSTACLE, (why, now.as_millisecond(), dispatcher))?))
}

/// Notes why one that waits could not be sent.
pub(super) fn waits(db: &Connection, delivery: i64, why: &str) -> Result<(), EventError> {
    let sql = "UPDATE deliveries SET why = ? WHERE rowid = ? AND state = 'pending'";
    db.prepare_cached(sql)?.execute((why, delivery))?;
    Ok(())
}

/// The person was told of these.
pub fn is_told(ledger: &dyn Ledger, notices: &[Notice]) -> Result<(), EventError> {
    ledger.writing(|db| {
        for notice in notices {
            db.execute("UPDATE endpoints SET untold = 0 WHERE id = ?", [&notice.endpoint])?;
        }
        Ok(())
    })
}

/// Writes the row of the audit trail that an endpoint was switched off, in the database of a device's store.
pub fn note_disabled(db: &Connection, disabled: &Disabled, now: Timestamp) -> Result<(), EventError> {
    let Disabled { endpoint, why } = disabled;
    let tenant = "SELECT tenant FROM spaces WHERE rowid = ?";
    let tenant: String = db.prepare_cached(tenant)?.query_row([endpoint.owner.0], |row| row.get(0))?;
    let entry = AuditEntry::new(tenant, AuditAction::AutoDisableWebhook, AuditOutcome::Done);
    let subject = Some(format!("{}: {why}", endpoint.id));
    Ok(note_in(db, &AuditEntry { subject, ..entry }, now)?)
}
