//! Adding, changing and removing endpoints. Each function belongs into a transaction of a [`Ledger`](super::Ledger).
//!
//! Whatever writes keys or headers makes SQLite overwrite what it frees, so that nothing of a wiped secret stays in the file.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use url::{Origin, Url};

use super::deliveries::{self, Cancelled};
use super::endpoint::{self, COLUMNS};
use super::time::{after, ms};
use super::{Access, Endpoint, EventError, NewEndpoint, Owner, WebhookSecret};
use crate::clock::rfc3339;
use crate::id::Ids;
use crate::net::Secret;
use crate::plugin::{Algorithm, SigningKey};

/// Endpoints that an owner may have.
pub const MOST: u32 = 100;

/// Why deliveries are cancelled when an endpoint is disabled, in the list of deliveries.
pub(super) const DISABLED: &str = "endpoint disabled";
const REMOVED: &str = "endpoint removed";

const ADD: &str = "INSERT INTO endpoints (owner, id, url, filters, description, dispatcher, ordered, pulled, loopback, private, ca, \
                   created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Adds an endpoint.
pub fn add(
    db: &Connection,
    owner: Owner,
    new: &NewEndpoint,
    now: Timestamp,
    ids: &dyn Ids,
) -> Result<Endpoint, EventError> {
    let sql = "SELECT count(*) FROM endpoints WHERE owner = ? AND removed_at IS NULL";
    let count: u32 = db.query_row(sql, [owner.0], |row| row.get(0))?;
    if count >= MOST {
        return Err(EventError::Many { most: MOST });
    }
    overwrite_what_is_freed(db)?;
    let id = format!("ep_{}", ids.random(16));
    db.prepare_cached(ADD)?.execute(rusqlite::params![
        owner.0,
        id,
        new.url,
        json(new.filters.iter().map(|filter| filter.as_str().to_owned())),
        new.description,
        new.dispatcher,
        new.ordered,
        new.pulled,
        new.access.loopback,
        json(new.access.private.iter().map(ToString::to_string)),
        new.access.ca,
        ms(now),
    ])?;
    let row = db.last_insert_rowid();
    add_key(db, row, &new.secret)?;
    for (name, value) in &new.headers {
        let sql = "INSERT INTO endpoint_headers (endpoint, name, value) VALUES (?, ?, ?)";
        db.prepare_cached(sql)?.execute((row, name, value.expose()))?;
    }
    find(db, owner, &id)
}

/// An owner's endpoints, in the order in which they were added.
pub fn list(db: &Connection, owner: Owner) -> Result<Vec<Endpoint>, EventError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM endpoints e WHERE e.owner = ? AND e.removed_at IS NULL ORDER BY e.rowid"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([owner.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(endpoint::read(row)?);
    }
    Ok(found)
}

/// The endpoint of this id.
pub fn by_id(db: &Connection, owner: Owner, id: &str) -> Result<Endpoint, EventError> {
    let sql =
        format!("SELECT {COLUMNS} FROM endpoints e WHERE e.owner = ? AND e.id = ? AND e.removed_at IS NULL");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query((owner.0, id))?;
    match rows.next()? {
        Some(row) => endpoint::read(row),
        None => Err(EventError::NoEndpoint { query: id.to_owned() }),
    }
}

/// The endpoint of this id, or the only one that has this URL.
pub fn find(db: &Connection, owner: Owner, query: &str) -> Result<Endpoint, EventError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM endpoints e WHERE e.owner = ?1 AND e.removed_at IS NULL AND ?2 IN (e.id, e.url) \
         ORDER BY e.id = ?2 DESC, e.rowid"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query((owner.0, query))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let endpoint = endpoint::read(row)?;
        if endpoint.id == query {
            return Ok(endpoint);
        }
        found.push(endpoint);
    }
    match found.len() {
        0 => Err(EventError::NoEndpoint { query: query.to_owned() }),
        1 => Ok(found.remove(0)),
        _ => Err(EventError::Ambiguous { ids: found.into_iter().map(|endpoint| endpoint.id).collect() }),
    }
}

