//! Teams and their members in SQLite.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{ErrorCode, OptionalExtension, Row, Transaction, params};

use super::super::{
    AccountKey, Invitation, Member, Result, Role, SpaceKey, Standing, StorageError, Team, TeamKey, Teams,
};
use super::accounts::{ACCOUNT, ACCOUNT_COLUMNS, account, insert_space};
use super::{Database, failed};
use orkee_core::id;

const TEAM_ID_LEN: usize = 16;

/// What [`team`] reads, of table aliases `t` (teams) and `n` (tenants).
pub(super) const TEAM: &str = "t.rowid, t.id, t.name, t.space, n.name";
/// How many columns that is.
pub(super) const TEAM_COLUMNS: usize = 5;
/// The one a member is in stands before those they were in, the last of those first.
const STANDING: &str = "SELECT t.rowid, t.id, t.name, t.space, n.name, m.role, m.removed_at IS NULL
     FROM members m JOIN teams t ON t.rowid = m.team LEFT JOIN tenants n ON n.team = t.rowid
     JOIN accounts a ON a.rowid = m.account AND a.disabled_at IS NULL
     WHERE m.account = ?1 ORDER BY ifnull(m.removed_at, 9223372036854775807) DESC LIMIT 1";

/// What is read with every request about a team's space.
#[cfg(test)]
pub(super) const READS: &[&str] = &[STANDING];

/// Reads a team from the columns of [`TEAM`], which stand first.
pub(super) fn team(row: &Row<'_>) -> rusqlite::Result<Team> {
    Ok(Team {
        key: TeamKey(row.get(0)?),
        id: row.get(1)?,
        name: row.get(2)?,
        space: SpaceKey(row.get(3)?),
        tenant: row.get(4)?,
    })
}

/// A team with a space. None: there is one of that name.
pub(super) fn insert_team(
    tx: &Transaction<'_>,
    name: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Team>> {
    let space = insert_space(tx)?;
    let id = id::random(TEAM_ID_LEN);
    let sql = "INSERT INTO teams (id, name, space, created_at) VALUES (?1, ?2, ?3, ?4)";
    match tx.execute(sql, params![id, name, space.0, now.as_millisecond()]) {
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(None),
        Err(e) => Err(e),
        Ok(_) => {
            let key = TeamKey(tx.last_insert_rowid());
            Ok(Some(Team { key, id, name: name.to_owned(), space, tenant: None }))
        }
    }
}

fn role(row: &Row<'_>, at: usize) -> rusqlite::Result<Role> {
    let text: String = row.get(at)?;
    text.parse().map_err(|e| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(e)))
}

impl<D: Database> Teams for D {
    fn create_team(&self, name: &str, now: Timestamp) -> Result<Team> {
        let doing = "creating a team";
        self.write(doing, |tx| {
            let made = insert_team(tx, name, now).map_err(failed(doing))?;
            made.ok_or_else(|| StorageError::TeamExists(name.to_owned()))
        })
    }

    fn team(&self, name: &str) -> Result<Option<Team>> {
        let doing = "looking for a team";
        let sql =
            format!("SELECT {TEAM} FROM teams t LEFT JOIN tenants n ON n.team = t.rowid WHERE t.name = ?1");
        self.read(doing, |tx| tx.query_row(&sql, [name], team).optional().map_err(failed(doing)))
    }

    fn teams(&self) -> Result<Vec<Team>> {
        let doing = "listing teams";
        let sql =
            format!("SELECT {TEAM} FROM teams t LEFT JOIN tenants n ON n.team = t.rowid ORDER BY t.name");
        self.read(doing, |tx| {
            let mut statement = tx.prepare(&sql).map_err(failed(doing))?;
            statement.query_map([], team).and_then(Iterator::collect).map_err(failed(doing))
        })
    }

    fn members(&self, team: TeamKey) -> Result<Vec<Member>> {
        let doing = "listing a team's members";
        let sql = format!(
            "SELECT {ACCOUNT}, m.role, m.joined_at FROM members m JOIN accounts a ON a.rowid = m.account
             WHERE m.team = ?1 AND m.removed_at IS NULL ORDER BY a.email"
        );
        self.read(doing, |tx| {
            let mut statement = tx.prepare(&sql).map_err(failed(doing))?;
            let rows = statement.query_map([team.0], |row| {
                let joined_at =
                    Timestamp::from_millisecond(row.get(ACCOUNT_COLUMNS + 1)?).unwrap_or_default();
                Ok(Member { account: account(row)?, role: role(row, ACCOUNT_COLUMNS)?, joined_at })
            });
            rows.and_then(Iterator::collect).map_err(failed(doing))
        })
    }

