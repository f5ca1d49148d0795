//! Sign-ins at identity providers in SQLite.

use jiff::Timestamp;
use rusqlite::{ErrorCode, OptionalExtension, Transaction, params};

use super::super::{
    Account, AccountKey, Identity, NewSignIn, Result, SignIns, SignedIn, StorageError, Tenant, TenantKey,
};
use super::accounts::{ACCOUNT, ACCOUNT_COLUMNS, account};
use super::grants::{insert_grant, insert_pair};
use super::tenants::by_key;
use super::{Database, events, failed};
use crate::secret::SecretHash;

fn timestamp(ms: Option<i64>) -> Option<Timestamp> {
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

impl<D: Database> SignIns for D {
    fn sign_in(&self, sign_in: &NewSignIn<'_>, now: Timestamp) -> Result<SignedIn> {
        let doing = "keeping a sign-in";
        self.write(doing, |tx| keep(tx, sign_in, now).map_err(failed(doing)))
    }

    fn is_spent(&self, proof: SecretHash) -> Result<bool> {
        let doing = "looking for an exchanged token";
        self.read(doing, |tx| {
            tx.prepare_cached("SELECT 1 FROM exchanged WHERE hash = ?1")
                .and_then(|mut statement| statement.exists([proof.0]))
                .map_err(failed(doing))
        })
    }

    fn signed_in(&self, refresh: SecretHash) -> Result<Option<(Account, Option<Timestamp>)>> {
        let doing = "looking for a sign-in";
        let sql = format!(
            "SELECT {ACCOUNT}, g.signed_in_at FROM refresh_tokens r JOIN grants g ON g.rowid = r.grant_row
             JOIN accounts a ON a.rowid = g.account WHERE r.hash = ?1"
        );
        self.read(doing, |tx| {
            tx.prepare_cached(&sql)
                .and_then(|mut statement| {
                    statement
                        .query_row([refresh.0], |row| {
                            Ok((account(row)?, timestamp(row.get(ACCOUNT_COLUMNS)?)))
                        })
                        .optional()
                })
                .map_err(failed(doing))
        })
    }

    fn end_grants(&self, account: AccountKey, now: Timestamp) -> Result<()> {
        let doing = "signing an account out";
        self.write(doing, |tx| {
            events::end_grants(tx, "account = ?1", account.0, now).map(drop).map_err(failed(doing))
        })
    }

    fn set_tokens_since(&self, account: AccountKey, since: Timestamp) -> Result<()> {
        let doing = "ending an account's tokens";
        let sql = "UPDATE accounts SET tokens_since = ?2 WHERE rowid = ?1";
        self.write(doing, |tx| {
            tx.execute(sql, params![account.0, since.as_millisecond()]).map(drop).map_err(failed(doing))
        })
    }

    fn tokens_since(&self, account: AccountKey) -> Result<Option<Timestamp>> {
        let doing = "looking for an account";
        let sql = "SELECT tokens_since FROM accounts WHERE rowid = ?1";
        self.read(doing, |tx| moment(tx, sql, account).map_err(failed(doing)))
    }

    fn judged_at(&self, account: AccountKey) -> Result<Option<Timestamp>> {
        let doing = "looking for an account's sign-in";
        let sql = "SELECT judged_at FROM accounts WHERE rowid = ?1";
        self.read(doing, |tx| moment(tx, sql, account).map_err(failed(doing)))
    }

    fn set_judged_at(&self, account: AccountKey, issued: Timestamp) -> Result<()> {
        let doing = "keeping when an account signed in";
        let sql = "UPDATE accounts SET judged_at = ?2 WHERE rowid = ?1 AND ifnull(judged_at, ?2 - 1) < ?2";
        self.write(doing, |tx| {
            tx.execute(sql, params![account.0, issued.as_millisecond()]).map(drop).map_err(failed(doing))
        })
    }

    fn set_email(&self, account: AccountKey, email: &str) -> Result<()> {
        let doing = "changing an address";
        self.write(doing, |tx| {
            match tx.execute("UPDATE accounts SET email = ?2 WHERE rowid = ?1", params![account.0, email]) {
                Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    Err(StorageError::AccountExists(email.to_owned()))
                }
                changed => changed.map(drop).map_err(failed(doing)),
            }
        })
    }

    fn forget_identities(&self, account: AccountKey) -> Result<()> {
        let doing = "forgetting an account's identities";
        self.write(doing, |tx| {
            tx.execute("DELETE FROM identities WHERE account = ?1", [account.0])
                .map(drop)
                .map_err(failed(doing))
        })
    }

    fn adopt(&self, identity: Identity<'_>, email: &str) -> Result<Option<Account>> {
        let doing = "giving an account to an identity";
        self.write(doing, |tx| adopt(tx, identity, email).map_err(failed(doing)))
    }

    fn tenant_by_key(&self, tenant: TenantKey) -> Result<Option<Tenant>> {
        let doing = "looking for a tenant";
        self.read(doing, |tx| by_key(tx, tenant).map_err(failed(doing)))
    }

    fn tenant_accounts(&self, tenant: TenantKey) -> Result<Vec<Account>> {
        let doing = "listing accounts";
        let sql = format!("SELECT {ACCOUNT} FROM accounts a WHERE a.tenant = ?1 ORDER BY a.email");
        self.read(doing, |tx| {
            let mut statement = tx.prepare(&sql).map_err(failed(doing))?;
            statement.query_map([tenant.0], account).and_then(Iterator::collect).map_err(failed(doing))
        })
    }
}

