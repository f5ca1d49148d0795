//! Writing events, in the transaction of what they tell of.

use std::cell::Cell;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value};

use super::Owner;
use super::body::Body;
use super::filter::Filter;
use super::kind::EventKind;
use super::time::ms;
use crate::id::Ids;

/// Characters of a text that comes from elsewhere.
const LINE: usize = 200;

/// Why a delivery is given up where there are more than may wait.
pub(super) const TOO_MANY: &str = "too many deliveries wait";

/// Deliveries of an owner that may wait at once: whoever has endpoints that take nothing would fill the disk otherwise.
pub const MOST_WAITING: u64 = 50_000;

/// Deliveries of an owner that are kept.
pub(super) const MOST_KEPT: u64 = 100_000;

/// An event that is about to be written.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// What happened.
    pub kind: EventKind,
    /// To which project.
    pub project: Option<&'a str>,
    /// How many projects it stands for, where it names none.
    pub count: Option<u64>,
    /// More about it; never a secret.
    pub data: Option<Map<String, Value>>,
}

impl<'a> NewEvent<'a> {
    /// One that says no more than this.
    pub fn new(kind: EventKind) -> Self {
        Self { kind, project: None, count: None, data: None }
    }

    /// Which happened to a project.
    pub fn of(kind: EventKind, project: &'a str) -> Self {
        Self { project: Some(project), ..Self::new(kind) }
    }

    /// A sync ended with this error.
    pub fn sync_failed(code: &str, message: &str) -> Self {
        Self::new(EventKind::SyncFailed).with([("code", code.into()), ("message", line(message).into())])
    }

    /// Something happened to a device. `id` is the backend's name of its sign-in, where one is known.
    pub fn of_device(kind: EventKind, id: Option<&str>, name: &str, platform: Option<&str>) -> Self {
        let members = [("id", id), ("name", Some(name)), ("platform", platform)];
        let device =
            members.into_iter().filter_map(|(member, text)| Some((member.to_owned(), line(text?).into())));
        Self::new(kind).with([("device", Value::Object(device.collect()))])
    }

    /// Which says more.
    pub fn with<const N: usize>(self, data: [(&str, Value); N]) -> Self {
        let data = data.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self { data: Some(data.collect()), ..self }
    }
}

/// The endpoints of an owner that are told of events, as they are within a transaction.
#[derive(Debug, Clone)]
pub struct Listeners {
    owner: Owner,
    endpoints: Vec<(i64, Vec<String>)>,
    /// How many more deliveries may wait. None: nobody has looked yet.
    room: Cell<Option<u64>>,
    /// There are more deliveries than are kept.
    is_full: Cell<Option<bool>>,
}

const LISTENING: &str = "SELECT rowid, filters FROM endpoints WHERE owner = ? AND removed_at IS NULL AND disabled_at IS NULL ORDER BY rowid";

const NEXT: &str = "INSERT INTO sequences (owner, project, newest) VALUES (?, ?, 1) \
                    ON CONFLICT DO UPDATE SET newest = newest + 1 RETURNING newest";

const EVENT: &str =
    "INSERT INTO events (owner, id, kind, project, sequence, at, body) VALUES (?, ?, ?, ?, ?, ?, ?)";

const DELIVERY: &str =
    "INSERT INTO deliveries (event, endpoint, state, since, due) VALUES (?1, ?2, 'pending', ?3, ?3)";

const DEAD: &str = "INSERT INTO deliveries (event, endpoint, state, since, due, settled_at, why) VALUES (?1, ?2, 'dead', ?3, ?3, ?3, ?4)";

// Never looks at more than there may be.
const WAITING: &str = "SELECT count(*) FROM (SELECT 1 FROM endpoints e CROSS JOIN deliveries d INDEXED BY deliveries_in_order \
                       ON d.endpoint = e.rowid AND d.state = 'pending' WHERE e.owner = ?1 LIMIT ?2)";

