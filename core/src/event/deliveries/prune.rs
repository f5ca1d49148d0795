//! Forgetting what is old, or too much: what is to go is found by reading, and goes in small steps, each in a transaction of its own, so
//! that nobody who writes waits for it.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::super::outbox::{FORGET, MOST_KEPT};
use super::super::time::ms;
use super::super::{EventError, Ledger};
use super::TOO_MANY;

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
        Self { age: Duration::from_hours(30 * 24), bytes: 50_000_000, rows: MOST_KEPT }
    }
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Deliveries, with their attempts.
    pub deliveries: u64,
    /// Deliveries that waited and are given up: they are forgotten when they are old, or by the next time.
    pub given_up: u64,
    /// Transactions that it took.
    pub steps: u64,
}

/// What nobody fetches is not kept for longer.
const UNFETCHED: SignedDuration = SignedDuration::from_hours(5 * 24);

/// Deliveries of one step.
const STEP: u32 = 1000;
/// Between two steps, so that others who write have their turn.
const PAUSE: Duration = Duration::from_millis(2);

const ENDED: &str = "SELECT rowid, event FROM deliveries INDEXED BY deliveries_ended WHERE endpoint = ?1 AND settled_at IS NOT NULL \
                     AND (settled_at < ?2 OR (settled_at = ?2 AND rowid <= ?3)) ORDER BY settled_at, rowid LIMIT ?4";

// Nothing postpones what is fetched: it is due since it waits.
const UNFETCHED_ONES: &str = "UPDATE deliveries SET state = 'dead', settled_at = ?1, why = 'nobody fetched it', lease = NULL, \
                              lease_until = NULL WHERE rowid IN (SELECT rowid FROM deliveries INDEXED BY deliveries_due \
                              WHERE state = 'pending' AND endpoint = ?2 AND due < ?3 LIMIT ?4)";

// What is on its way stays.
const OLDEST_WAITING: &str = "UPDATE deliveries SET state = 'dead', settled_at = ?1, why = ?2, lease = NULL, lease_until = NULL \
                              WHERE rowid IN (SELECT rowid FROM deliveries INDEXED BY deliveries_in_order WHERE state = 'pending' \
                              AND endpoint = ?3 AND rowid <= ?4 AND (lease IS NULL OR lease_until <= ?1) ORDER BY rowid LIMIT ?5)";

const ENDPOINTS: &str = "DELETE FROM endpoints WHERE removed_at IS NOT NULL \
                         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint = endpoints.rowid)";

const IS_ANY_EMPTY: &str = "SELECT EXISTS (SELECT 1 FROM endpoints WHERE removed_at IS NOT NULL \
                            AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint = endpoints.rowid))";

/// What is kept before everything else comes first: what waits, and of what ended the newest.
const WORTH: &str = "SELECT d.rowid, d.settled_at, d.event FROM endpoints e JOIN deliveries d ON d.endpoint = e.rowid \
                     WHERE e.owner = ?1 ORDER BY d.settled_at IS NOT NULL, d.settled_at DESC, d.rowid DESC";

const BODY: &str = "SELECT length(body) FROM events WHERE rowid = ?";

const REPLIES: &str = "SELECT ifnull(sum(length(reply)), 0) FROM attempts WHERE delivery = ?";

/// From where on an owner has too much: this delivery is the first one that is not kept.
#[derive(Debug, Clone, Copy)]
struct Cut {
    row: i64,
    /// None: it waits, and so nothing that ended is kept.
    settled_at: Option<i64>,
}

