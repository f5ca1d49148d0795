//! The audit trail in SQLite.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::super::{Audit, AuditQuery, AuditRow, Deed, Result, Witness};
use super::{Database, failed};

const ADD: &str =
    "INSERT INTO audit (at, tenant, team, account, device, device_name, action, subject, outcome, request_id)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const COLUMNS: &str = "at, tenant, team, account, device, device_name, action, subject, outcome, request_id";

/// Adds a row in a transaction that does what the row tells of.
pub(super) fn add(tx: &Connection, by: &Witness, deed: &Deed, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(ADD)?
        .execute(params![
            now.as_millisecond(),
            by.tenant,
            by.team,
            by.account,
            by.device,
            by.device_name,
            deed.action,
            deed.subject,
            deed.outcome,
            by.request_id
        ])
        .map(drop)
}

impl<D: Database> Audit for D {
    fn note(&self, by: &Witness, deed: &Deed, now: Timestamp) -> Result<()> {
        let doing = "writing the audit trail";
        self.write(doing, |tx| add(tx, by, deed, now).map_err(failed(doing)))
    }

    fn forget_audit(&self, before: Timestamp) -> Result<usize> {
        let doing = "forgetting old rows of the audit trail";
        self.write(doing, |tx| {
            tx.execute("DELETE FROM audit WHERE at < ?1", [before.as_millisecond()]).map_err(failed(doing))
        })
    }

    fn audit(&self, query: AuditQuery<'_>, take: &mut dyn FnMut(AuditRow) -> bool) -> Result<()> {
        let doing = "reading the audit trail";
        let which = if query.team.is_some() { "team = ?2 AND at >= ?1" } else { "at >= ?1 AND ?2 IS NULL" };
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE {which} ORDER BY at, rowid");
        let since = query.since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.read(doing, |tx| {
            let mut statement = tx.prepare_cached(&sql).map_err(failed(doing))?;
            let mut rows = statement.query(params![since, query.team]).map_err(failed(doing))?;
            while let Some(row) = rows.next().map_err(failed(doing))? {
                if !take(read(row).map_err(failed(doing))?) {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        at: Timestamp::from_millisecond(row.get(0)?).unwrap_or_default(),
        by: Witness {
            tenant: row.get(1)?,
            team: row.get(2)?,
            account: row.get(3)?,
            device: row.get(4)?,
            device_name: row.get(5)?,
            request_id: row.get(9)?,
        },
        deed: Deed { action: row.get(6)?, subject: row.get(7)?, outcome: row.get(8)? },
    })
}
