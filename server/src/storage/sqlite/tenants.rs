//! Tenants and their people's identities in SQLite.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::super::{Account, Identity, NewAccount, Result, StorageError, Tenant, TenantKey, Tenants};
use super::accounts::{ACCOUNT, account, insert_account};
use super::teams::{TEAM, TEAM_COLUMNS, insert_team, team};
use super::{Database, failed};

const FROM: &str = "FROM tenants n JOIN teams t ON t.rowid = n.team";

fn tenant(row: &Row<'_>) -> rusqlite::Result<Tenant> {
    let (key, at) = (TenantKey(row.get(TEAM_COLUMNS)?), TEAM_COLUMNS + 1);
    Ok(Tenant { key, name: row.get(at)?, settings: row.get(at + 1)?, team: team(row)? })
}

fn by_name(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<Tenant>> {
    let sql = format!("SELECT {TEAM}, n.rowid, n.name, n.settings {FROM} WHERE n.name = ?1");
    tx.prepare_cached(&sql)?.query_row([name], tenant).optional()
}

pub(super) fn by_key(tx: &Transaction<'_>, key: TenantKey) -> rusqlite::Result<Option<Tenant>> {
    let sql = format!("SELECT {TEAM}, n.rowid, n.name, n.settings {FROM} WHERE n.rowid = ?1");
    tx.prepare_cached(&sql)?.query_row([key.0], tenant).optional()
}

impl<D: Database> Tenants for D {
    fn set_tenant(&self, name: &str, settings: &str, now: Timestamp) -> Result<Tenant> {
        let doing = "setting a tenant up";
        let gone = || failed(doing)(rusqlite::Error::QueryReturnedNoRows);
        self.write(doing, |tx| {
            let update = "UPDATE tenants SET settings = ?2 WHERE name = ?1";
            if tx.execute(update, [name, settings]).map_err(failed(doing))? == 0 {
                let team = insert_team(tx, name, now)
                    .map_err(failed(doing))?
                    .ok_or_else(|| StorageError::TeamExists(name.to_owned()))?;
                let sql = "INSERT INTO tenants (name, settings, team, created_at) VALUES (?1, ?2, ?3, ?4)";
                tx.execute(sql, params![name, settings, team.key.0, now.as_millisecond()])
                    .map_err(failed(doing))?;
            }
            by_name(tx, name).map_err(failed(doing))?.ok_or_else(gone)
        })
    }

    fn tenant(&self, name: &str) -> Result<Option<Tenant>> {
        let doing = "looking for a tenant";
        self.read(doing, |tx| by_name(tx, name).map_err(failed(doing)))
    }

    fn tenants(&self) -> Result<Vec<Tenant>> {
        let doing = "listing tenants";
        let sql = format!("SELECT {TEAM}, n.rowid, n.name, n.settings {FROM} ORDER BY n.name");
        self.read(doing, |tx| {
            let mut statement = tx.prepare(&sql).map_err(failed(doing))?;
            statement.query_map([], tenant).and_then(Iterator::collect).map_err(failed(doing))
        })
    }

    fn remove_tenant(&self, name: &str) -> Result<bool> {
        let doing = "removing a tenant";
        self.write(doing, |tx| {
            let Some(tenant) = by_name(tx, name).map_err(failed(doing))? else { return Ok(false) };
            remove(tx, &tenant).map_err(failed(doing))?;
            Ok(true)
        })
    }

    fn tenant_account(&self, tenant: TenantKey, email: &str) -> Result<Option<Account>> {
        let doing = "looking for an account";
        let sql = format!("SELECT {ACCOUNT} FROM accounts a WHERE ifnull(a.tenant, 0) = ?1 AND a.email = ?2");
        self.read(doing, |tx| {
            tx.query_row(&sql, params![tenant.0, email], account).optional().map_err(failed(doing))
        })
    }

    fn account_by_identity(&self, identity: Identity<'_>) -> Result<Option<Account>> {
        let doing = "looking for an identity";
        let sql = format!(
            "SELECT {ACCOUNT} FROM identities i JOIN accounts a ON a.rowid = i.account
             WHERE i.tenant = ?1 AND i.issuer = ?2 AND i.subject = ?3"
        );
        let Identity { tenant, issuer, subject } = identity;
        self.read(doing, |tx| {
            tx.query_row(&sql, params![tenant.0, issuer, subject], account).optional().map_err(failed(doing))
        })
    }

    fn create_identity_account(
        &self,
        identity: Identity<'_>,
        email: &str,
        plan: &str,
        now: Timestamp,
    ) -> Result<Account> {
        let doing = "creating an account";
        self.write(doing, |tx| {
            let Identity { tenant, issuer, subject } = identity;
            let new = NewAccount { email, password: None, plan };
            let made = insert_account(tx, Some(tenant), &new, now).map_err(failed(doing))?;
            let made = made.ok_or_else(|| StorageError::AccountExists(email.to_owned()))?;
            let sql = "INSERT INTO identities (tenant, issuer, subject, account) VALUES (?1, ?2, ?3, ?4)";
            tx.execute(sql, params![tenant.0, issuer, subject, made.key.0]).map_err(failed(doing))?;
            Ok(made)
        })
    }
}

/// The tenant's row goes last but its team's: it takes its accounts along, whose spaces nobody refers to any more.
fn remove(tx: &Transaction<'_>, tenant: &Tenant) -> rusqlite::Result<()> {
    let spaces: Vec<i64> = tx
        .prepare("SELECT space FROM accounts WHERE tenant = ?1")?
        .query_map([tenant.key.0], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    tx.execute("DELETE FROM tenants WHERE rowid = ?1", [tenant.key.0])?;
    tx.execute("DELETE FROM teams WHERE rowid = ?1", [tenant.team.key.0])?;
    let mut delete = tx.prepare("DELETE FROM spaces WHERE rowid = ?1")?;
    for space in spaces.into_iter().chain([tenant.team.space.0]) {
        delete.execute([space])?;
    }
    Ok(())
}
