//! What a space's key document says, in SQLite, and what that does to what is kept beside its records.

use std::collections::BTreeSet;

use orkee_core::event::{Owner, forget_names};
use orkee_wire::{Ancestry, Envelope};
use rusqlite::{Connection, params};

use super::super::{Kind, Sealing, SpaceKey, Write};

pub(super) const SEALING: &str = "SELECT seals, floor FROM spaces WHERE rowid = ?1";
const SEAL: &str = "UPDATE spaces SET seals = ?2, floor = ?3 WHERE rowid = ?1";
const FORGET_REPLACED: &str =
    "DELETE FROM replaced WHERE record IN (SELECT rowid FROM records WHERE space = ?1)";
const REPLACED: &str = "SELECT kind, envelope FROM records WHERE space = ?1 AND id = ?2 AND revision = ?3";

/// What a request meets of sealing in one space.
#[derive(Debug, Default)]
pub(super) struct Noticed {
    /// Records that say what they said before, in another form: nothing happened to those projects.
    pub(super) same: BTreeSet<String>,
    /// Something that can be read was wiped, which should leave the log, too.
    pub(super) wiped: bool,
}

pub(super) fn sealing(tx: &Connection, space: SpaceKey) -> rusqlite::Result<Sealing> {
    tx.prepare_cached(SEALING)?
        .query_row([space.0], |row| Ok(Sealing { seals: row.get(0)?, floor: row.get(1)? }))
}

/// Keeps what a new key document says. Where it raises the floor, nothing of the space's projects can be read from then on: what the API
/// replaced was written before, and names of projects stand in what webhooks were sent.
pub(super) fn seal(
    tx: &Connection,
    space: SpaceKey,
    sealing: Sealing,
    noticed: &mut Noticed,
) -> rusqlite::Result<()> {
    let before = self::sealing(tx, space)?;
    tx.prepare_cached(SEAL)?.execute(params![space.0, sealing.seals, sealing.floor])?;
    if sealing.seals && sealing.floor > before.floor {
        tx.execute(FORGET_REPLACED, [space.0])?;
        forget_names(tx, Owner(space.0))?;
        noticed.wiped = true;
    }
    Ok(())
}

/// Notes what a version is whose place `write` takes.
pub(super) fn notice(
    tx: &Connection,
    space: SpaceKey,
    guard: u64,
    write: &Write<'_>,
    noticed: &mut Noticed,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(REPLACED)?;
    let mut rows = statement.query(params![space.0, write.id.as_str(), guard])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let was_project = row.get::<_, i64>(0)? == Kind::Project.code();
    if was_project && write.kind == Kind::Project {
        return Ok(());
    }
    noticed.wiped |= was_project;
    let there = row.get_ref(1)?.as_blob()?;
    if ancestry(there).is_some_and(|before| ancestry(write.envelope) == Some(before)) {
        noticed.same.insert(write.id.as_str().to_owned());
    }
    Ok(())
}

fn ancestry(envelope: &[u8]) -> Option<Ancestry> {
    Envelope::parse(envelope).ok().map(|envelope| envelope.head.ancestry)
}
