//! The schema, as numbered steps that only go forward. `user_version` holds the number of the last one applied.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::{Result, StorageError};
use super::failed;

const STEPS: &[&str] = &[include_str!("migrations/0001_initial.sql")];
/// Marks the file as this program's ("Orks").
const APPLICATION: i64 = 0x4f72_6b73;

/// Applies the steps that are missing, in one transaction.
pub(super) fn apply(connection: &mut Connection, path: &Path) -> Result<()> {
    let doing = "bringing its schema up to date";
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(doing))?;
    let number =
        |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed(doing));
    let (found, application) = (number("user_version")?, number("application_id")?);
    let known = STEPS.len() as i64;
    let tables: i64 =
        tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed(doing))?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(StorageError::Foreign(path.display().to_string()));
    }
    if found > known {
        return Err(StorageError::Newer { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        tx.execute_batch(step).map_err(failed(doing))?;
    }
    if found < known {
        tx.pragma_update(None, "user_version", known).map_err(failed(doing))?;
        tx.pragma_update(None, "application_id", APPLICATION).map_err(failed(doing))?;
    }
    tx.commit().map_err(failed(doing))
}
