//! Accounts and sessions in SQLite.

use jiff::Timestamp;
use rusqlite::{ErrorCode, OptionalExtension, Row, Transaction, params};

use super::super::{Account, AccountKey, Accounts, NewAccount, Result, SpaceKey, StorageError, TenantKey};
use super::{Database, failed, webhooks};
use crate::secret::SecretHash;
use orkee_core::id;

const ACCOUNT_ID_LEN: usize = 16;

/// What [`account`] reads, of table alias `a`.
pub(super) const ACCOUNT: &str =
    "a.rowid, a.id, a.email, a.plan, a.space, a.tenant, a.disabled_at IS NOT NULL";
/// How many columns that is.
pub(super) const ACCOUNT_COLUMNS: usize = 7;

/// Reads an account from the columns of [`ACCOUNT`], which stand first.
pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        key: AccountKey(row.get(0)?),
        id: row.get(1)?,
        email: row.get(2)?,
        plan: row.get(3)?,
        space: SpaceKey(row.get(4)?),
        tenant: row.get::<_, Option<i64>>(5)?.map(TenantKey),
        disabled: row.get(6)?,
    })
}

/// An empty space.
pub(super) fn insert_space(tx: &Transaction<'_>) -> rusqlite::Result<SpaceKey> {
    tx.execute("INSERT INTO spaces DEFAULT VALUES", [])?;
    Ok(SpaceKey(tx.last_insert_rowid()))
}

/// An account with a space of its own. None: there is one for the address.
pub(super) fn insert_account(
    tx: &Transaction<'_>,
    tenant: Option<TenantKey>,
    new: &NewAccount<'_>,
    now: Timestamp,
) -> rusqlite::Result<Option<Account>> {
    let space = insert_space(tx)?;
    let id = id::random(ACCOUNT_ID_LEN);
    let sql = "INSERT INTO accounts (id, tenant, email, password, plan, created_at, space)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (tenant_row, at) = (tenant.map(|tenant| tenant.0), now.as_millisecond());
    match tx.execute(sql, params![id, tenant_row, new.email, new.password, new.plan, at, space.0]) {
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(None),
        Err(e) => Err(e),
        Ok(_) => Ok(Some(Account {
            key: AccountKey(tx.last_insert_rowid()),
            id,
            email: new.email.to_owned(),
            plan: new.plan.to_owned(),
            space,
            tenant,
            disabled: false,
        })),
    }
}

impl<D: Database> Accounts for D {
    fn create_account(&self, new: &NewAccount<'_>, now: Timestamp) -> Result<Account> {
        let doing = "creating an account";
        self.write(doing, |tx| {
            let made = insert_account(tx, None, new, now).map_err(failed(doing))?;
            made.ok_or_else(|| StorageError::AccountExists(new.email.to_owned()))
        })
    }

    fn account_by_email(&self, email: &str) -> Result<Option<(Account, Option<String>)>> {
        let doing = "looking for an account";
        let sql = format!(
            "SELECT {ACCOUNT}, a.password FROM accounts a WHERE ifnull(a.tenant, 0) = 0 AND a.email = ?1"
        );
        self.read(doing, |tx| {
            tx.prepare_cached(&sql)
                .and_then(|mut s| {
                    s.query_row([email], |row| Ok((account(row)?, row.get(ACCOUNT_COLUMNS)?))).optional()
                })
                .map_err(failed(doing))
        })
    }

    fn set_disabled(&self, account: AccountKey, disabled: Option<Timestamp>) -> Result<()> {
        let doing = "disabling an account";
        self.write(doing, |tx| {
            let at = disabled.map(Timestamp::as_millisecond);
            tx.execute("UPDATE accounts SET disabled_at = ?2 WHERE rowid = ?1", params![account.0, at])
                .map_err(failed(doing))?;
            if let Some(now) = disabled {
                // First: nothing goes out on its behalf any more, not even that its devices are no longer signed in.
                webhooks::silence(tx, account, now)?;
                for table in ["sessions", "codes", "grants"] {
                    tx.execute(&format!("DELETE FROM {table} WHERE account = ?1"), [account.0])
                        .map_err(failed(doing))?;
                }
            }
            Ok(())
        })
    }

    fn create_session(&self, hash: SecretHash, account: AccountKey, expires: Timestamp) -> Result<()> {
        let doing = "keeping a session";
        let sql = "INSERT INTO sessions (hash, account, expires_at) VALUES (?1, ?2, ?3)";
        self.write(doing, |tx| {
            tx.execute(sql, params![hash.0, account.0, expires.as_millisecond()])
                .map(drop)
                .map_err(failed(doing))
        })
    }

    fn session(&self, hash: SecretHash, now: Timestamp) -> Result<Option<Account>> {
        let doing = "looking for a session";
        let sql = format!(
            "SELECT {ACCOUNT} FROM sessions s JOIN accounts a ON a.rowid = s.account
             WHERE s.hash = ?1 AND s.expires_at > ?2 AND a.disabled_at IS NULL"
        );
        self.read(doing, |tx| {
            tx.query_row(&sql, params![hash.0, now.as_millisecond()], account)
                .optional()
                .map_err(failed(doing))
        })
    }

    fn end_session(&self, hash: SecretHash) -> Result<()> {
        let doing = "ending a session";
        self.write(doing, |tx| {
            tx.execute("DELETE FROM sessions WHERE hash = ?1", [hash.0]).map(drop).map_err(failed(doing))
        })
    }
}
