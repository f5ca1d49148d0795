//! The team with which the account shares its records.

use super::{MAX_ENTRIES, PartError, failure, text};
use crate::plugin::bindings::exports::orkee::sync::team as wit;
use crate::plugin::provider::WasmProvider;

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads, writes, and says who is in the team.
    Owner,
    /// Reads and writes.
    Member,
    /// Reads.
    ReadOnly,
}

/// Somebody who is in the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account's address.
    pub email: String,
    /// What they may do.
    pub role: Role,
}

/// The team that the account is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The backend's name for it.
    pub id: String,
    /// For people.
    pub name: String,
    /// The account's own role.
    pub role: Role,
    /// All who are in it.
    pub members: Vec<Member>,
}

/// An invitation to a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The team's name.
    pub team: String,
    /// The role that it gives.
    pub role: Role,
}

/// How the account stands to teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamStanding {
    /// None: it is in no team.
    pub membership: Option<Membership>,
    /// The team that it was removed from last, if it is in none now.
    pub removed_from: Option<String>,
    /// Those that wait for an answer.
    pub invitations: Vec<Invitation>,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::ReadOnly];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::ReadOnly => "read-only",
        }
    }

    fn of(role: wit::Role) -> Self {
        match role {
            wit::Role::Owner => Self::Owner,
            wit::Role::Member => Self::Member,
            wit::Role::ReadOnly => Self::ReadOnly,
        }
    }

    fn to_wit(self) -> wit::Role {
        match self {
            Self::Owner => wit::Role::Owner,
            Self::Member => wit::Role::Member,
            Self::ReadOnly => wit::Role::ReadOnly,
        }
    }
}

impl WasmProvider {
    /// Whether it can share records with a team.
    pub fn knows_teams(&self) -> bool {
        self.team.is_some()
    }

    /// How the account stands to teams.
    pub async fn team(&self) -> Result<TeamStanding, PartError> {
        let standing = ask!(self, team, "share with a team", |guest, store| guest.call_show(store))?;
        let members = standing.membership.as_ref().map_or(0, |membership| membership.members.len());
        if members > MAX_ENTRIES || standing.invitations.len() > MAX_ENTRIES {
            return Err(self.broke("it lists more members or invitations than any team has"));
        }
        if standing.membership.as_ref().is_some_and(|membership| membership.id.trim().is_empty()) {
            return Err(self.broke("its team has no id"));
        }
        let member =
            |member: &wit::Member| Member { email: text(&member.email), role: Role::of(member.role) };
        let membership = standing.membership.map(|membership| Membership {
            id: text(&membership.id),
            name: text(&membership.name),
            role: Role::of(membership.role),
            members: membership.members.iter().map(member).collect(),
        });
        let invitation =
            |one: &wit::Invitation| Invitation { team: text(&one.team), role: Role::of(one.role) };
        Ok(TeamStanding {
            membership,
            removed_from: standing.removed_from.as_deref().map(text),
            invitations: standing.invitations.iter().map(invitation).collect(),
        })
    }

    /// Lets somebody join the team.
    pub async fn invite(&self, email: &str, role: Role) -> Result<(), PartError> {
        let (email, role) = (email.to_owned(), role.to_wit());
        ask!(self, team, "invite to a team", |guest, store| guest.call_invite(store, &email, role))
    }

    /// Gives a member another role.
    pub async fn set_member_role(&self, email: &str, role: Role) -> Result<(), PartError> {
        let (email, role) = (email.to_owned(), role.to_wit());
        ask!(self, team, "change a role in a team", |guest, store| guest.call_set_role(store, &email, role))
    }

    /// Removes a member, or takes an invitation back.
    pub async fn remove_member(&self, email: &str) -> Result<(), PartError> {
        let email = email.to_owned();
        ask!(self, team, "remove a member of a team", |guest, store| guest.call_remove(store, &email))
    }

    /// Takes an invitation.
    pub async fn join_team(&self, name: &str) -> Result<(), PartError> {
        let name = name.to_owned();
        ask!(self, team, "join a team", |guest, store| guest.call_join(store, &name))
    }

    /// Leaves the team.
    pub async fn leave_team(&self) -> Result<(), PartError> {
        ask!(self, team, "leave a team", |guest, store| guest.call_leave(store))
    }

    /// From now on, nothing of any other team's is asked for or sent.
    pub fn stay_in_team(&mut self, id: &str) {
        let id = id.to_owned();
        self.sandbox = self.sandbox.with(|context| drop(context.settings.insert("team".to_owned(), id)));
    }
}
