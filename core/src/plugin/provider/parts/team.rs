//! The team with which the account shares its records.

use super::{MAX_ENTRIES, PartError, failure, text};
use crate::plugin::bindings::exports::orkee::sync::team as wit;
use crate::plugin::provider::WasmProvider;

/// The longest word for a role, in bytes.
const MAX_ROLE: usize = 64;

/// What a member may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Reads, writes, and says who is in the team.
    Owner,
    /// Reads and writes.
    Member,
    /// Reads.
    ReadOnly,
    /// The backend's own word for something else, taken for a role that cannot write.
    Other(String),
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
    /// All that have a name of ours.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::ReadOnly];

    /// Its word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::ReadOnly => "read-only",
            Self::Other(word) => word,
        }
    }

    /// Whether whoever has it writes. Of a role without a name of ours nobody knows.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Owner | Self::Member)
    }

    /// None: no word that people could be shown.
    fn of(word: &str) -> Option<Self> {
        let is_word =
            !word.trim().is_empty() && word.len() <= MAX_ROLE && !word.chars().any(char::is_control);
        let known = || Self::ALL.into_iter().find(|role| role.as_str() == word);
        is_word.then(|| known().unwrap_or_else(|| Self::Other(word.to_owned())))
    }
}

/// None: one of its roles is no word.
fn read(standing: &wit::Standing) -> Option<TeamStanding> {
    let member = |one: &wit::Member| Some(Member { email: text(&one.email), role: Role::of(&one.role)? });
    let membership = |one: &wit::Membership| {
        Some(Membership {
            id: text(&one.id),
            name: text(&one.name),
            role: Role::of(&one.role)?,
            members: one.members.iter().map(member).collect::<Option<_>>()?,
        })
    };
    let invitation =
        |one: &wit::Invitation| Some(Invitation { team: text(&one.team), role: Role::of(&one.role)? });
    Some(TeamStanding {
        membership: match &standing.membership {
            Some(one) => Some(membership(one)?),
            None => None,
        },
        removed_from: standing.removed_from.as_deref().map(text),
        invitations: standing.invitations.iter().map(invitation).collect::<Option<_>>()?,
    })
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
        read(&standing).ok_or_else(|| {
            self.broke("a role in its team is not a word of 1 to 64 bytes without control characters")
        })
    }

    /// Lets somebody join the team.
    pub async fn invite(&self, email: &str, role: &Role) -> Result<(), PartError> {
        let (email, role) = (email.to_owned(), role.as_str().to_owned());
        ask!(self, team, "invite to a team", |guest, store| guest.call_invite(store, &email, &role))
    }

    /// Gives a member another role.
    pub async fn set_member_role(&self, email: &str, role: &Role) -> Result<(), PartError> {
        let (email, role) = (email.to_owned(), role.as_str().to_owned());
        ask!(self, team, "change a role in a team", |guest, store| guest.call_set_role(store, &email, &role))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(roles: [&str; 3]) -> wit::Standing {
        let [own, member, invitation] = roles.map(str::to_owned);
        let members = vec![wit::Member { email: "bob@example.com".to_owned(), role: member }];
        let membership = wit::Membership { id: "t1".to_owned(), name: "Acme".to_owned(), role: own, members };
        wit::Standing {
            membership: Some(membership),
            removed_from: None,
            invitations: vec![wit::Invitation { team: "other".to_owned(), role: invitation }],
        }
    }

    #[test]
    fn a_role_is_known_or_the_backends_own_word_which_does_not_write() {
        let longest = "ü".repeat(MAX_ROLE / 2);
        let told = read(&standing(["owner", "Redakteur:in", &longest])).unwrap();
        let membership = told.membership.unwrap();
        assert!(membership.role == Role::Owner && membership.role.writes());
        let own = &membership.members[0].role;
        assert!(*own == Role::Other("Redakteur:in".to_owned()) && !own.writes());
        assert_eq!((own.as_str(), told.invitations[0].role.as_str()), ("Redakteur:in", longest.as_str()));
        assert!(Role::Member.writes() && !Role::ReadOnly.writes());
        for role in Role::ALL {
            assert_eq!(Role::of(role.as_str()), Some(role));
        }
        // Not one of the three, for who writes is not guessed.
        assert_eq!(Role::of("Owner"), Some(Role::Other("Owner".to_owned())));
    }

    #[test]
    fn a_role_that_is_no_word_is_refused_wherever_it_stands() {
        let long = "x".repeat(MAX_ROLE + 1);
        for bad in ["", "  ", "own\ner", "\u{1b}[2Jowner", "owner\u{85}", long.as_str()] {
            for at in 0..3 {
                let mut roles = ["member"; 3];
                roles[at] = bad;
                assert_eq!(read(&standing(roles)), None, "{bad:?} at {at}");
            }
        }
    }
}
