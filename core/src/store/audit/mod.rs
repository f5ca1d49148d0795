//! The audit trail: who did what with sign-ins and providers on this device, when, and how it ended.
//!
//! Each tenant has a trail of its own, and the oldest rows of it go when there are too many. Rows form a chain: each has a hash of
//! itself and of the hash before it, and the newest hash stands beside them, so that [`Store::verify_audit`] notices rows that were
//! changed, taken out or put in. Whoever can write the database could make the whole chain anew: it shows meddling by hand, not by
//! somebody who goes to that length. Rows hold names, hosts, codes and counts, and never a secret: nothing that a server or a provider
//! wrote gets in here unasked, and what does is cut and stripped.

mod chain;
mod entry;
mod trail;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Durability, Store, StoreError, Tx};
use crate::clock::rfc3339;
use crate::event::{self, NewEvent, Owner};
use chain::Hash;

pub use chain::{AuditProblem, VerifiedTrail};
pub use entry::{AuditAction, AuditEntry, AuditOutcome, AuditRow};
pub use trail::Trail;

/// Rows that are kept of one tenant.
const KEPT: u64 = 10_000;

const END: &str = "SELECT oldest, newest, hash FROM audit_chains WHERE tenant = ?";

const INSERT: &str = "INSERT INTO audit \
                      (tenant, number, at, who, action, subject, outcome, code, provider, request_id, hash) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const BEGIN: &str =
    "INSERT INTO audit_chains (tenant, oldest, before, newest, hash) VALUES (?1, ?2, ?3, ?2, ?4)";

const MOVE_ON: &str = "UPDATE audit_chains SET newest = ?2, hash = ?3 WHERE tenant = ?1";

/// The hash of the last row that goes stands in for all that go.
const TRIM_CHAIN: &str = "UPDATE audit_chains SET oldest = ?2 + 1, before = (SELECT hash FROM audit WHERE tenant = ?1 AND number = ?2) \
                          WHERE tenant = ?1 AND EXISTS (SELECT 1 FROM audit WHERE tenant = ?1 AND number = ?2)";

const TRIM: &str =
    "DELETE FROM audit WHERE tenant = ?1 AND number < (SELECT oldest FROM audit_chains WHERE tenant = ?1)";

const COLUMNS: &str = "number, at, who, action, subject, outcome, code, provider, request_id, hash";

/// The end of a tenant's chain.
struct End {
    oldest: u64,
    newest: u64,
    hash: Hash,
}

impl Store {
    /// Writes a row into the trail of the entry's tenant.
    pub fn note(&mut self, entry: &AuditEntry, durability: Durability) -> Result<(), StoreError> {
        self.write(durability, |tx| tx.note(entry, KEPT))
    }