/// A moment of an account's.
fn moment(tx: &Transaction<'_>, sql: &str, account: AccountKey) -> rusqlite::Result<Option<Timestamp>> {
    let found = tx.prepare_cached(sql)?.query_row([account.0], |row| row.get(0)).optional()?;
    Ok(timestamp(found.flatten()))
}

fn adopt(tx: &Transaction<'_>, identity: Identity<'_>, email: &str) -> rusqlite::Result<Option<Account>> {
    let Identity { tenant, issuer, subject } = identity;
    let sql = format!(
        "SELECT {ACCOUNT} FROM accounts a WHERE ifnull(a.tenant, 0) = ?1 AND a.email = ?2
         AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.account = a.rowid)"
    );
    let Some(found) = tx.query_row(&sql, params![tenant.0, email], account).optional()? else {
        return Ok(None);
    };
    let sql = "INSERT INTO identities (tenant, issuer, subject, account) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![tenant.0, issuer, subject, found.key.0])?;
    Ok(Some(found))
}

fn keep(tx: &Transaction<'_>, sign_in: &NewSignIn<'_>, now: Timestamp) -> rusqlite::Result<SignedIn> {
    let enabled = "SELECT 1 FROM accounts WHERE rowid = ?1 AND disabled_at IS NULL";
    if tx.query_row(enabled, [sign_in.account.0], |_| Ok(())).optional()?.is_none() {
        return Ok(SignedIn::Disabled);
    }
    let spend = "INSERT INTO exchanged (hash, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    if tx.execute(spend, params![sign_in.proof.0, sign_in.proof_expires.as_millisecond()])? == 0 {
        return Ok(SignedIn::Spent);
    }
    let expires = sign_in.tokens.refresh_expires.as_millisecond();
    let grant = insert_grant(tx, sign_in.account.0, sign_in.device, Some(expires), now)?;
    insert_pair(tx, grant, sign_in.tokens)?;
    tx.execute(
        "UPDATE grants SET signed_in_at = ?2 WHERE rowid = ?1",
        params![grant, sign_in.at.as_millisecond()],
    )?;
    tx.query_row("SELECT id FROM grants WHERE rowid = ?1", [grant], |row| row.get(0)).map(SignedIn::Granted)
}
