//! What became of attempts.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::super::time::ms;
use super::super::{Class, Endpoint, EventError, endpoints};

/// An endpoint is disabled when nothing reached it for so long.
const FAILING_FOR: SignedDuration = SignedDuration::from_hours(5 * 24);
/// And so often, and on so many days: that time passed while nothing was tried says nothing of it.
const FAILURES: u32 = 8;
const DAYS: u32 = 3;

/// Attempts on an endpoint since a moment, and the days of them. One that came no further than this machine's own network counts on
/// a day alone on which an attempt on any endpoint came further: else it is the network that failed. ?1: the endpoint, ?2: since when.
const FAILED: &str = "WITH reached (day) AS MATERIALIZED (SELECT DISTINCT at / 86400000 FROM attempts \
                          WHERE at >= ?2 AND class NOT IN ('dns', 'unreachable', 'proxy')) \
                      SELECT count(*), count(DISTINCT a.at / 86400000) FROM attempts a JOIN deliveries d ON d.rowid = a.delivery \
                      WHERE d.endpoint = ?1 AND a.at >= ?2 \
                      AND (a.class NOT IN ('dns', 'unreachable', 'proxy') OR a.at / 86400000 IN (SELECT day FROM reached))";

/// Of a reply, the part that is kept.
const REPLY: usize = 1024;

/// An attempt, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
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
    pub address: Option<IpAddr>,
    /// The receiver's own name for the request.
    pub request_id: Option<String>,
    /// The beginning of the reply.
    pub reply: Vec<u8>,
}

/// What comes after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the endpoint has it.
    Delivered,
    /// Another attempt.
    Retry(Timestamp),
    /// Nothing: it is given up, with the reason.
    Dead(String),
    /// Nothing, and nothing else either: the endpoint wants no more, with the reason.
    Disable(String),
}

/// What the holder of a lease has to say of a delivery.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Its row.
    pub delivery: i64,
    /// Who held the lease.
    pub holder: String,
    /// Where it went.
    pub endpoint: Arc<Endpoint>,
    /// The attempt that was made.
    pub ended: Ended,
}

/// How a claim ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// With an attempt.
    Attempted(Record, Next),
    /// Without one: it waits until then, and none was used up.
    PutOff(Timestamp),
    /// Without one: it is given up, with the reason.
    GivenUp(String),
}

/// What settling did beside.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    /// Endpoints that were disabled by it, with the reason.
    pub disabled: Vec<(Arc<Endpoint>, String)>,
    /// Deliveries that somebody else holds by now, or that were cancelled meanwhile: nothing was written of them but the attempt.
    pub lost: u32,
}

const ATTEMPT: &str = "INSERT INTO attempts (delivery, number, at, duration_ms, class, status, tls, address, request_id, reply, next_at) \
                       SELECT rowid, attempts + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM deliveries WHERE rowid = ?1";

const COUNT: &str = "UPDATE deliveries SET attempts = attempts + 1 WHERE rowid = ?1";

const SETTLE: &str = "UPDATE deliveries SET state = ?3, due = ifnull(?4, due), settled_at = ?5, why = ?6, lease = NULL, \
                      lease_until = NULL WHERE rowid = ?1 AND lease = ?2 AND state = 'pending'";

/// Attempts of a delivery that are kept: what is sent again and again does not grow for ever.
const KEPT: i64 = 50;

const TRIM: &str = "DELETE FROM attempts WHERE delivery = ?1 AND number <= (SELECT attempts FROM deliveries WHERE rowid = ?1) - ?2";

/// Writes what became of claims. What somebody else holds by now stays theirs.
pub fn settle(db: &Connection, settled: &[Settled], now: Timestamp) -> Result<Settlement, EventError> {
    let mut settlement = Settlement::default();
    for one in settled {
        settle_one(db, one, now, &mut settlement)?;
    }
    Ok(settlement)
}

fn settle_one(
    db: &Connection,
    one: &Settled,
    now: Timestamp,
    settlement: &mut Settlement,
) -> Result<(), EventError> {
    let (state, due, why) = match &one.ended {
        Ended::Attempted(_, Next::Delivered) => ("delivered", None, None),
        Ended::Attempted(_, Next::Retry(due)) | Ended::PutOff(due) => ("pending", Some(ms(*due)), None),
        Ended::Attempted(_, Next::Dead(why) | Next::Disable(why)) | Ended::GivenUp(why) => {
            ("dead", None, Some(why))
        }
    };
    let settled_at = (state != "pending").then(|| ms(now));
    let values = (one.delivery, &one.holder, state, due, settled_at, why);
    let is_ours = db.prepare_cached(SETTLE)?.execute(values)? > 0;
    if !is_ours {
        settlement.lost += 1;
    }
    let Ended::Attempted(record, next) = &one.ended else { return Ok(()) };
    note(db, one.delivery, record, due.filter(|_| is_ours))?;
    let why = judge(db, &one.endpoint, record, next)?;
    if let Some(why) = why
        && endpoints::disable(db, &one.endpoint, &why, now)?.is_some()
    {
        db.prepare_cached("UPDATE endpoints SET untold = 1 WHERE rowid = ?")?
            .execute([one.endpoint.row()])?;
        settlement.disabled.push((Arc::clone(&one.endpoint), why));
    }
    Ok(())
}

/// It was made, whoever holds the delivery by now.
fn note(db: &Connection, delivery: i64, record: &Record, next: Option<i64>) -> Result<(), EventError> {
    let reply = record.reply.get(..REPLY).unwrap_or(&record.reply);
    db.prepare_cached(ATTEMPT)?.execute(rusqlite::params![
        delivery,
        ms(record.at),
        i64::try_from(record.duration.as_millis()).unwrap_or(i64::MAX),
        record.class.as_str(),
        record.status,
        record.tls,
        record.address.map(|address| address.to_string()),
        record.request_id,
        (!reply.is_empty()).then_some(reply),
        next,
    ])?;
    db.prepare_cached(COUNT)?.execute([delivery])?;
    db.prepare_cached(TRIM)?.execute((delivery, KEPT))?;
    Ok(())
}

/// What an attempt says of its endpoint; a reason: it is to be disabled.
fn judge(
    db: &Connection,
    endpoint: &Endpoint,
    record: &Record,
    next: &Next,
) -> Result<Option<String>, EventError> {
    let row = endpoint.row();
    if record.class == Class::Delivered {
        let sql = "UPDATE endpoints SET failing_since = NULL WHERE rowid = ? AND failing_since IS NOT NULL";
        db.prepare_cached(sql)?.execute([row])?;
        return Ok(None);
    }
    // One in the future is of a clock that was ahead.
    let sql =
        "UPDATE endpoints SET failing_since = ?1 WHERE rowid = ?2 AND ifnull(failing_since, ?1 + 1) > ?1";
    db.prepare_cached(sql)?.execute((ms(record.at), row))?;
    if let Next::Disable(why) = next {
        return Ok(Some(why.clone()));
    }
    let sql = "SELECT failing_since FROM endpoints WHERE rowid = ?";
    let since: i64 = db.prepare_cached(sql)?.query_row([row], |row| row.get(0))?;
    if ms(record.at) - since < FAILING_FOR.as_millis() as i64 {
        return Ok(None);
    }
    let failed = db.prepare_cached(FAILED)?.query_row((row, since), |row| Ok((row.get(0)?, row.get(1)?)));
    let (attempts, days): (u32, u32) = failed?;
    let is_over = attempts >= FAILURES && days >= DAYS;
    Ok(is_over.then(|| "every attempt failed for five days".to_owned()))
}