    /// As [`Store::note`], and tells the tenant's endpoints of it in the same transaction.
    pub fn note_and_tell(
        &mut self,
        entry: &AuditEntry,
        event: &NewEvent<'_>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.write(durability, |tx| {
            tx.note(entry, KEPT)?;
            let sql = "SELECT rowid FROM spaces WHERE tenant = ?";
            let space = tx.connection().query_row(sql, [&entry.tenant], |row| row.get(0)).optional()?;
            // Whoever has no space here has no endpoints either.
            if let Some(space) = space {
                event::emit(tx.connection(), Owner(space), event, tx.now(), tx.ids())?;
            }
            Ok(())
        })
    }

    /// The newest rows of this space's tenant, the newest first: so many at most, none from before `since`, and of these actions alone
    /// (none named: of all).
    pub fn audit(
        &self,
        since: Option<Timestamp>,
        actions: &[AuditAction],
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let since = since.map(rfc3339).unwrap_or_default();
        let actions: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
        let actions = serde_json::Value::from(actions).to_string();
        let sql = format!(
            "SELECT {COLUMNS} FROM audit WHERE tenant = (SELECT tenant FROM spaces WHERE rowid = ?1) AND at >= ?2 \
             AND (?3 = '[]' OR action IN (SELECT value FROM json_each(?3))) ORDER BY number DESC LIMIT ?4"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map((self.space, since, actions, limit), read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a row of some trail, or the one before its oldest, has this hash: one that was written down when it was the newest.
    pub fn has_audit_hash(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM audit WHERE hash = ?1) \
                   OR EXISTS (SELECT 1 FROM audit_chains WHERE before = ?1 AND oldest > 1)";
        Ok(self.connection.query_row(sql, [hash], |row| row.get(0))?)
    }

    /// Looks whether each tenant's trail is as it was written.
    pub fn verify_audit(&self) -> Result<Vec<VerifiedTrail>, StoreError> {
        let sql = "SELECT tenant FROM audit UNION SELECT tenant FROM audit_chains ORDER BY 1";
        let mut statement = self.connection.prepare(sql)?;
        let tenants: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        tenants.into_iter().map(|tenant| self.verify_trail(tenant)).collect()
    }

    fn verify_trail(&self, tenant: String) -> Result<VerifiedTrail, StoreError> {
        let ends = "SELECT oldest, before, newest, hash FROM audit_chains WHERE tenant = ?";
        let ends = self.connection.query_row(ends, [&tenant], |row| {
            Ok(chain::Ends {
                oldest: row.get(0)?,
                before: hash(row, 1)?,
                newest: row.get(2)?,
                hash: hash(row, 3)?,
            })
        });
        let mut checking = chain::Checking::new(tenant, ends.optional()?);
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE tenant = ? ORDER BY number");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([checking.tenant().to_owned()], read)?;
        for row in rows {
            checking.take(&row?);
        }
        Ok(checking.finish())
    }
}

impl Tx<'_> {
    /// As [`Store::note`], inside of a transaction; so many rows are kept.
    pub(super) fn note(&mut self, entry: &AuditEntry, kept: u64) -> Result<(), StoreError> {
        Ok(append(self.connection(), entry, self.at(), kept)?)
    }
}

/// Writes a row of what happened `at` that time, within a transaction of whoever has the database of a store open.
pub fn note_in(db: &Connection, entry: &AuditEntry, at: Timestamp) -> rusqlite::Result<()> {
    append(db, entry, &rfc3339(at), KEPT)
}

fn append(db: &Connection, entry: &AuditEntry, at: &str, kept: u64) -> rusqlite::Result<()> {
    let end = db.prepare_cached(END)?.query_row([&entry.tenant], |row| {
        Ok(End { oldest: row.get(0)?, newest: row.get(1)?, hash: hash(row, 2)? })
    });
    let end = end.optional()?;
    let (number, before) = end.as_ref().map_or((1, chain::BEGINNING), |end| (end.newest + 1, end.hash));
    let row = AuditRow::of(entry, number, at);
    let hash = chain::hash(&entry.tenant, &row, &before);
    db.prepare_cached(INSERT)?.execute(rusqlite::params![
        entry.tenant,
        row.number,
        row.at,
        row.who,
        row.action,
        row.subject,
        row.outcome,
        row.code,
        row.provider,
        row.request_id,
        hash
    ])?;
    let Some(End { oldest, .. }) = end else {
        db.prepare_cached(BEGIN)?.execute((&entry.tenant, number, before, hash))?;
        return Ok(());
    };
    db.prepare_cached(MOVE_ON)?.execute((&entry.tenant, number, hash))?;
    if let Some(last) = number.checked_sub(kept).filter(|last| *last >= oldest) {
        db.prepare_cached(TRIM_CHAIN)?.execute((&entry.tenant, last))?;
        db.prepare_cached(TRIM)?.execute([&entry.tenant])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        number: row.get(0)?,
        at: row.get(1)?,
        who: row.get(2)?,
        action: row.get(3)?,
        subject: row.get(4)?,
        outcome: row.get(5)?,
        code: row.get(6)?,
        provider: row.get(7)?,
        request_id: row.get(8)?,
        hash: hash(row, 9)?,
    })
}

/// One that somebody has made of another length is none that was ever written.
fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Hash> {
    Ok(row.get::<_, Vec<u8>>(column)?.try_into().unwrap_or_default())
}
