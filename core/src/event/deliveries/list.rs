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
    /// The attempts so far, the first one first.
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

const LIST: &str = "SELECT d.rowid, v.id, v.kind, e.id, e.url, v.project, v.sequence, v.at, d.state, d.why, d.due \
                    FROM endpoints e CROSS JOIN deliveries d ON d.endpoint = e.rowid JOIN events v ON v.rowid = d.event \
                    WHERE e.owner = ?1 AND (?2 IS NULL OR e.id = ?2) AND (?3 IS NULL OR v.id = ?3) \
                    AND (?4 IS NULL OR v.at >= ?4) AND (NOT ?5 OR d.state = 'dead' OR (d.state = 'pending' AND d.attempts > d.before)) \
                    AND (?6 IS NULL OR d.rowid < ?6) ORDER BY d.rowid DESC LIMIT ?7";

const ATTEMPTS: &str = "SELECT number, at, duration_ms, class, status, tls, address, request_id, reply, next_at FROM attempts \
                        WHERE delivery = ? ORDER BY number";

/// An owner's deliveries, the newest first.
pub fn list(db: &Connection, owner: Owner, query: &Query) -> Result<Page, EventError> {
    let more = query.limit.saturating_add(1);
    let mut statement = db.prepare_cached(LIST)?;
    let mut rows = statement.query(rusqlite::params![
        owner.0,
        query.endpoint,
        query.id,
        query.since.map(ms),
        query.failed,
        query.after,
        more,
    ])?;
    let mut page = Page::default();
    while let Some(row) = rows.next()? {
        if page.deliveries.len() as u64 == u64::from(query.limit) {
            page.next = page.deliveries.last().map(|delivery| delivery.row);
            break;
        }
        let mut delivery = delivery(row)?;
        delivery.attempts = attempts(db, delivery.row)?;
        page.deliveries.push(delivery);
    }
    Ok(page)
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
        attempts: Vec::new(),
    })
}

fn attempts(db: &Connection, delivery: i64) -> Result<Vec<Attempted>, EventError> {
    let mut statement = db.prepare_cached(ATTEMPTS)?;
    let attempts = statement.query_map([delivery], |row| {
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
    Ok(attempts.collect::<Result<_, _>>()?)
}
