//! Who sends what: deliveries that are due are leased to one holder, each to no two.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::endpoint::{self, COLUMNS};
use super::super::kind::EventKind;
use super::super::time::{after, ms, time};
use super::super::{Endpoint, EventError, Owner, endpoints};
use crate::net::Secret;
use crate::plugin::SigningKey;

/// What is wanted of what is due.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who is going to send it.
    pub holder: String,
    /// What time it is.
    pub now: Timestamp,
    /// How long nobody else sends it.
    pub lease: Duration,
    /// So many at most.
    pub limit: usize,
    /// So many at most of one endpoint, those that are on their way included. Of an ordered endpoint, and of one whose breaker
    /// was open, it is one.
    pub per_endpoint: usize,
    /// Where several owners share the sending, so many at most of one of them, those that are on their way included, and never more than
    /// is left for the others by then.
    pub per_owner: Option<usize>,
    /// Whose; none: everybody's.
    pub owner: Option<Owner>,
}

/// A delivery that the holder is to send now.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The delivery's row.
    pub delivery: i64,
    /// The event's id, which is the delivery's for the receiver.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// The bytes to send.
    pub body: Vec<u8>,
    /// When it happened.
    pub event_at: Timestamp,
    /// Since when it is tried: since it happened, or since it was to be sent again.
    pub since: Timestamp,
    /// The number of this attempt, from 1.
    pub number: u32,
    /// How many attempts were made since then: the place in the schedule.
    pub tried: u32,
    /// When it was due.
    pub due: Timestamp,
    /// Where it goes.
    pub endpoint: Arc<Endpoint>,
    /// What it is signed with, the newest first.
    pub keys: Vec<SigningKey>,
    /// Headers that go along.
    pub headers: Vec<(String, Secret)>,
}

/// An endpoint that something waits for.
struct Waiting {
    endpoint: i64,
    owner: i64,
    is_ordered: bool,
    /// The end of its breaker's time.
    opened_until: Option<i64>,
    in_flight: usize,
    /// When something of it is due, leases and its breaker aside.
    due: i64,
}

/// An endpoint that something is due for, as its turns come.
struct Line {
    waiting: Waiting,
    /// What it has to offer; none: nobody has looked.
    due: Option<Due>,
}

/// Of one endpoint, what is due and what it is sent with.
struct Due {
    rows: VecDeque<i64>,
    endpoint: Arc<Endpoint>,
    keys: Vec<SigningKey>,
    headers: Vec<(String, Secret)>,
}

/// Each endpoint that something waits for, found by skipping through an index. ?1: now, ?2: the owner.
const WAITING: &str = "WITH RECURSIVE waiting (endpoint) AS ( \
        SELECT min(endpoint) FROM deliveries WHERE state = 'pending' UNION ALL \
        SELECT (SELECT min(d.endpoint) FROM deliveries d WHERE d.state = 'pending' AND d.endpoint > w.endpoint) \
        FROM waiting w WHERE w.endpoint IS NOT NULL) \
    SELECT e.rowid, e.ordered, b.opened_until, \
        (SELECT count(*) FROM deliveries d WHERE d.endpoint = e.rowid AND d.lease IS NOT NULL AND d.lease_until > ?1), \
        CASE e.ordered \
        WHEN 1 THEN (SELECT max(d.due, ifnull(d.lease_until, 0)) FROM deliveries d \
            WHERE d.state = 'pending' AND d.endpoint = e.rowid ORDER BY d.rowid LIMIT 1) \
        ELSE min(ifnull((SELECT d.due FROM deliveries d WHERE d.state = 'pending' AND d.endpoint = e.rowid AND d.lease IS NULL \
            ORDER BY d.due LIMIT 1), 9223372036854775807), \
            ifnull((SELECT min(d.lease_until) FROM deliveries d WHERE d.endpoint = e.rowid AND d.lease IS NOT NULL), \
            9223372036854775807)) END, e.owner \
    FROM waiting w CROSS JOIN endpoints e ON e.rowid = w.endpoint LEFT JOIN breakers b ON b.endpoint = e.rowid \
    WHERE e.disabled_at IS NULL AND e.removed_at IS NULL AND NOT e.pulled AND (?2 IS NULL OR e.owner = ?2)";

