//! The schema, as numbered steps that only go forward. `user_version` holds the number of the last one applied.
//!
//! A step may replace a table that others refer to, which SQLite allows only while foreign keys are off; they are
//! checked as a whole before the commit.

use std::path::Path;
use std::time::Duration;

use orkee_core::event::{self, empty_log};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::super::{Result, StorageError};
use super::failed;

pub(super) const STEPS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_spaces.sql"),
    include_str!("migrations/0003_sign_ins.sql"),
    include_str!("migrations/0004_bound_grants.sql"),
    include_str!("migrations/0005_judged_sign_ins.sql"),
    event::SCHEMA,
    include_str!("migrations/0007_sealed_spaces.sql"),
];
/// From this step on, what is replaced or deleted is overwritten.
const OVERWRITTEN_FROM: i64 = 7;
/// Names in `owed` that what was deleted before has to be.
const OVERWRITING: &str = "overwriting";
/// Marks the file as this program's ("Orks").
pub(super) const APPLICATION: i64 = 0x4f72_6b73;
const DOING: &str = "bringing its schema up to date";

/// Applies the steps that are missing, in one transaction, and does what one of them left to do.
pub(super) fn apply(connection: &mut Connection, path: &Path) -> Result<()> {
    let foreign_keys = |connection: &Connection, on: bool| {
        connection.pragma_update(None, "foreign_keys", on).map_err(failed(DOING))
    };
    foreign_keys(connection, false)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(DOING))?;
    steps(&tx, path)?;
    tx.commit().map_err(failed(DOING))?;
    foreign_keys(connection, true)?;
    overwrite_what_was_freed(connection, path)
}

/// Writes a database of before anew, without what had been deleted from it by then: it would stay in unused places of the file for ever.
/// That takes the file's size once more, and again for the log; where there is no such room, or somebody is in the way, the server works
/// all the same, and it stays owed to the next start.
pub(super) fn overwrite_what_was_freed(connection: &Connection, path: &Path) -> Result<()> {
    let owed: bool = connection
        .query_row("SELECT EXISTS (SELECT 1 FROM owed WHERE work = ?1)", [OVERWRITING], |row| row.get(0))
        .map_err(failed(DOING))?;
    if !owed {
        return Ok(());
    }
    let database = path.display();
    tracing::info!(%database, "writing it anew, once");
    let done = connection
        .execute_batch("VACUUM")
        .and_then(|()| connection.execute("DELETE FROM owed WHERE work = ?1", [OVERWRITING]));
    if let Err(error) = done {
        tracing::warn!(
            %database, %error,
            "it could not be written anew, so that what was deleted before stays in unused places of it; the next start tries again, and \
             needs twice the database's size of free room"
        );
        // What was written of it so far takes up the room that everybody else's work needs.
        let _ = empty_log(connection, Duration::ZERO);
    }
    Ok(())
}

fn number(connection: &Connection, name: &str) -> Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(failed(DOING))
}

pub(super) fn steps(tx: &Transaction<'_>, path: &Path) -> Result<()> {
    let (found, application) = (number(tx, "user_version")?, number(tx, "application_id")?);
    let known = STEPS.len() as i64;
    let tables: i64 =
        tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed(DOING))?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(StorageError::Foreign(path.display().to_string()));
    }
    if found > known {
        return Err(StorageError::Newer { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        tx.execute_batch(step).map_err(failed(DOING))?;
    }
    if (1..OVERWRITTEN_FROM).contains(&found) {
        tx.execute("INSERT OR IGNORE INTO owed (work) VALUES (?1)", [OVERWRITING]).map_err(failed(DOING))?;
    }
    if found < known {
        let torn: i64 = tx
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
            .map_err(failed(DOING))?;
        if torn > 0 {
            return Err(StorageError::Torn(path.display().to_string()));
        }
        tx.pragma_update(None, "user_version", known).map_err(failed(DOING))?;
        tx.pragma_update(None, "application_id", APPLICATION).map_err(failed(DOING))?;
    }
    Ok(())
}