impl dyn Ledger + '_ {
    /// Forgets deliveries that ended long ago, and the oldest ones of an owner who has too many; with the last delivery of an event, the
    /// event; with that of a removed endpoint, the endpoint. Nothing that waits is forgotten: where that alone is too much, the
    /// oldest is given up, with the reason. `most` steps are taken; what is left then is for the next time.
    pub fn prune(&self, kept: Kept, now: Timestamp, most: u64) -> Result<Pruned, EventError> {
        let mut pruning = Pruning { ledger: self, now, most, pruned: Pruned::default() };
        let age = SignedDuration::try_from(kept.age).unwrap_or(SignedDuration::MAX);
        let long_ago = |age| ms(now.checked_sub::<SignedDuration>(age).unwrap_or(Timestamp::MIN));
        for (endpoint, is_pulled) in self.reading(|db| endpoints(db, None))? {
            if is_pulled {
                pruning.give_up_unfetched(endpoint, long_ago(UNFETCHED))?;
            }
            pruning.forget(endpoint, long_ago(age).saturating_sub(1), i64::MAX)?;
        }
        for owner in self.reading(owners)? {
            if let Some(cut) = self.reading(|db| cut(db, kept, owner))? {
                pruning.shrink(owner, cut)?;
            }
        }
        if self.reading(|db| Ok(db.prepare_cached(IS_ANY_EMPTY)?.query_row([], |row| row.get(0))?))? {
            self.noting(|db| Ok(db.prepare_cached(ENDPOINTS)?.execute([])?))?;
        }
        Ok(pruning.pruned)
    }
}

/// By so much more than it is kept for something is old before [`is_old`] says so: once it has been forgotten, that is not again for a day.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

// One look at each endpoint, by an index.
const IS_OLD: &str = "SELECT EXISTS (SELECT 1 FROM endpoints e WHERE \
                      EXISTS (SELECT 1 FROM deliveries d INDEXED BY deliveries_ended WHERE d.endpoint = e.rowid \
                          AND d.settled_at IS NOT NULL AND d.settled_at < ?1) \
                      OR (e.pulled AND (SELECT d.since FROM deliveries d INDEXED BY deliveries_in_order WHERE d.endpoint = e.rowid \
                          AND d.state = 'pending' ORDER BY d.rowid LIMIT 1) < ?2))";

/// Whether deliveries are there that should have been forgotten, or given up, a day ago and more.
pub fn is_old(db: &Connection, now: Timestamp) -> Result<bool, EventError> {
    let before = |age: SignedDuration| ms(now.checked_sub(age + A_DAY).unwrap_or(Timestamp::MIN));
    let kept = SignedDuration::try_from(Kept::default().age).unwrap_or(SignedDuration::MAX - A_DAY);
    Ok(db.prepare_cached(IS_OLD)?.query_row((before(kept), before(UNFETCHED)), |row| row.get(0))?)
}

/// A pruning under way.
struct Pruning<'a> {
    ledger: &'a (dyn Ledger + 'a),
    now: Timestamp,
    most: u64,
    pruned: Pruned,
}

