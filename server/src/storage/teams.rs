//! Teams: members with roles who share a space. Nobody is in two teams at a time.

use jiff::Timestamp;

use super::{Account, AccountKey, Result, Role, SpaceKey};

/// A team's key inside the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TeamKey(pub(crate) i64);

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Team {
    pub(crate) key: TeamKey,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) space: SpaceKey,
    /// The name of the tenant whose team it is.
    pub(crate) tenant: Option<String>,
}

/// Somebody who is in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) account: Account,
    pub(crate) role: Role,
    pub(crate) joined_at: Timestamp,
}

/// How an account stands to teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It never was in one, or is disabled.
    Alone,
    /// It is in this one.
    In(Team, Role),
    /// It was in this one, the last it was in.
    Removed(Team),
}

/// An invitation, for whom it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) team: Team,
    pub(crate) role: Role,
}

/// Teams and who is in them.
pub(crate) trait Teams {
    /// Makes a team; [`super::StorageError::TeamExists`] where there is one of that name.
    fn create_team(&self, name: &str, now: Timestamp) -> Result<Team>;
    /// The team of a name.
    fn team(&self, name: &str) -> Result<Option<Team>>;
    /// All teams, by name.
    fn teams(&self) -> Result<Vec<Team>>;
    /// Those who are in a team, by address, whoever is disabled among them.
    fn members(&self, team: TeamKey) -> Result<Vec<Member>>;
    /// Makes an account a member with this role, or gives a member this role;
    /// [`super::StorageError::InAnotherTeam`] where it is in another team, and
    /// [`super::StorageError::AccountDisabled`] where it is disabled.
    fn set_member(&self, team: TeamKey, account: AccountKey, role: Role, now: Timestamp) -> Result<()>;
    /// Removes a member. Whether it was one.
    fn remove_member(&self, team: TeamKey, account: AccountKey, now: Timestamp) -> Result<bool>;
    /// Invites an address with this role, or gives an invitation this role.
    fn invite(&self, team: TeamKey, email: &str, role: Role, now: Timestamp) -> Result<()>;
    /// Takes an invitation back. Whether there was one.
    fn uninvite(&self, team: TeamKey, email: &str) -> Result<bool>;
    /// The invitations of an address, by team.
    fn invitations(&self, email: &str) -> Result<Vec<Invitation>>;
    /// How an account stands to teams.
    fn standing(&self, account: AccountKey) -> Result<Standing>;
}
