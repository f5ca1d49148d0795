//! Grants, codes and tokens in SQLite.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::super::{
    AccountKey, Caller, Client, Device, DeviceName, Grants, NewCode, NewGrant, Redeemed, Redemption, Result,
    Rotated, Rules, TokenPair,
};
use super::accounts::{ACCOUNT_COLUMNS, account};
use super::events::{self, Told};
use super::{Sqlite, failed};
use crate::dpop::Thumbprint;
use crate::secret::SecretHash;
use orkee_core::event::EventKind;
use orkee_core::id;

const GRANT_ID_LEN: usize = 16;
/// `last_seen` is written no more often than this: a request with nothing to say should write nothing.
const SEEN: SignedDuration = SignedDuration::from_mins(5);

const CODE: &str =
    "SELECT rowid, account, client, redirect_uri, challenge, device_name, device_platform, expires_at, used,
                    grant_row FROM codes WHERE hash = ?1";
const CALLER: &str =
    "SELECT a.rowid, a.id, a.email, a.plan, a.space, a.tenant, a.disabled_at IS NOT NULL, g.rowid, g.id, g.name,
            g.last_seen, g.signed_in_at, g.key,
            EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_row = g.rowid)
     FROM access_tokens t JOIN grants g ON g.rowid = t.grant_row JOIN accounts a ON a.rowid = g.account
     WHERE t.hash = ?1 AND (t.expires_at IS NULL OR t.expires_at > ?2) AND a.disabled_at IS NULL";
const BOUND_TO: &str = "SELECT g.key FROM refresh_tokens r JOIN grants g ON g.rowid = r.grant_row WHERE r.hash = ?1 AND r.expires_at > ?2";
const IS_GOOD: &str =
    "SELECT EXISTS (SELECT 1 FROM accounts a WHERE a.rowid = ?1 AND a.disabled_at IS NULL AND (?2 IS NULL
                           OR EXISTS (SELECT 1 FROM grants g WHERE g.account = a.rowid AND g.id = ?2
                                      AND (g.expires_at IS NULL OR g.expires_at > ?3))))";
const DEVICES: &str = "SELECT id, name, platform, last_seen FROM grants
                       WHERE account = ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY rowid DESC";

/// What is read with every request.
#[cfg(test)]
pub(super) const READS: &[&str] = &[CALLER, CODE, BOUND_TO, IS_GOOD];

/// A code as it is kept.
struct Code {
    row: i64,
    account: i64,
    client: Client,
    challenge: String,
    device: DeviceName,
    expires_at: i64,
    used: bool,
    grant_row: Option<i64>,
}

impl Grants for Sqlite {
    fn create_code(&self, code: &NewCode<'_>) -> Result<bool> {
        let doing = "keeping an authorization code";
        let sql = "INSERT INTO codes (hash, account, client, redirect_uri, challenge, device_name, device_platform, expires_at)
                   SELECT ?1, rowid, ?3, ?4, ?5, ?6, ?7, ?8 FROM accounts WHERE rowid = ?2 AND disabled_at IS NULL";
        self.write(doing, |tx| {
            let (client, device) = (code.client, code.device);
            let expires = code.expires.as_millisecond();
            tx.execute(
                sql,
                params![
                    code.hash.0,
                    code.account.0,
                    client.id,
                    client.redirect_uri,
                    code.challenge,
                    device.name,
                    device.platform,
                    expires
                ],
            )
            .map(|rows| rows > 0)
            .map_err(failed(doing))
        })
    }

    fn redeem_code(&self, redemption: &Redemption<'_>, now: Timestamp) -> Result<Redeemed> {
        let doing = "redeeming an authorization code";
        self.write(doing, |tx| redeem(tx, redemption, now).map_err(failed(doing)))
    }

    fn rotate(&self, refresh: SecretHash, tokens: TokenPair, now: Timestamp) -> Result<Rotated> {
        let doing = "refreshing a sign-in";
        self.write(doing, |tx| rotate(tx, refresh, tokens, now).map_err(failed(doing)))
    }

    fn bound_to(&self, refresh: SecretHash, now: Timestamp) -> Result<Option<Option<Thumbprint>>> {
        let doing = "checking a refresh token";
        self.read(doing, |tx| {
            let found: Option<Option<[u8; 32]>> = tx
                .query_row(BOUND_TO, params![refresh.0, now.as_millisecond()], |row| row.get(0))
                .optional()
                .map_err(failed(doing))?;
            Ok(found.map(|key| key.map(Thumbprint)))
        })
    }

