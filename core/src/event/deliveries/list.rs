//! Deliveries as they are shown.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::super::time::{ms, time, time_or_none};
use super::super::{Class, EventError, Owner};
use super::State;

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of the endpoint that has this id, a removed one included.
    pub endpoint: Option<String>,
    /// Of this event.
    pub id: Option<String>,
    /// Of events since then.
    pub since: Option<Timestamp>,
    /// Those that were given up, and those of which an attempt failed and that are still tried.
    pub failed: bool,
    /// Go on after this one: [`Page::next`].
    pub after: Option<i64>,
    /// So many at most.
    pub limit: u32,
}

/// A part of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The newest first.
    pub deliveries: Vec<Delivery>,
    /// Where to go on; none: that was all.
    pub next: Option<i64>,
}

/// A delivery, with its attempts.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its row.
    pub row: i64,
    /// The event's id.
    pub id: String,
    /// The event's name.
    pub event: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// The endpoint's URL.
    pub url: String,
    /// The project.
    pub project: Option<String>,
    /// The event's number among those of its project.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// How it stands.
    pub state: State,
    /// Why it was given up or cancelled.
    pub why: Option<String>,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// How many attempts were made.
    pub made: u32,
    /// The newest of them, the first one first.
    pub attempts: Vec<Attempted>,
}

/// An attempt that was made.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// From 1.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub class: Class,
    /// The reply's status.
    pub status: Option<u16>,
    /// The version of TLS, and the cipher.
    pub tls: Option<String>,
    /// Which address was dialled.
    pub address: Option<String>,
    /// The receiver's own name for the request.
    pub request_id: Option<String>,
    /// The beginning of the reply, as it came.
    pub reply: Vec<u8>,
    /// When the next one was to be.
    pub next_at: Option<Timestamp>,
}

/// Attempts of a delivery that are shown.
const SHOWN: u32 = 20;

/// Bytes of replies and names after which a page ends.
const PAGE: usize = 256 * 1024;

const OF_EVENT: &str = "SELECT d.rowid FROM events v JOIN deliveries d ON d.event = v.rowid JOIN endpoints e ON e.rowid = d.endpoint \
                        WHERE v.id = ?1 AND v.owner = ?2 AND (?3 IS NULL OR e.id = ?3)";

const ENDPOINTS: &str = "SELECT rowid FROM endpoints WHERE owner = ?1 AND (?2 IS NULL OR id = ?2)";

// In the order of the index, so that it ends with as many as are wanted.
const OF_ENDPOINT: &str = "SELECT d.rowid FROM deliveries d INDEXED BY deliveries_by_endpoint \
                           WHERE d.endpoint = ?1 AND d.rowid < ?2 \
                           AND (NOT ?3 OR d.state = 'dead' OR (d.state = 'pending' AND d.attempts > d.before)) \
                           AND (?4 IS NULL OR (SELECT at FROM events WHERE rowid = d.event) >= ?4) \
                           ORDER BY d.rowid DESC LIMIT ?5";

// Of one row; the conditions once more for what was found by its event.
const ONE: &str = "SELECT d.rowid, v.id, v.kind, e.id, e.url, v.project, v.sequence, v.at, d.state, d.why, d.due, d.attempts \
                   FROM deliveries d JOIN endpoints e ON e.rowid = d.endpoint JOIN events v ON v.rowid = d.event \
                   WHERE d.rowid = ?1 AND (?2 IS NULL OR v.at >= ?2) \
                   AND (NOT ?3 OR d.state = 'dead' OR (d.state = 'pending' AND d.attempts > d.before))";

const ATTEMPTS: &str = "SELECT number, at, duration_ms, class, status, tls, address, request_id, reply, next_at FROM attempts \
                        WHERE delivery = ?1 ORDER BY number DESC LIMIT ?2";