/// Says of all endpoints, of every owner, how they may be reached: where it is for whoever runs the program to say.
pub fn set_access(db: &Connection, access: &Access) -> Result<(), EventError> {
    let Access { loopback, private, ca } = access;
    let private = json(private.iter().map(ToString::to_string));
    let sql = "UPDATE endpoints SET loopback = ?1, private = ?2, ca = ?3 \
               WHERE removed_at IS NULL AND (loopback <> ?1 OR private <> ?2 OR ca IS NOT ?3)";
    db.prepare_cached(sql)?.execute((loopback, private, ca))?;
    Ok(())
}

/// What became of an endpoint that was enabled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Enabled {
    /// It was disabled before.
    pub changed: bool,
    /// Deliveries that go on since they were asked for.
    pub replayed: u64,
}

/// Lets an endpoint be told of events again. What was cancelled when it was disabled this time is sent only with `replay`.
pub fn enable(
    db: &Connection,
    endpoint: &Endpoint,
    replay: bool,
    now: Timestamp,
) -> Result<Enabled, EventError> {
    let replayed = if replay { deliveries::replay(db, endpoint, now)? } else { 0 };
    let sql = "UPDATE endpoints SET disabled_at = NULL, disabled_why = NULL, untold = 0, failing_since = NULL \
               WHERE rowid = ? AND disabled_at IS NOT NULL AND removed_at IS NULL";
    let changed = db.prepare_cached(sql)?.execute([endpoint.row])? > 0;
    db.prepare_cached("DELETE FROM breakers WHERE endpoint = ?")?.execute([endpoint.row])?;
    Ok(Enabled { changed, replayed })
}

/// Lets an endpoint be told of nothing any more, and cancels what waits for it. None: it was disabled already.
pub fn disable(
    db: &Connection,
    endpoint: &Endpoint,
    why: &str,
    now: Timestamp,
) -> Result<Option<Cancelled>, EventError> {
    let sql = "UPDATE endpoints SET disabled_at = ?, disabled_why = ? WHERE rowid = ? AND disabled_at IS NULL AND removed_at IS NULL";
    if db.prepare_cached(sql)?.execute((ms(now), why, endpoint.row))? == 0 {
        return Ok(None);
    }
    deliveries::cancel(db, endpoint, DISABLED, now).map(Some)
}

/// Removes an endpoint and cancels what waits for it. Its keys and headers are wiped, and of its URL, which may be a secret as a whole, all
/// but the origin; its deliveries can be listed as long as they are kept.
pub fn remove(db: &Connection, endpoint: &Endpoint, now: Timestamp) -> Result<Cancelled, EventError> {
    overwrite_what_is_freed(db)?;
    let sql =
        "UPDATE endpoints SET removed_at = ?, url = ?, ca = NULL WHERE rowid = ? AND removed_at IS NULL";
    if db.prepare_cached(sql)?.execute((ms(now), origin(&endpoint.url), endpoint.row))? == 0 {
        return Err(EventError::NoEndpoint { query: endpoint.id.clone() });
    }
    for sql in [
        "DELETE FROM signing_keys WHERE endpoint = ?",
        "DELETE FROM endpoint_headers WHERE endpoint = ?",
        "DELETE FROM breakers WHERE endpoint = ?",
    ] {
        db.prepare_cached(sql)?.execute([endpoint.row])?;
    }
    deliveries::cancel(db, endpoint, REMOVED, now)
}

/// Gives an endpoint another secret. The old one signs, too, for the time of `overlap`, and is wiped after it. Refused while one
/// before it still signs; without an overlap it never is, and every older one ends at once: somebody may have stolen them.
pub fn rotate(
    db: &Connection,
    endpoint: &Endpoint,
    new: &WebhookSecret,
    overlap: Duration,
    now: Timestamp,
) -> Result<(), EventError> {
    overwrite_what_is_freed(db)?;
    wipe_old(db, now)?;
    let sql = "SELECT max(until) FROM signing_keys WHERE endpoint = ?";
    let until: Option<i64> = db.prepare_cached(sql)?.query_row([endpoint.row], |row| row.get(0))?;
    if let Some(until) = until.filter(|_| !overlap.is_zero()) {
        let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
        return Err(EventError::Rotating { id: endpoint.id.clone(), until: rfc3339(until) });
    }
    let sql = "UPDATE signing_keys SET until = ? WHERE endpoint = ?";
    db.prepare_cached(sql)?.execute((ms(after(now, overlap)), endpoint.row))?;
    add_key(db, endpoint.row, new)?;
    // Without an overlap they ended just now.
    wipe_old(db, now).map(drop)
}

