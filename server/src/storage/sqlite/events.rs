//! Events of the webhooks, written in the transactions of what they tell of. Where nobody listens, that is one look by an index.

use std::collections::BTreeSet;

use jiff::Timestamp;
use orkee_core::event::{EventKind, Listeners, NewEvent, Owner};
use orkee_core::id::SystemIds;
use orkee_wire::Envelope;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Exchange, Kind, Origin, Write, WriteOutcome};

/// Projects that a sync tells of one by one. Of more, it tells at once.
const ONE_BY_ONE: usize = 100;

/// Tells of an exchange: of each project whose write was accepted, of what the API replaced, and of a device's sync as a whole. Nothing
/// happened to the `same` ones, which were written in another form, nor to a project where keys were written.
pub(super) fn of_exchange(
    tx: &Connection,
    listeners: &Listeners,
    exchange: &Exchange<'_>,
    outcomes: &[WriteOutcome],
    same: &BTreeSet<String>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let happened = |(write, outcome): &(&Write<'_>, &WriteOutcome)| {
        let is_told = !matches!(write.kind, Kind::Keys(_)) && !same.contains(write.id.as_str());
        is_told && matches!(outcome, WriteOutcome::Accepted(_))
    };
    let accepted = exchange.writes.iter().zip(outcomes).filter(happened);
    let mut changed = BTreeSet::new();
    for (write, _) in accepted {
        changed.insert(write.id.as_str());
        let kind = kind(write);
        if listeners.hear(kind) {
            listeners.emit(tx, &of_write(kind, write), now, &SystemIds)?;
        }
    }
    match exchange.origin {
        Origin::Api { replaced } => {
            for (project, field) in replaced.iter().filter(|(project, _)| changed.contains(project)) {
                let event = NewEvent::of(EventKind::ConflictDetected, project);
                listeners.emit(tx, &event.with([("field", json!(field))]), now, &SystemIds)?;
            }
            Ok(())
        }
        Origin::Device => synced(tx, listeners, &changed, now),
    }
}

fn synced(
    tx: &Connection,
    listeners: &Listeners,
    changed: &BTreeSet<&str>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if changed.len() > ONE_BY_ONE {
        let count = Some(changed.len() as u64);
        let event = NewEvent { count, ..NewEvent::new(EventKind::SyncCompleted) };
        return listeners.emit(tx, &event, now, &SystemIds).map(drop);
    }
    for project in changed {
        let event = NewEvent::of(EventKind::SyncCompleted, project);
        listeners.emit(tx, &event, now, &SystemIds)?;
    }
    Ok(())
}

fn kind(write: &Write<'_>) -> EventKind {
    match (write.kind, write.guard) {
        (Kind::Tombstone, _) => EventKind::ProjectDeleted,
        (_, None) => EventKind::ProjectCreated,
        (_, Some(_)) => EventKind::ProjectUpdated,
    }
}

fn of_write<'a>(kind: EventKind, write: &Write<'a>) -> NewEvent<'a> {
    let event = NewEvent::of(kind, write.id.as_str());
    match name(write) {
        Some(name) => event.with([("name", name)]),
        None => event,
    }
}

/// The project's name, where the server can read it.
fn name(write: &Write<'_>) -> Option<Value> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    if write.kind != Kind::Project {
        return None;
    }
    let payload = Envelope::parse(write.envelope).ok()?.payload?;
    let named: Named = serde_json::from_slice(payload).ok()?;
    Some(named.name.into())
}

/// A device as it is told of.
pub(super) struct Told<'a> {
    pub(super) account: i64,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) platform: Option<&'a str>,
}

/// Tells the account, in whose own space such events are, of a device.
pub(super) fn of_device(
    tx: &Connection,
    kind: EventKind,
    device: &Told<'_>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "SELECT space FROM accounts WHERE rowid = ?1";
    let space = tx.prepare_cached(sql)?.query_row([device.account], |row| row.get(0)).optional()?;
    let Some(space) = space else { return Ok(()) };
    let Told { id, name, platform, .. } = device;
    let event = NewEvent::of_device(kind, Some(id), name, *platform);
    Listeners::of(tx, Owner(space))?.emit(tx, &event, now, &SystemIds).map(drop)
}

/// Ends the grants that `which` names, a condition over `grants` with one parameter, and tells of each. How many there were.
pub(super) fn end_grants(
    tx: &Connection,
    which: &str,
    parameter: impl rusqlite::ToSql,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let sql = format!("DELETE FROM grants WHERE {which} RETURNING account, id, name, platform");
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(params![parameter], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, Option<String>>(3)?,
        ))
    })?;
    let ended: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    for (account, id, name, platform) in &ended {
        let device = Told { account: *account, id, name, platform: platform.as_deref() };
        of_device(tx, EventKind::DeviceRevoked, &device, now)?;
    }
    Ok(ended.len())
}
