//! Numbered migrations, forward only. `user_version` is the number of the last one that was carried out.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;
use crate::event;

/// In order; the first takes an empty file to schema 1. A released one is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_points_and_trimming.sql"),
    include_str!("migrations/0003_audit.sql"),
    include_str!("migrations/0004_author.sql"),
    event::SCHEMA,
    include_str!("migrations/0006_sealing.sql"),
    include_str!("migrations/0007_at_rest.sql"),
];

/// Set in each of our files, so that another program's database is not taken for one: "Orke".
const APPLICATION_ID: i64 = 0x4f72_6b65;

/// Brings the schema up to date. A file of a newer version, or of another program, is refused untouched.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    if schema(connection)? == known() {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let found = schema(&tx)?;
    if found == 0 {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    for (n, migration) in (1..).zip(MIGRATIONS).skip_while(|(n, _)| *n <= found) {
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", n)?;
    }
    Ok(tx.commit()?)
}

pub(super) fn known() -> i64 {
    MIGRATIONS.len() as i64
}

/// The schema's number, 0 for an empty file. A file of a newer version, or of another program, is refused.
pub(crate) fn schema(connection: &Connection) -> Result<i64, StoreError> {
    // One statement, so that all three are of one moment: another process may be making the file.
    let sql = "SELECT user_version, application_id, NOT EXISTS (SELECT 1 FROM sqlite_schema) \
               FROM pragma_user_version, pragma_application_id";
    let (found, application, empty) = connection.query_row(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?))
    })?;
    if found > known() && application == APPLICATION_ID {
        return Err(StoreError::Newer { found, known: known() });
    }
    let is_ours = application == APPLICATION_ID || (found == 0 && empty);
    if is_ours { Ok(found) } else { Err(StoreError::Foreign) }
}