    fn set_member(&self, team: TeamKey, account: AccountKey, role: Role, now: Timestamp) -> Result<()> {
        let doing = "setting a member's role";
        self.write(doing, |tx| {
            let disabled = "SELECT email FROM accounts WHERE rowid = ?1 AND disabled_at IS NOT NULL";
            let disabled = tx.query_row(disabled, [account.0], |row| row.get(0)).optional();
            if let Some(email) = disabled.map_err(failed(doing))? {
                return Err(StorageError::AccountDisabled(email));
            }
            match standing(tx, account).map_err(failed(doing))? {
                Standing::In(other, _) if other.key != team => {
                    return Err(StorageError::InAnotherTeam(other.name));
                }
                _ => {}
            }
            let sql = "INSERT INTO members (team, account, role, joined_at) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (team, account) DO UPDATE SET role = ?3, removed_at = NULL,
                       joined_at = iif(removed_at IS NULL, joined_at, ?4)";
            tx.execute(sql, params![team.0, account.0, role.as_str(), now.as_millisecond()])
                .map(drop)
                .map_err(failed(doing))
        })
    }

    fn remove_member(&self, team: TeamKey, account: AccountKey, now: Timestamp) -> Result<bool> {
        let doing = "removing a member";
        let sql =
            "UPDATE members SET removed_at = ?3 WHERE team = ?1 AND account = ?2 AND removed_at IS NULL";
        self.write(doing, |tx| {
            tx.execute(sql, params![team.0, account.0, now.as_millisecond()])
                .map(|rows| rows > 0)
                .map_err(failed(doing))
        })
    }

    fn invite(&self, team: TeamKey, email: &str, role: Role, now: Timestamp) -> Result<()> {
        let doing = "inviting somebody";
        let sql = "INSERT INTO invitations (team, email, role, created_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (team, email) DO UPDATE SET role = ?3, created_at = ?4";
        self.write(doing, |tx| {
            tx.execute(sql, params![team.0, email, role.as_str(), now.as_millisecond()])
                .map(drop)
                .map_err(failed(doing))
        })
    }

    fn uninvite(&self, team: TeamKey, email: &str) -> Result<bool> {
        let doing = "taking an invitation back";
        self.write(doing, |tx| {
            tx.execute("DELETE FROM invitations WHERE team = ?1 AND email = ?2", params![team.0, email])
                .map(|rows| rows > 0)
                .map_err(failed(doing))
        })
    }

    fn invitations(&self, email: &str) -> Result<Vec<Invitation>> {
        let doing = "looking for invitations";
        let sql = format!(
            "SELECT {TEAM}, i.role FROM invitations i JOIN teams t ON t.rowid = i.team
             LEFT JOIN tenants n ON n.team = t.rowid WHERE i.email = ?1 ORDER BY t.name"
        );
        self.read(doing, |tx| {
            let mut statement = tx.prepare(&sql).map_err(failed(doing))?;
            let rows = statement.query_map([email], |row| {
                Ok(Invitation { team: team(row)?, role: role(row, TEAM_COLUMNS)? })
            });
            rows.and_then(Iterator::collect).map_err(failed(doing))
        })
    }

    fn standing(&self, account: AccountKey) -> Result<Standing> {
        let doing = "looking for an account's team";
        self.read(doing, |tx| standing(tx, account).map_err(failed(doing)))
    }
}

fn standing(tx: &Transaction<'_>, account: AccountKey) -> rusqlite::Result<Standing> {
    let found = tx
        .prepare_cached(STANDING)?
        .query_row([account.0], |row| {
            let (team, role) = (team(row)?, role(row, TEAM_COLUMNS)?);
            let is_in: bool = row.get(TEAM_COLUMNS + 1)?;
            Ok(if is_in { Standing::In(team, role) } else { Standing::Removed(team) })
        })
        .optional()?;
    Ok(found.unwrap_or(Standing::Alone))
}