const DUE: &str = "SELECT rowid FROM deliveries INDEXED BY deliveries_due WHERE state = 'pending' AND endpoint = ?1 AND due <= ?2 \
                   AND (lease IS NULL OR lease_until <= ?2) ORDER BY due, rowid LIMIT ?3";

const OLDEST: &str = "SELECT rowid FROM (SELECT rowid, due, lease, lease_until FROM deliveries INDEXED BY deliveries_in_order \
                      WHERE state = 'pending' AND endpoint = ?1 ORDER BY rowid LIMIT 1) \
                      WHERE due <= ?2 AND (lease IS NULL OR lease_until <= ?2)";

const LEASE: &str = "UPDATE deliveries SET lease = ?, lease_until = ? WHERE rowid = ?";

const CLAIMED: &str = "SELECT v.id, v.kind, v.body, v.at, d.since, d.attempts, d.before, d.due FROM deliveries d \
                       JOIN events v ON v.rowid = d.event WHERE d.rowid = ?";

/// Leases what is due: of endpoints that are not disabled, not pulled and not put off by their breaker. It is taken one by one, each from
/// the owner of whom least is on its way, and of that owner from such an endpoint. So nothing that hangs keeps anybody else waiting, be it
/// an endpoint or all that an owner has.
pub fn claim(db: &Connection, claim: &Claim) -> Result<Vec<Claimed>, EventError> {
    let waiting = waiting(db, claim.now, claim.owner)?;
    let mut of_owner: HashMap<i64, usize> = HashMap::new();
    for waiting in &waiting {
        *of_owner.entry(waiting.owner).or_default() += waiting.in_flight;
    }
    let now = ms(claim.now);
    let is_due = |waiting: &Waiting| waiting.due.max(waiting.opened_until.unwrap_or(0)) <= now;
    let lines = waiting.into_iter().filter(is_due).map(|waiting| Line { waiting, due: None });
    let mut lines: Vec<Line> = lines.collect();
    let mut claimed = Vec::new();
    while claimed.len() < claim.limit {
        let room = claim.limit - claimed.len();
        let most = claim.per_owner.map_or(usize::MAX, |most| most.min(room));
        let on_way = |line: &Line| of_owner.get(&line.waiting.owner).copied().unwrap_or_default();
        let open = lines.iter().enumerate().filter(|(_, line)| on_way(line) < most);
        let next = open.min_by_key(|(_, line)| (on_way(line), line.waiting.in_flight, line.waiting.due));
        let Some(at) = next.map(|(at, _)| at) else { break };
        let Some(line) = lines.get_mut(at) else { break };
        match take(db, claim, line)? {
            Some(one) => {
                line.waiting.in_flight += 1;
                *of_owner.entry(line.waiting.owner).or_default() += 1;
                claimed.push(one);
            }
            None => drop(lines.swap_remove(at)),
        }
    }
    Ok(claimed)
}

/// Leases the next delivery of an endpoint; none: it has no more to offer.
fn take(db: &Connection, claim: &Claim, line: &mut Line) -> Result<Option<Claimed>, EventError> {
    if line.due.is_none() {
        line.due = look(db, claim, &line.waiting)?;
    }
    let Some(due) = &mut line.due else { return Ok(None) };
    let Some(row) = due.rows.pop_front() else { return Ok(None) };
    lease(db, claim, due, row).map(Some)
}

/// What is due of an endpoint, and how it is sent; none: nothing can be.
fn look(db: &Connection, claim: &Claim, waiting: &Waiting) -> Result<Option<Due>, EventError> {
    let rows = due_rows(db, waiting, claim)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let endpoint = Arc::new(endpoint_of(db, waiting.endpoint)?);
    let keys = match endpoints::keys(db, &endpoint, claim.now) {
        // Nothing can be signed for it. Disabled, it keeps no other from being served.
        Err(EventError::Damaged { what }) => {
            tracing::warn!(target: "orkee::event", what, "cannot be read");
            endpoints::disable(db, &endpoint, "its secret cannot be read", claim.now)?;
            return Ok(None);
        }
        keys => keys?,
    };
    let headers = endpoints::headers(db, &endpoint)?;
    Ok(Some(Due { rows, endpoint, keys, headers }))
}

