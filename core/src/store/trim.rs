//! Bounding history: versions that are many or old are forgotten, but none that sync may still ask for.
//!
//! A record's versions are counted whenever one more is kept. Age is looked after in passing: a transaction that keeps versions
//! looks at a few of the oldest, so that the cost follows the writes. What stays, however many or old:
//! the base and the version on the wire; writes of this store that the base does not contain, since a version that brings one
//! back must not look like a copy's; what a restore point needs. The clock of what is forgotten leaves a mark in `tracking`.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;

use super::record::ancestry;
use super::{StoreError, Tx, projects};
use crate::project::ProjectId;

/// How much history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Older versions of one record, two at least: a merge files one beside the one that it replaces. 0: all.
    pub versions: u32,
    /// Days after a version was overwritten; 0: for ever.
    pub days: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { versions: 100, days: 365 }
    }
}

/// Older versions that are kept in any case.
const AT_LEAST: u64 = 2;

/// Looked at beside two for each version that a transaction keeps.
const SWEPT_AT_LEAST: u32 = 8;

/// An older version that may go.
struct Candidate {
    number: u64,
    ancestry: String,
}

/// What sync knows of a record, as far as it decides what may go.
struct Needs {
    id: ProjectId,
    base_at: Option<u64>,
    sent_at: Option<u64>,
    base_ancestry: Option<String>,
    /// No backend was ever told of the space.
    is_local: bool,
}

const MANY: &str = "SELECT version, ancestry FROM history WHERE record = ? AND version < ?";

const OLDEST: &str =
    "SELECT rowid, record, version, ancestry, kept_at FROM history WHERE rowid > ? ORDER BY rowid LIMIT ?";

const NEEDS: &str = "SELECT r.id, t.base_at, t.sent_at, CASE WHEN t.base_at = t.version THEN r.ancestry ELSE \
                     (SELECT ancestry FROM history WHERE record = t.record AND version = t.base_at) END, \
                     (SELECT remote IS NULL FROM spaces WHERE rowid = r.space) FROM tracking t JOIN records r ON r.rowid = t.record WHERE t.record = ?";

const FORGET: &str = "DELETE FROM history WHERE record = ?1 AND version = ?2 AND NOT EXISTS \
                      (SELECT 1 FROM overwritten WHERE record = ?1 AND ?2 IN (lost, won))";

impl Tx<'_> {
    /// One more version of a record was kept, and `newest` is what stands: forgets what is more than enough.
    pub(super) fn trim_many(&mut self, row: i64, newest: u64) -> Result<(), StoreError> {
        let keep = u64::from(self.keep().versions).max(AT_LEAST);
        if self.keep().versions == 0 || newest <= keep {
            return Ok(());
        }
        let mut statement = self.connection().prepare_cached(MANY)?;
        let found = statement.query_map((row, newest - keep), |row| {
            Ok(Candidate { number: row.get(0)?, ancestry: row.get(1)? })
        })?;
        let many: Vec<Candidate> = found.collect::<Result<_, _>>()?;
        drop(statement);
        self.forget(row, many)
    }

    /// Looks at some of the oldest versions, and forgets those that are too old.
    pub(super) fn trim_old(&mut self, kept: u32) -> Result<(), StoreError> {
        let days = i64::from(self.keep().days);
        if days == 0 {
            return Ok(());
        }
        let too_old = self.now().as_second() - days * 86_400;
        let sql = "SELECT swept FROM writer";
        let swept: i64 = self.connection().prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        let most = kept.saturating_mul(2).saturating_add(SWEPT_AT_LEAST);
        let (mut old, mut last, mut looked_at) = (BTreeMap::<i64, Vec<Candidate>>::new(), 0, 0);
        let mut statement = self.connection().prepare_cached(OLDEST)?;
        let mut rows = statement.query((swept, most))?;
        while let Some(row) = rows.next()? {
            // They were kept one after the other: all that follow are younger.
            if row.get::<_, i64>(4)? >= too_old {
                break;
            }
            (last, looked_at) = (row.get(0)?, looked_at + 1);
            let candidate = Candidate { number: row.get(2)?, ancestry: row.get(3)? };
            old.entry(row.get(1)?).or_default().push(candidate);
        }
        drop(rows);
        drop(statement);
        for (record, versions) in old {
            self.forget(record, versions)?;
        }
        let next = if looked_at == most { last } else { 0 };
        if next != swept {
            self.connection().prepare_cached("UPDATE writer SET swept = ?")?.execute([next])?;
        }
        Ok(())
    }

    fn forget(&mut self, row: i64, versions: Vec<Candidate>) -> Result<(), StoreError> {
        if versions.is_empty() {
            return Ok(());
        }
        let writer = self.writer()?.name.clone();
        let Some(needs) = self.needs(row)? else { return Ok(()) };
        let clock = |text: &str| Ok::<_, StoreError>(ancestry(needs.id, text)?.get(&writer).copied());
        let known = needs.base_ancestry.as_deref().map(clock).transpose()?.flatten().unwrap_or(0);
        let mut forgotten = 0;
        for Candidate { number, ancestry } in versions {
            let written = clock(&ancestry)?.unwrap_or(0);
            let is_unsent = !needs.is_local && (needs.base_at.is_none() || written > known);
            if is_unsent || [needs.base_at, needs.sent_at].contains(&Some(number)) {
                continue;
            }
            if self.connection().prepare_cached(FORGET)?.execute((row, number))? > 0 {
                forgotten = forgotten.max(written);
            }
        }
        // What no backend was told of comes back from a copy alone: that is to be noticed.
        if forgotten > 0 && !needs.is_local {
            let sql = "UPDATE tracking SET forgotten = max(forgotten, ?) WHERE record = ?";
            self.connection().prepare_cached(sql)?.execute((forgotten, row))?;
        }
        Ok(())
    }

    fn needs(&self, row: i64) -> Result<Option<Needs>, StoreError> {
        let mut statement = self.connection().prepare_cached(NEEDS)?;
        let found = statement
            .query_row([row], |row| {
                let known = (row.get(1)?, row.get(2)?, row.get::<_, Option<String>>(3)?);
                Ok((row.get::<_, String>(0)?, known, row.get(4)?))
            })
            .optional()?;
        let Some((id, (base_at, sent_at, base_ancestry), is_local)) = found else { return Ok(None) };
        Ok(Some(Needs { id: projects::parse_id(id)?, base_at, sent_at, base_ancestry, is_local }))
    }
}