const ALL: &str = "SELECT count(*) FROM (SELECT 1 FROM endpoints e CROSS JOIN deliveries d INDEXED BY deliveries_by_endpoint \
                   ON d.endpoint = e.rowid WHERE e.owner = ?1 LIMIT ?2)";

const OLDEST: &str = "SELECT rowid, event FROM deliveries INDEXED BY deliveries_ended WHERE endpoint = ?1 AND settled_at IS NOT NULL \
                      AND event <> ?2 ORDER BY settled_at, rowid LIMIT 1";

/// Deletes an event that no delivery is left of.
pub(super) const FORGET: &str =
    "DELETE FROM events WHERE rowid = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)";

impl Listeners {
    /// Looks who listens: one look by an index.
    pub fn of(db: &Connection, owner: Owner) -> rusqlite::Result<Self> {
        let mut statement = db.prepare_cached(LISTENING)?;
        let endpoints = statement.query_map([owner.0], |row| {
            let filters: String = row.get(1)?;
            // What cannot be read lets nothing through.
            let filters = serde_json::from_str(&filters).unwrap_or_else(|_| vec![String::new()]);
            Ok((row.get(0)?, filters))
        })?;
        Ok(Self {
            owner,
            endpoints: endpoints.collect::<Result<_, _>>()?,
            room: Cell::new(None),
            is_full: Cell::new(None),
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// Whether anybody is told of such events.
    pub fn hear(&self, kind: EventKind) -> bool {
        self.endpoints.iter().any(|(_, filters)| admit(filters, kind))
    }

    /// Writes an event and a delivery for each endpoint that is told of it. Returns how many there are; with none, nothing is written.
    /// Where as many wait as may, what comes is given up at once, and says so.
    pub fn emit(
        &self,
        db: &Connection,
        event: &NewEvent<'_>,
        at: Timestamp,
        ids: &dyn Ids,
    ) -> rusqlite::Result<u32> {
        let told: Vec<i64> = self
            .endpoints
            .iter()
            .filter(|(_, filters)| admit(filters, event.kind))
            .map(|(endpoint, _)| *endpoint)
            .collect();
        if told.is_empty() {
            return Ok(0);
        }
        let row = write(db, self.owner, event, at, ids)?;
        let had = match self.room.get() {
            Some(room) => room,
            None => MOST_WAITING - waiting(db, self.owner, MOST_WAITING)?,
        };
        let mut room = had;
        for endpoint in &told {
            match room.checked_sub(1) {
                Some(left) => {
                    deliver(db, row, *endpoint, at)?;
                    room = left;
                }
                None => self.give_up(db, row, *endpoint, at)?,
            }
        }
        self.room.set(Some(room));
        if room == 0 && had > 0 {
            tracing::warn!(target: "orkee::event", most = MOST_WAITING, "as many deliveries wait as may: more are given up");
        }
        Ok(u32::try_from(told.len()).unwrap_or(u32::MAX))
    }

    /// Writes a delivery that nobody tries. Whoever has more than is kept anyway loses the oldest one for it, so that the file stays as it is
    /// however long that goes on.
    fn give_up(&self, db: &Connection, event: i64, endpoint: i64, at: Timestamp) -> rusqlite::Result<()> {
        db.prepare_cached(DEAD)?.execute((event, endpoint, ms(at), TOO_MANY))?;
        let is_full = match self.is_full.get() {
            Some(known) => known,
            None => {
                let values = (self.owner.0, MOST_KEPT + 1);
                db.prepare_cached(ALL)?.query_row(values, |row| row.get::<_, u64>(0))? > MOST_KEPT
            }
        };
        self.is_full.set(Some(is_full));
        if !is_full {
            return Ok(());
        }
        let oldest = db
            .prepare_cached(OLDEST)?
            .query_row((endpoint, event), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        if let Some((row, event)) = oldest.optional()? {
            db.prepare_cached("DELETE FROM deliveries WHERE rowid = ?")?.execute([row])?;
            db.prepare_cached(FORGET)?.execute([event])?;
        }
        Ok(())
    }
}

/// Writes an event of `owner`, and a delivery for each endpoint that is told of it. Belongs into the transaction of what happened.
/// Returns how many deliveries there are; with none, nothing is written.
pub fn emit(
    db: &Connection,
    owner: Owner,
    event: &NewEvent<'_>,
    at: Timestamp,
    ids: &dyn Ids,
) -> rusqlite::Result<u32> {
    Listeners::of(db, owner)?.emit(db, event, at, ids)
}

/// As [`emit`], for one endpoint, whatever its filters say. Returns the delivery's row; none: the owner has no such endpoint, or it is
/// disabled.
pub fn emit_to(
    db: &Connection,
    owner: Owner,
    endpoint: &str,
    event: &NewEvent<'_>,
    at: Timestamp,
    ids: &dyn Ids,
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT rowid FROM endpoints WHERE owner = ? AND id = ? AND removed_at IS NULL AND disabled_at IS NULL";
    let found = db.prepare_cached(sql)?.query_row((owner.0, endpoint), |row| row.get(0)).optional()?;
    let Some(endpoint) = found else { return Ok(None) };
    let row = write(db, owner, event, at, ids)?;
    deliver(db, row, endpoint, at).map(Some)
}

/// Takes projects' names out of the events of an owner that are kept, and what was replied to them, since a reply may repeat one. Those
/// that wait still go out, without. Returns how many events there were.
pub fn forget_names(db: &Connection, owner: Owner) -> rusqlite::Result<usize> {
    let named =
        "owner = ? AND project IS NOT NULL AND json_type(CAST(body AS TEXT), '$.data.name') IS NOT NULL";
    let replies = format!(
        "UPDATE attempts SET reply = NULL WHERE reply IS NOT NULL AND delivery IN \
         (SELECT d.rowid FROM events e CROSS JOIN deliveries d ON d.event = e.rowid WHERE e.{named})"
    );
    db.execute(&replies, [owner.0])?;
    let bodies = format!(
        "UPDATE events SET body = CAST(json_remove(CAST(body AS TEXT), '$.data.name') AS BLOB) WHERE {named}"
    );
    db.execute(&bodies, [owner.0])
}

/// How many deliveries of an owner wait, counted up to `most`.
pub(super) fn waiting(db: &Connection, owner: Owner, most: u64) -> rusqlite::Result<u64> {
    db.prepare_cached(WAITING)?.query_row((owner.0, most), |row| row.get(0))
}

/// A text that may come from elsewhere: without control characters, and not long.
fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LINE).collect()
}

/// A new event's id.
pub fn new_id(ids: &dyn Ids) -> String {
    format!("msg_{}", ids.random(24))
}

fn admit(filters: &[String], kind: EventKind) -> bool {
    filters.is_empty()
        || filters.iter().any(|name| Filter::parse(name).is_ok_and(|filter| filter.admits(kind)))
}

fn write(
    db: &Connection,
    owner: Owner,
    event: &NewEvent<'_>,
    at: Timestamp,
    ids: &dyn Ids,
) -> rusqlite::Result<i64> {
    let NewEvent { kind, project, count, data } = event;
    let project = *project;
    let sequence: u64 =
        db.prepare_cached(NEXT)?.query_row((owner.0, project.unwrap_or_default()), |row| row.get(0))?;
    let body = Body { kind: *kind, project, at, sequence, count: *count, data: data.as_ref() };
    let body = body.to_json().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let values = (owner.0, new_id(ids), kind.as_str(), project, sequence, ms(at), body);
    db.prepare_cached(EVENT)?.execute(values)?;
    Ok(db.last_insert_rowid())
}

fn deliver(db: &Connection, event: i64, endpoint: i64, at: Timestamp) -> rusqlite::Result<i64> {
    db.prepare_cached(DELIVERY)?.execute((event, endpoint, ms(at)))?;
    Ok(db.last_insert_rowid())
}
