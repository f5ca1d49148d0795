//! `team`: teams and their members, as whoever runs the server sets them.

use clap::Subcommand;
use jiff::Timestamp;

use super::{CommandError, Data, account, email, print};
use crate::storage::sqlite::Sqlite;
use crate::storage::{Account, Deed, People, Role, Standing, Team as TeamRow, Teams, Witness, together};

const MAX_NAME_LEN: usize = 64;

#[derive(Debug, Subcommand)]
pub(super) enum Team {
    /// Make a team and its first owner.
    Create {
        /// What it is called.
        #[arg(value_parser = name)]
        name: String,
        /// The account that says who is in it.
        #[arg(long, value_name = "EMAIL", value_parser = email)]
        owner: String,
        #[command(flatten)]
        data: Data,
    },
    /// Make an account a member.
    Add {
        #[command(flatten)]
        whom: Whom,
        /// What it may do: owner, member or read-only.
        #[arg(long, default_value = "member")]
        role: Role,
    },
    /// Give a member another role. It holds from the next request on.
    Role {
        #[command(flatten)]
        whom: Whom,
        /// What it may do: owner, member or read-only.
        role: Role,
    },
    /// Remove a member. Its next request about the team's projects is refused.
    Remove {
        #[command(flatten)]
        whom: Whom,
    },
    /// Show the teams, or the members of one.
    List {
        /// The team.
        name: Option<String>,
        #[command(flatten)]
        data: Data,
    },
}

/// Whose membership.
#[derive(Debug, clap::Args)]
pub(super) struct Whom {
    /// The team.
    team: String,
    /// The account.
    #[arg(value_parser = email)]
    email: String,
    #[command(flatten)]
    data: Data,
}

impl Team {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Create { name, owner, data } => {
                let done = together(&Sqlite::open(&data.folder)?, |storage| create(storage, &name, &owner))?;
                print(&done)
            }
            Self::Add { whom, role } => whom.change(|storage, team, account| {
                if is_member(storage, team, account)? {
                    return Err(CommandError::usage(
                        format!("{} is in team {} already", account.email, team.name),
                        format!("orkee-server team role {} {} ROLE", team.name, account.email),
                    ));
                }
                set(storage, team, account, role, "add-member")
            }),
            Self::Role { whom, role } => whom.change(|storage, team, account| {
                check_member(storage, team, account)?;
                set(storage, team, account, role, "set-role")
            }),
            Self::Remove { whom } => whom.change(|storage, team, account| {
                check_member(storage, team, account)?;
                storage.remove_member(team.key, account.key, Timestamp::now())?;
                note(storage, team, "remove-member", &account.email, "done")?;
                Ok(format!("{} is no longer in team {}", account.email, team.name))
            }),
            Self::List { name, data } => {
                let storage = Sqlite::open(&data.folder)?;
                match name {
                    Some(name) => list_members(&storage, &find(&storage, &name)?),
                    None => list_teams(&storage),
                }
            }
        }
    }
}

impl Whom {
    /// Changes the account's place in the team, which is no tenant's, in one transaction, and prints what came of it.
    fn change(
        &self,
        work: impl FnOnce(&dyn People, &TeamRow, &Account) -> Result<String, CommandError>,
    ) -> Result<(), CommandError> {
        let done = together(&Sqlite::open(&self.data.folder)?, |storage| {
            let (team, account) = self.find(storage)?;
            work(storage, &team, &account)
        })?;
        print(&done)
    }

    fn find(&self, storage: &dyn People) -> Result<(TeamRow, Account), CommandError> {
        let team = find(storage, &self.team)?;
        if let Some(tenant) = &team.tenant {
            return Err(CommandError::usage(
                format!(
                    "team {} is the tenant {tenant}'s: its identity provider says who is in it",
                    team.name
                ),
                "change the groups there, or the tenant's mapping of groups to roles",
            ));
        }
        Ok((team, account(storage, &self.email)?))
    }
}

fn create(storage: &dyn People, name: &str, owner: &str) -> Result<String, CommandError> {
    let owner = account(storage, owner)?;
    if let Standing::In(other, _) = storage.standing(owner.key)? {
        return Err(CommandError::usage(
            format!("{} is in team {}, and nobody is in two", owner.email, other.name),
            format!("orkee-server team remove {} {}", other.name, owner.email),
        ));
    }
    let team = storage.create_team(name, Timestamp::now())?;
    note(storage, &team, "create-team", name, "done")?;
    set(storage, &team, &owner, Role::Owner, "add-member")
}

fn set(
    storage: &dyn People,
    team: &TeamRow,
    account: &Account,
    role: Role,
    action: &str,
) -> Result<String, CommandError> {
    storage.set_member(team.key, account.key, role, Timestamp::now())?;
    note(storage, team, action, &account.email, role.as_str())?;
    Ok(format!("{} is {} of team {}", account.email, role.as_str(), team.name))
}

fn find(storage: &dyn People, name: &str) -> Result<TeamRow, CommandError> {
    storage.team(name)?.ok_or_else(|| {
        CommandError::usage(
            format!("there is no team {name}"),
            "orkee-server team list shows those there are",
        )
    })
}

/// Whether an account is in a team; it is while it is disabled, too.
fn is_member(storage: &dyn People, team: &TeamRow, account: &Account) -> Result<bool, CommandError> {
    Ok(storage.members(team.key)?.iter().any(|member| member.account.key == account.key))
}

fn check_member(storage: &dyn People, team: &TeamRow, account: &Account) -> Result<(), CommandError> {
    match is_member(storage, team, account)? {
        true => Ok(()),
        false => Err(CommandError::usage(
            format!("{} is not in team {}", account.email, team.name),
            format!("orkee-server team list {} shows who is", team.name),
        )),
    }
}

fn list_teams(storage: &Sqlite) -> Result<(), CommandError> {
    for team in storage.teams()? {
        let members = storage.members(team.key)?.len();
        let of = team.tenant.map(|tenant| format!("  of tenant {tenant}")).unwrap_or_default();
        print(&format!("{}  {members} members{of}", team.name))?;
    }
    Ok(())
}

fn list_members(storage: &Sqlite, team: &TeamRow) -> Result<(), CommandError> {
    for member in storage.members(team.key)? {
        let (email, role) = (member.account.email, member.role.as_str());
        let disabled = if member.account.disabled { "  disabled" } else { "" };
        print(&format!("{email}  {role}  since {}{disabled}", orkee_core::clock::rfc3339(member.joined_at)))?;
    }
    Ok(())
}

/// Whoever runs the server did it.
fn note(
    storage: &dyn People,
    team: &TeamRow,
    action: &str,
    subject: &str,
    outcome: &str,
) -> Result<(), CommandError> {
    let by = Witness { team: Some(team.name.clone()), tenant: team.tenant.clone(), ..Witness::default() };
    let deed =
        Deed { action: action.to_owned(), subject: Some(subject.to_owned()), outcome: outcome.to_owned() };
    Ok(storage.note(&by, &deed, Timestamp::now())?)
}

/// A name that needs no quotes anywhere.
fn name(text: &str) -> Result<String, String> {
    let good = (1..=MAX_NAME_LEN).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if good { Ok(text.to_owned()) } else { Err(format!("a name has up to {MAX_NAME_LEN} of 0-9A-Za-z._-")) }
}
