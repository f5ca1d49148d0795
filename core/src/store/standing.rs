//! How far projects are in step, and which ones wait.

use super::{Store, StoreError, projects};
use crate::project::ProjectId;

/// How many records are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Agreed with the backend.
    pub in_step: u64,
    /// Changed here and not yet sent.
    pub waiting: u64,
    /// With an unsettled conflict.
    pub conflicts: u64,
    /// Set aside.
    pub parked: u64,
}

impl Store {
    /// How many projects are in step, wait, stand in conflict, are set aside.
    pub fn standing(&self) -> Result<Standing, StoreError> {
        let count = |sql| self.connection.prepare_cached(sql)?.query_row([self.space], |row| row.get(0));
        let dirty = "SELECT count(*) FROM tracking WHERE space = ? AND version IS NOT clean_at";
        let live_dirty = "SELECT count(*) FROM tracking t CROSS JOIN records r ON r.rowid = t.record \
                          WHERE t.space = ? AND t.version IS NOT t.clean_at AND r.name IS NOT NULL";
        let parked = "SELECT count(*) FROM tracking WHERE space = ? AND version IS NOT clean_at AND parked_at IS version";
        let unreadable = "SELECT count(*) FROM unreadable WHERE space = ?";
        let live = "SELECT count(*) FROM records WHERE space = ? AND name IS NOT NULL";
        let conflicts = "SELECT count(DISTINCT c.record) FROM conflicts c CROSS JOIN records r ON r.rowid = c.record \
                         WHERE r.space = ?";
        let parked: u64 = count(parked)?;
        Ok(Standing {
            in_step: count(live)?.saturating_sub(count(live_dirty)?),
            waiting: count(dirty)?.saturating_sub(parked),
            conflicts: count(conflicts)?,
            parked: parked + count(unreadable)?,
        })
    }

    /// Whether anything waits to be sent. Looks at one entry of an index.
    pub fn has_waiting(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM tracking WHERE space = ? AND version IS NOT clean_at)";
        Ok(self.connection.prepare_cached(sql)?.query_row([self.space], |row| row.get(0))?)
    }

    /// The projects whose changes wait to be sent, by name; none for the name of a deleted one. What goes again in another form alone is
    /// not among them.
    pub fn unsent(&self) -> Result<Vec<(ProjectId, Option<String>)>, StoreError> {
        let sql = "SELECT r.id, r.name FROM tracking t CROSS JOIN records r ON r.rowid = t.record \
                   WHERE t.space = ? AND t.version IS NOT t.clean_at AND NOT (t.clean_at IS 0 AND t.base_at IS t.version) \
                   ORDER BY r.name, r.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.space])?;
        let mut unsent = Vec::new();
        while let Some(row) = rows.next()? {
            unsent.push((projects::parse_id(row.get(0)?)?, row.get(1)?));
        }
        Ok(unsent)
    }
}
