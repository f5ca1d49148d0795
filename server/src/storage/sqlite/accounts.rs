//! Accounts and sessions in SQLite.

use jiff::Timestamp;
use rusqlite::{ErrorCode, OptionalExtension, Row, params};

use super::super::{Account, AccountKey, Accounts, NewAccount, Result, StorageError};
use super::{Sqlite, failed};
use crate::secret::SecretHash;
use orkee_core::id;

const ACCOUNT_ID_LEN: usize = 16;

/// Reads an account from columns named `rowid`, `id`, `email`, `plan` of table alias `a`, at these places.
pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { key: AccountKey(row.get(0)?), id: row.get(1)?, email: row.get(2)?, plan: row.get(3)? })
}

impl Accounts for Sqlite {
    fn create_account(&self, new: &NewAccount<'_>, now: Timestamp) -> Result<Account> {
        let doing = "creating an account";
        let id = id::random(ACCOUNT_ID_LEN);
        self.write(doing, |tx| {
            let sql =
                "INSERT INTO accounts (id, email, password, plan, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
            match tx.execute(sql, params![id, new.email, new.password, new.plan, now.as_millisecond()]) {
                Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    Err(StorageError::AccountExists(new.email.to_owned()))
                }
                Err(e) => Err(failed(doing)(e)),
                Ok(_) => Ok(Account {
                    key: AccountKey(tx.last_insert_rowid()),
                    id: id.clone(),
                    email: new.email.to_owned(),
                    plan: new.plan.to_owned(),
                }),
            }
        })
    }

    fn account_by_email(&self, email: &str) -> Result<Option<(Account, String)>> {
        let doing = "looking for an account";
        let sql = "SELECT rowid, id, email, plan, password FROM accounts WHERE email = ?1";
        self.read(doing, |tx| {
            tx.prepare_cached(sql)
                .and_then(|mut s| s.query_row([email], |row| Ok((account(row)?, row.get(4)?))).optional())
                .map_err(failed(doing))
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
        let sql =
            "SELECT a.rowid, a.id, a.email, a.plan FROM sessions s JOIN accounts a ON a.rowid = s.account
                   WHERE s.hash = ?1 AND s.expires_at > ?2";
        self.read(doing, |tx| {
            tx.query_row(sql, params![hash.0, now.as_millisecond()], account)
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