    fn create_grant(&self, grant: &NewGrant<'_>, now: Timestamp) -> Result<()> {
        let doing = "making a token";
        let expires = grant.expires.map(Timestamp::as_millisecond);
        self.write(doing, |tx| {
            let device = DeviceName { name: Some(grant.name.to_owned()), platform: Some("token".to_owned()) };
            insert_grant(tx, grant.account.0, &device, expires, now)
                .and_then(|row| insert_access(tx, row, grant.access, expires))
                .map_err(failed(doing))
        })
    }

    fn revoke_token(&self, token: SecretHash, now: Timestamp) -> Result<bool> {
        let doing = "revoking a token";
        self.write(doing, |tx| {
            let by_refresh = "rowid = (SELECT grant_row FROM refresh_tokens WHERE hash = ?1)";
            // An access token without a refresh token beside it is an API token: nothing is left of its grant.
            let by_access = "rowid = (SELECT grant_row FROM access_tokens WHERE hash = ?1)
                             AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_row = grants.rowid)";
            let mut rows = 0;
            for which in [by_refresh, by_access] {
                rows += events::end_grants(tx, which, token.0, now).map_err(failed(doing))?;
            }
            let sql = "DELETE FROM access_tokens WHERE hash = ?1";
            rows += tx.execute(sql, [token.0]).map_err(failed(doing))?;
            Ok(rows > 0)
        })
    }

    fn revoke_grant(&self, account: AccountKey, id: &str, now: Timestamp) -> Result<bool> {
        let doing = "revoking a device";
        let sql = "SELECT rowid FROM grants WHERE account = ?1 AND id = ?2";
        self.write(doing, |tx| {
            let found: Option<i64> = tx
                .query_row(sql, params![account.0, id], |row| row.get(0))
                .optional()
                .map_err(failed(doing))?;
            let ended = found.map(|grant| events::end_grants(tx, "rowid = ?1", grant, now)).transpose();
            Ok(ended.map_err(failed(doing))?.is_some())
        })
    }

    fn caller(&self, access: SecretHash, now: Timestamp) -> Result<Option<Caller>> {
        let doing = "checking a token";
        let at = now.as_millisecond();
        let found = self.read(doing, |tx| {
            tx.prepare_cached(CALLER)
                .and_then(|mut s| {
                    s.query_row(params![access.0, at], |row| {
                        let at = ACCOUNT_COLUMNS;
                        let caller = Caller {
                            account: account(row)?,
                            grant: row.get(at + 1)?,
                            device: row.get(at + 2)?,
                            signed_in_at: row
                                .get::<_, Option<i64>>(at + 4)?
                                .and_then(|ms| Timestamp::from_millisecond(ms).ok()),
                            rules: Rules::default(),
                            key: row.get::<_, Option<_>>(at + 5)?.map(Thumbprint),
                            is_sign_in: row.get(at + 6)?,
                        };
                        Ok((caller, row.get::<_, i64>(at)?, row.get::<_, Option<i64>>(at + 3)?))
                    })
                    .optional()
                })
                .map_err(failed(doing))
        })?;
        let Some((caller, grant, seen)) = found else { return Ok(None) };
        if seen.is_none_or(|seen| at - seen >= SEEN.as_millis() as i64) {
            self.write(doing, |tx| {
                tx.execute("UPDATE grants SET last_seen = ?2 WHERE rowid = ?1", params![grant, at])
                    .map(drop)
                    .map_err(failed(doing))
            })?;
        }
        Ok(Some(caller))
    }

    fn is_good(&self, account: AccountKey, grant: Option<&str>, now: Timestamp) -> Result<bool> {
        let doing = "checking a grant";
        self.read(doing, |tx| {
            tx.prepare_cached(IS_GOOD)
                .and_then(|mut s| {
                    s.query_row(params![account.0, grant, now.as_millisecond()], |row| row.get(0))
                })
                .map_err(failed(doing))
        })
    }

    fn devices(&self, account: AccountKey, now: Timestamp) -> Result<Vec<Device>> {
        let doing = "listing devices";
        self.read(doing, |tx| {
            let mut statement = tx.prepare_cached(DEVICES).map_err(failed(doing))?;
            let rows = statement.query_map(params![account.0, now.as_millisecond()], |row| {
                let seen: Option<i64> = row.get(3)?;
                let last_seen = seen.and_then(|ms| Timestamp::from_millisecond(ms).ok());
                Ok(Device { id: row.get(0)?, name: row.get(1)?, platform: row.get(2)?, last_seen })
            });
            rows.and_then(Iterator::collect).map_err(failed(doing))
        })
    }
}