/// Whether there are secrets whose time is over.
pub fn has_old(db: &Connection, now: Timestamp) -> Result<bool, EventError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM signing_keys WHERE until IS NOT NULL AND until <= ?)";
    Ok(db.prepare_cached(sql)?.query_row([ms(now)], |row| row.get(0))?)
}

/// Wipes secrets whose time is over, of every owner. Returns how many there were.
pub fn wipe_old(db: &Connection, now: Timestamp) -> Result<usize, EventError> {
    overwrite_what_is_freed(db)?;
    let sql = "DELETE FROM signing_keys WHERE until IS NOT NULL AND until <= ?";
    Ok(db.prepare_cached(sql)?.execute([ms(now)])?)
}

/// What an endpoint's deliveries are signed with, the newest first. An old one whose time is over is not among them.
pub fn keys(db: &Connection, endpoint: &Endpoint, now: Timestamp) -> Result<Vec<SigningKey>, EventError> {
    let sql = "SELECT secret FROM signing_keys WHERE endpoint = ? AND (until IS NULL OR until > ?) \
               ORDER BY until IS NOT NULL, rowid DESC";
    let mut statement = db.prepare_cached(sql)?;
    let secrets = statement.query_map((endpoint.row, ms(now)), |row| row.get::<_, String>(0))?;
    let mut keys = Vec::new();
    for (name, secret) in ["newest", "old"].into_iter().zip(secrets) {
        let key = SigningKey::new(name, Algorithm::HmacSha256, &Secret::new(secret?));
        keys.push(key.map_err(|_| EventError::Damaged { what: format!("the secret of {}", endpoint.id) })?);
    }
    Ok(keys)
}

/// The secret that an endpoint's deliveries are signed with now, to be shown to who asked for it.
pub fn secret(db: &Connection, endpoint: &Endpoint) -> Result<WebhookSecret, EventError> {
    let sql =
        "SELECT secret FROM signing_keys WHERE endpoint = ? AND until IS NULL ORDER BY rowid DESC LIMIT 1";
    let secret: String = db.prepare_cached(sql)?.query_row([endpoint.row], |row| row.get(0))?;
    WebhookSecret::import(&secret)
}

/// The headers that go along with an endpoint's deliveries.
pub fn headers(db: &Connection, endpoint: &Endpoint) -> Result<Vec<(String, Secret)>, EventError> {
    let sql = "SELECT name, value FROM endpoint_headers WHERE endpoint = ? ORDER BY rowid";
    let mut statement = db.prepare_cached(sql)?;
    let headers = statement
        .query_map([endpoint.row], |row| Ok((row.get(0)?, Secret::new(row.get::<_, String>(1)?))))?;
    Ok(headers.collect::<Result<_, _>>()?)
}

/// Of a URL, what is no secret.
fn origin(url: &str) -> String {
    let url = Url::parse(url).ok().map(|url| url.origin());
    url.filter(Origin::is_tuple).map(|origin| origin.ascii_serialization()).unwrap_or_default()
}

fn add_key(db: &Connection, endpoint: i64, secret: &WebhookSecret) -> Result<(), EventError> {
    let sql = "INSERT INTO signing_keys (endpoint, secret) VALUES (?, ?)";
    db.prepare_cached(sql)?.execute((endpoint, secret.secret().expose()))?;
    Ok(())
}

fn overwrite_what_is_freed(db: &Connection) -> Result<(), EventError> {
    Ok(db.pragma_update(None, "secure_delete", true)?)
}

fn json(list: impl Iterator<Item = String>) -> String {
    serde_json::Value::from(list.collect::<Vec<_>>()).to_string()
}