impl Pruning<'_> {
    /// Takes steps until one has nothing more to do. How many deliveries that were.
    fn steps(&mut self, step: impl Fn(&Connection) -> Result<u64, EventError>) -> Result<u64, EventError> {
        let mut all = 0;
        while self.pruned.steps < self.most {
            let done = self.ledger.noting(&step)?;
            self.pruned.steps += 1;
            all += done;
            if done < u64::from(STEP) {
                break;
            }
            thread::sleep(PAUSE);
        }
        Ok(all)
    }

    /// Forgets what ended of an endpoint, up to this delivery.
    fn forget(&mut self, endpoint: i64, settled_at: i64, row: i64) -> Result<(), EventError> {
        let first = (endpoint, settled_at, row, 1);
        if self.ledger.reading(|db| Ok(ended(db, first)?.is_empty()))? {
            return Ok(());
        }
        self.pruned.deliveries += self.steps(|db| {
            let ended = ended(db, (endpoint, settled_at, row, STEP))?;
            for (row, event) in &ended {
                db.prepare_cached("DELETE FROM deliveries WHERE rowid = ?")?.execute([row])?;
                db.prepare_cached(FORGET)?.execute([event])?;
            }
            Ok(ended.len() as u64)
        })?;
        Ok(())
    }

    fn give_up_unfetched(&mut self, endpoint: i64, before: i64) -> Result<(), EventError> {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM deliveries WHERE state = 'pending' AND endpoint = ? AND due < ?)";
        let is_any =
            |db: &Connection| Ok(db.prepare_cached(sql)?.query_row((endpoint, before), |row| row.get(0))?);
        if !self.ledger.reading(is_any)? {
            return Ok(());
        }
        let now = ms(self.now);
        self.pruned.given_up += self.steps(|db| {
            Ok(db.prepare_cached(UNFETCHED_ONES)?.execute((now, endpoint, before, STEP))? as u64)
        })?;
        Ok(())
    }

    /// Forgets what an owner has too much.
    fn shrink(&mut self, owner: i64, cut: Cut) -> Result<(), EventError> {
        let before = self.pruned;
        let endpoints = self.ledger.reading(|db| endpoints(db, Some(owner)))?;
        for (endpoint, _) in &endpoints {
            match cut.settled_at {
                Some(settled_at) => self.forget(*endpoint, settled_at, cut.row)?,
                None => self.forget(*endpoint, i64::MAX, i64::MAX)?,
            }
        }
        if cut.settled_at.is_none() {
            let now = ms(self.now);
            for (endpoint, _) in endpoints {
                self.pruned.given_up += self.steps(|db| {
                    let values = (now, TOO_MANY, endpoint, cut.row, STEP);
                    Ok(db.prepare_cached(OLDEST_WAITING)?.execute(values)? as u64)
                })?;
            }
        }
        let deleted = self.pruned.deliveries - before.deliveries;
        let given_up = self.pruned.given_up - before.given_up;
        tracing::warn!(target: "orkee::event", owner, deleted, given_up, "there were too many deliveries");
        Ok(())
    }
}

fn ended(db: &Connection, up_to: (i64, i64, i64, u32)) -> Result<Vec<(i64, i64)>, EventError> {
    let mut statement = db.prepare_cached(ENDED)?;
    let ended = statement.query_map(up_to, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(ended.collect::<Result<_, _>>()?)
}

fn owners(db: &Connection) -> Result<Vec<i64>, EventError> {
    let mut statement = db.prepare_cached("SELECT DISTINCT owner FROM endpoints ORDER BY owner")?;
    let owners = statement.query_map([], |row| row.get(0))?;
    Ok(owners.collect::<Result<_, _>>()?)
}

/// The rows of endpoints, removed ones included, and whether they are pulled.
fn endpoints(db: &Connection, owner: Option<i64>) -> Result<Vec<(i64, bool)>, EventError> {
    let sql = "SELECT rowid, pulled FROM endpoints WHERE ?1 IS NULL OR owner = ?1 ORDER BY rowid";
    let mut statement = db.prepare_cached(sql)?;
    let endpoints = statement.query_map([owner], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(endpoints.collect::<Result<_, _>>()?)
}

/// Looks through what an owner has until it is as much as is kept; none: it is not more.
fn cut(db: &Connection, kept: Kept, owner: i64) -> Result<Option<Cut>, EventError> {
    let (mut worth, mut body, mut replies) =
        (db.prepare_cached(WORTH)?, db.prepare_cached(BODY)?, db.prepare_cached(REPLIES)?);
    let (mut bytes, mut rows, mut events) = (0_u64, 0_u64, HashSet::new());
    let mut deliveries = worth.query([owner])?;
    while let Some(delivery) = deliveries.next()? {
        let (row, event): (i64, i64) = (delivery.get(0)?, delivery.get(2)?);
        rows += 1;
        bytes += replies.query_row([row], |row| row.get::<_, u64>(0))?;
        if events.insert(event) {
            bytes += body.query_row([event], |row| row.get::<_, u64>(0))?;
        }
        if rows > kept.rows || bytes > kept.bytes {
            return Ok(Some(Cut { row, settled_at: delivery.get(1)? }));
        }
    }
    Ok(None)
}
