//! Times that were written by a clock which was ahead: further off than any that is written by the rules, and so over.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::{LEASE, breaker};
use crate::event::EventError;

/// No pause between two attempts is longer: a day, a fifth of it, and some.
const DUE: SignedDuration = SignedDuration::from_hours(30);

/// One look into an index for each endpoint. ?1 to ?3: the latest that deliveries are due, leases end and breakers open.
const IS_ANY: &str = "SELECT EXISTS (SELECT 1 FROM endpoints e WHERE \
        (SELECT max(d.due) FROM deliveries d WHERE d.state = 'pending' AND d.endpoint = e.rowid) > ?1 \
        OR (SELECT max(d.lease_until) FROM deliveries d WHERE d.lease IS NOT NULL AND d.endpoint = e.rowid) > ?2 \
        OR (SELECT b.opened_until FROM breakers b WHERE b.endpoint = e.rowid) > ?3)";

struct Latest {
    due: i64,
    lease: i64,
    breaker: i64,
}

impl Latest {
    fn at(now: Timestamp) -> Self {
        let lease = SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::MAX);
        let after = |pause| now.checked_add(pause).unwrap_or(Timestamp::MAX).as_millisecond();
        Self { due: after(DUE), lease: after(lease), breaker: after(breaker::LONGEST) }
    }
}

/// Whether there are such times.
pub(super) fn is_any(db: &Connection, now: Timestamp) -> Result<bool, EventError> {
    let latest = Latest::at(now);
    let values = (latest.due, latest.lease, latest.breaker);
    Ok(db.prepare_cached(IS_ANY)?.query_row(values, |row| row.get(0))?)
}

/// Takes them back: what waits is due now. A lease ends as late as one that begins now, since its holder may be at work.
pub(super) fn take_back(db: &Connection, now: Timestamp) -> Result<(), EventError> {
    let (latest, at) = (Latest::at(now), now.as_millisecond());
    let due = "UPDATE deliveries SET due = ?1 WHERE state = 'pending' AND due > ?2";
    let due = db.execute(due, (at, latest.due))?;
    let leases = "UPDATE deliveries SET lease_until = ?1 WHERE lease IS NOT NULL AND lease_until > ?1";
    let leases = db.execute(leases, [latest.lease])?;
    let breakers =
        db.execute("UPDATE breakers SET opened_until = ?1 WHERE opened_until > ?2", (at, latest.breaker))?;
    tracing::info!(target: "orkee::webhook", due, leases, breakers, "took back times of a clock that was ahead");
    Ok(())
}
