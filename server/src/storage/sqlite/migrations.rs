//! The schema, as numbered steps that only go forward. `user_version` holds the number of the last one applied.
//!
//! A step may replace a table that others refer to, which SQLite allows only while foreign keys are off; they are
//! checked as a whole before the commit.

use std::path::Path;

use orkee_core::event;
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
/// Marks the file as this program's ("Orks").
pub(super) const APPLICATION: i64 = 0x4f72_6b73;
const DOING: &str = "bringing its schema up to date";

/// Applies the steps that are missing, in one transaction.
pub(super) fn apply(connection: &mut Connection, path: &Path) -> Result<()> {
    let foreign_keys = |connection: &Connection, on: bool| {
        connection.pragma_update(None, "foreign_keys", on).map_err(failed(DOING))
    };
    overwrite_what_was_freed(connection, path)?;
    foreign_keys(connection, false)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(DOING))?;
    steps(&tx, path)?;
    tx.commit().map_err(failed(DOING))?;
    foreign_keys(connection, true)
}

/// Writes a database of before anew, without what had been deleted from it by then: it would stay in unused places of the file for ever.
/// It is done before the steps, so that a start that ends in between does it again.
fn overwrite_what_was_freed(connection: &Connection, path: &Path) -> Result<()> {
    let found = number(connection, "user_version")?;
    if number(connection, "application_id")? != APPLICATION || found >= OVERWRITTEN_FROM {
        return Ok(());
    }
    tracing::info!(database = %path.display(), "writing it anew, once");
    connection.execute_batch("VACUUM").map_err(failed(DOING))
}

fn number(connection: &Connection, name: &str) -> Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(failed(DOING))
}

fn steps(tx: &Transaction<'_>, path: &Path) -> Result<()> {
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
