//! What sync set aside: versions of this device that the backend will not take, and versions from there that cannot be read.

use rusqlite::Row;

use super::{Durability, Store, StoreError, projects};
use crate::project::ProjectId;

/// Something that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The record. What came from the backend need not be a project's id.
    pub id: String,
    /// The project's name, where there is one.
    pub name: Option<String>,
    /// Why.
    pub reason: String,
    /// It came from the backend and cannot be read; else it cannot be sent.
    pub is_from_cloud: bool,
}

const LIST: &str = "SELECT r.id, r.name, t.parked, 0 FROM tracking t CROSS JOIN records r ON r.rowid = t.record \
                    WHERE t.space = ?1 AND t.version IS NOT t.clean_at AND t.parked_at IS t.version \
                    UNION ALL \
                    SELECT u.id, r.name, u.reason, u.revision <> '' FROM unreadable u \
                    LEFT JOIN records r ON r.space = u.space AND r.id = u.id WHERE u.space = ?1 ORDER BY 1";

impl Store {
    /// What is set aside now.
    pub fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        let mut statement = self.connection.prepare_cached(LIST)?;
        let rows = statement.query_map([self.space], parked)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lets the next sync try again what was set aside, to send it or to read it: of one project, or of all. Returns which.
    pub fn retry_parked(&mut self, id: Option<ProjectId>) -> Result<Vec<ProjectId>, StoreError> {
        let sql = "UPDATE tracking SET parked_at = NULL, parked = NULL WHERE space = ?1 AND version IS NOT clean_at \
                   AND parked_at IS version \
                   AND (?2 IS NULL OR record = (SELECT rowid FROM records WHERE space = ?1 AND id = ?2)) \
                   RETURNING (SELECT id FROM records WHERE rowid = record)";
        self.write(Durability::Full, |tx| {
            let mut statement = tx.connection().prepare_cached(sql)?;
            let id = id.as_ref().map(ProjectId::as_str);
            let rows = statement.query_map((tx.space(), id), |row| row.get::<_, String>(0))?;
            let mut retried: Vec<ProjectId> =
                rows.map(|id| projects::parse_id(id?)).collect::<Result<_, _>>()?;
            let aside = "UPDATE unreadable SET again = 1 WHERE space = ?1 AND revision <> '' AND (?2 IS NULL OR id = ?2) \
                         RETURNING id";
            let mut statement = tx.connection().prepare_cached(aside)?;
            let rows = statement.query_map((tx.space(), id), |row| row.get::<_, String>(0))?;
            // What came from the backend need not be a project's id; it is tried again all the same.
            for id in rows.collect::<Result<Vec<_>, _>>()?.iter().filter_map(|id| id.parse().ok()) {
                if !retried.contains(&id) {
                    retried.push(id);
                }
            }
            Ok(retried)
        })
    }
}

pub(super) fn parked(row: &Row<'_>) -> rusqlite::Result<Parked> {
    Ok(Parked {
        id: row.get(0)?,
        name: row.get(1)?,
        reason: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        is_from_cloud: row.get(3)?,
    })
}