fn due_rows(db: &Connection, waiting: &Waiting, claim: &Claim) -> Result<VecDeque<i64>, EventError> {
    let is_single = waiting.is_ordered || waiting.opened_until.is_some();
    let most = if is_single { 1 } else { claim.per_endpoint };
    let room = most.saturating_sub(waiting.in_flight).min(claim.limit);
    if room == 0 {
        return Ok(VecDeque::new());
    }
    let now = ms(claim.now);
    if waiting.is_ordered {
        let mut statement = db.prepare_cached(OLDEST)?;
        let rows = statement.query_map((waiting.endpoint, now), |row| row.get(0))?;
        return Ok(rows.collect::<Result<_, _>>()?);
    }
    let mut statement = db.prepare_cached(DUE)?;
    let rows = statement.query_map((waiting.endpoint, now, room), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn lease(db: &Connection, claim: &Claim, due: &Due, row: i64) -> Result<Claimed, EventError> {
    let until = ms(after(claim.now, claim.lease));
    db.prepare_cached(LEASE)?.execute((&claim.holder, until, row))?;
    let mut statement = db.prepare_cached(CLAIMED)?;
    let claimed = statement.query_row([row], |found| {
        let (attempts, before): (u32, u32) = (found.get(5)?, found.get(6)?);
        Ok(Claimed {
            delivery: row,
            id: found.get(0)?,
            // An event of a newer version goes out as what it is in its body.
            kind: found.get::<_, String>(1)?.parse().unwrap_or(EventKind::Test),
            body: found.get(2)?,
            event_at: time(found, 3)?,
            since: time(found, 4)?,
            number: attempts.saturating_add(1),
            tried: attempts.saturating_sub(before),
            due: time(found, 7)?,
            endpoint: Arc::clone(&due.endpoint),
            keys: due.keys.clone(),
            headers: due.headers.clone(),
        })
    });
    Ok(claimed?)
}

pub(super) fn endpoint_of(db: &Connection, row: i64) -> Result<Endpoint, EventError> {
    let sql = format!("SELECT {COLUMNS} FROM endpoints e WHERE e.rowid = ?");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([row])?;
    match rows.next()? {
        Some(row) => endpoint::read(row),
        None => Err(EventError::Damaged { what: "an endpoint".to_owned() }),
    }
}

fn waiting(db: &Connection, now: Timestamp, owner: Option<Owner>) -> Result<Vec<Waiting>, EventError> {
    let mut statement = db.prepare_cached(WAITING)?;
    let rows = statement.query_map((ms(now), owner.map(|owner| owner.0)), |row| {
        Ok(Waiting {
            endpoint: row.get(0)?,
            is_ordered: row.get(1)?,
            opened_until: row.get(2)?,
            in_flight: row.get(3)?,
            due: row.get(4)?,
            owner: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives back what the holder has not sent.
pub fn release(db: &Connection, holder: &str) -> Result<usize, EventError> {
    let sql = "UPDATE deliveries SET lease = NULL, lease_until = NULL WHERE lease = ?";
    Ok(db.prepare_cached(sql)?.execute([holder])?)
}

/// When something is due next; none: nothing waits. What another sends now is due when its lease ends.
pub fn next_due(
    db: &Connection,
    owner: Option<Owner>,
    now: Timestamp,
) -> Result<Option<Timestamp>, EventError> {
    let waiting = waiting(db, now, owner)?.into_iter();
    let next = waiting.map(|waiting| waiting.due.max(waiting.opened_until.unwrap_or(0))).min();
    Ok(next.map(|ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)))
}

/// Whether something is due now.
pub fn has_due(db: &Connection, owner: Option<Owner>, now: Timestamp) -> Result<bool, EventError> {
    Ok(next_due(db, owner, now)?.is_some_and(|next| next <= now))
}

/// How many deliveries are due now and on nobody's way.
pub fn due_count(db: &Connection, owner: Option<Owner>, now: Timestamp) -> Result<u64, EventError> {
    let sql = "SELECT count(*) FROM deliveries d JOIN endpoints e ON e.rowid = d.endpoint \
               WHERE d.state = 'pending' AND d.due <= ?1 AND (d.lease IS NULL OR d.lease_until <= ?1) \
               AND e.disabled_at IS NULL AND NOT e.pulled AND (?2 IS NULL OR e.owner = ?2)";
    Ok(db.prepare_cached(sql)?.query_row((ms(now), owner.map(|owner| owner.0)), |row| row.get(0))?)
}