fn redeem(tx: &Transaction<'_>, redemption: &Redemption<'_>, now: Timestamp) -> rusqlite::Result<Redeemed> {
    let Some(code) = find_code(tx, redemption.code)? else { return Ok(Redeemed::Refused) };
    if code.used {
        events::end_grants(tx, "rowid = ?1", code.grant_row, now)?;
        return Ok(Redeemed::Replayed);
    }
    let good = code.expires_at > now.as_millisecond()
        && code.client == *redemption.client
        && code.challenge == redemption.challenge;
    let grant = if good {
        let device = DeviceName {
            name: redemption.device.name.clone().or(code.device.name),
            platform: redemption.device.platform.clone().or(code.device.platform),
        };
        let expires = redemption.tokens.refresh_expires.as_millisecond();
        let grant = insert_grant(tx, code.account, &device, Some(expires), now)?;
        insert_pair(tx, grant, redemption.tokens)?;
        Some(grant)
    } else {
        None
    };
    tx.execute("UPDATE codes SET used = 1, grant_row = ?2 WHERE rowid = ?1", params![code.row, grant])?;
    Ok(if good { Redeemed::Granted } else { Redeemed::Refused })
}

fn find_code(tx: &Transaction<'_>, hash: SecretHash) -> rusqlite::Result<Option<Code>> {
    tx.query_row(CODE, [hash.0], |row| {
        Ok(Code {
            row: row.get(0)?,
            account: row.get(1)?,
            client: Client { id: row.get(2)?, redirect_uri: row.get(3)? },
            challenge: row.get(4)?,
            device: DeviceName { name: row.get(5)?, platform: row.get(6)? },
            expires_at: row.get(7)?,
            used: row.get(8)?,
            grant_row: row.get(9)?,
        })
    })
    .optional()
}

fn rotate(
    tx: &Transaction<'_>,
    refresh: SecretHash,
    tokens: TokenPair,
    now: Timestamp,
) -> rusqlite::Result<Rotated> {
    let at = now.as_millisecond();
    let sql = "SELECT grant_row, spent FROM refresh_tokens WHERE hash = ?1 AND expires_at > ?2";
    let found: Option<(i64, bool)> =
        tx.query_row(sql, params![refresh.0, at], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match found {
        None => Ok(Rotated::Refused),
        Some((grant, true)) => {
            events::end_grants(tx, "rowid = ?1", grant, now)?;
            Ok(Rotated::Reused)
        }
        Some((grant, false)) => {
            tx.execute("UPDATE refresh_tokens SET spent = 1 WHERE hash = ?1", [refresh.0])?;
            tx.execute(
                "DELETE FROM access_tokens WHERE grant_row = ?1 AND expires_at <= ?2",
                params![grant, at],
            )?;
            insert_pair(tx, grant, tokens)?;
            let expires = tokens.refresh_expires.as_millisecond();
            tx.execute(
                "UPDATE grants SET expires_at = ?2, last_seen = ?3 WHERE rowid = ?1",
                params![grant, expires, at],
            )?;
            Ok(Rotated::Granted)
        }
    }
}

pub(super) fn insert_grant(
    tx: &Transaction<'_>,
    account: i64,
    device: &DeviceName,
    expires_at: Option<i64>,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO grants (id, account, name, platform, created_at, last_seen, expires_at)
               VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6)";
    let (id, name) = (id::random(GRANT_ID_LEN), device.name.as_deref().unwrap_or("Unnamed device"));
    tx.execute(sql, params![id, account, name, device.platform, now.as_millisecond(), expires_at])?;
    let grant = tx.last_insert_rowid();
    let told = Told { account, id: &id, name, platform: device.platform.as_deref() };
    events::of_device(tx, EventKind::DeviceAdded, &told, now)?;
    Ok(grant)
}

pub(super) fn insert_pair(tx: &Transaction<'_>, grant: i64, tokens: TokenPair) -> rusqlite::Result<()> {
    if let Some(key) = tokens.key {
        tx.execute("UPDATE grants SET key = ?2 WHERE rowid = ?1", params![grant, key.0])?;
    }
    insert_access(tx, grant, tokens.access, Some(tokens.access_expires.as_millisecond()))?;
    let sql = "INSERT INTO refresh_tokens (hash, grant_row, expires_at) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![tokens.refresh.0, grant, tokens.refresh_expires.as_millisecond()]).map(drop)
}

fn insert_access(
    tx: &Transaction<'_>,
    grant: i64,
    token: SecretHash,
    expires_at: Option<i64>,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO access_tokens (hash, grant_row, expires_at) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![token.0, grant, expires_at]).map(drop)
}