/// An owner's deliveries, the newest first. A page ends with as many as are wanted, or after so much that it would be large.
pub fn list(db: &Connection, owner: Owner, query: &Query) -> Result<Page, EventError> {
    let mut page = Page::default();
    if query.limit == 0 {
        return Ok(page);
    }
    let mut bytes = 0;
    for row in rows(db, owner, query)? {
        if page.deliveries.len() as u64 == u64::from(query.limit) || bytes >= PAGE {
            page.next = page.deliveries.last().map(|delivery| delivery.row);
            break;
        }
        let Some(mut delivery) = one(db, row, query)? else { continue };
        delivery.attempts = attempts(db, row)?;
        bytes += delivery.attempts.iter().map(Attempted::size).sum::<usize>();
        page.deliveries.push(delivery);
    }
    Ok(page)
}

/// The rows of a page and of one more, the newest first.
fn rows(db: &Connection, owner: Owner, query: &Query) -> Result<Vec<i64>, EventError> {
    let before = query.after.unwrap_or(i64::MAX);
    let mut found: Vec<i64> = Vec::new();
    if let Some(id) = &query.id {
        let mut statement = db.prepare_cached(OF_EVENT)?;
        for row in statement.query_map((id, owner.0, &query.endpoint), |row| row.get(0))? {
            found.push(row?);
        }
        found.retain(|row| *row < before);
    } else {
        let mut endpoints = db.prepare_cached(ENDPOINTS)?;
        let mut statement = db.prepare_cached(OF_ENDPOINT)?;
        let more = query.limit.saturating_add(1);
        for endpoint in endpoints.query_map((owner.0, &query.endpoint), |row| row.get::<_, i64>(0))? {
            let values = (endpoint?, before, query.failed, query.since.map(ms), more);
            for row in statement.query_map(values, |row| row.get(0))? {
                found.push(row?);
            }
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

fn one(db: &Connection, row: i64, query: &Query) -> Result<Option<Delivery>, EventError> {
    let mut statement = db.prepare_cached(ONE)?;
    let mut rows = statement.query((row, query.since.map(ms), query.failed))?;
    rows.next()?.map(delivery).transpose()
}

fn delivery(row: &Row<'_>) -> Result<Delivery, EventError> {
    let id: String = row.get(1)?;
    let state = State::parse(row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?)
        .ok_or_else(|| EventError::Damaged { what: format!("the delivery of {id}") })?;
    Ok(Delivery {
        row: row.get(0)?,
        id,
        event: row.get(2)?,
        endpoint: row.get(3)?,
        url: row.get(4)?,
        project: row.get(5)?,
        sequence: row.get(6)?,
        at: time(row, 7)?,
        state,
        why: row.get(9)?,
        next_at: if state == State::Pending { time_or_none(row, 10)? } else { None },
        made: row.get(11)?,
        attempts: Vec::new(),
    })
}

fn attempts(db: &Connection, delivery: i64) -> Result<Vec<Attempted>, EventError> {
    let mut statement = db.prepare_cached(ATTEMPTS)?;
    let attempts = statement.query_map((delivery, SHOWN), |row| {
        Ok(Attempted {
            number: row.get(0)?,
            at: time(row, 1)?,
            duration: Duration::from_millis(row.get(2)?),
            // A newer version may know more ways to fail.
            class: row.get::<_, String>(3)?.parse().unwrap_or(Class::Protocol),
            status: row.get(4)?,
            tls: row.get(5)?,
            address: row.get(6)?,
            request_id: row.get(7)?,
            reply: row.get::<_, Option<Vec<u8>>>(8)?.unwrap_or_default(),
            next_at: time_or_none(row, 9)?,
        })
    })?;
    let mut attempts: Vec<Attempted> = attempts.collect::<Result<_, _>>()?;
    attempts.reverse();
    Ok(attempts)
}

impl Attempted {
    fn size(&self) -> usize {
        self.reply.len() + self.request_id.as_ref().map_or(0, String::len)
    }
}
