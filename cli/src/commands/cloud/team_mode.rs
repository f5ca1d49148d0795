//! Team mode: the store's projects are those of the team that the account is in.
//!
//! A store stands with one place at a time. Before its projects are shared with a team, or a team's are taken along to a
//! space of one's own, the person is asked; from then on they are, and a sync goes on without a question.

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::plugin::{Membership, TeamStanding};
use orkee_core::store::Store;
use orkee_core::sync::{Compare, Options};
use thiserror::Error;
use tokio::sync::oneshot;

use super::connection::Connection;
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::output::{Paint, text};
use crate::prompt;

/// What the setting `space` says to a provider.
pub(super) const TEAM: &str = "team";
/// So many members are named in a question.
const NAMED: usize = 5;

/// Why there is no team to share with.
#[derive(Debug, Error)]
pub(super) enum TeamError {
    /// It is in none, and was in none.
    #[error("ORKEE_CLOUD_TEAM_MODE is on, and {account} is in no team")]
    NoTeam {
        /// Whose account.
        account: String,
        /// The teams that it is invited to.
        invitations: Vec<String>,
    },
    /// It was removed from one.
    #[error("{account} is no longer a member of team {team}")]
    Removed {
        /// Whose account.
        account: String,
        /// Which team.
        team: String,
    },
    /// The provider has no teams.
    #[error("ORKEE_CLOUD_TEAM_MODE is on, and the provider `{0}` knows no teams")]
    NoTeams(String),
}

impl Diagnostic for TeamError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoTeam { .. } => "E-TEAM-001",
            Self::Removed { .. } => "E-TEAM-002",
            Self::NoTeams(_) => "E-TEAM-003",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoTeam { .. } | Self::Removed { .. } => Kind::Auth,
            Self::NoTeams(_) => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoTeam { invitations, .. } => match invitations.first() {
                Some(team) => format!("run `orkee cloud team join {}`", text::line(team)),
                None => "ask a team's owner for an invitation, or turn ORKEE_CLOUD_TEAM_MODE off".to_owned(),
            },
            Self::Removed { .. } => "what you changed is kept here: `orkee projects export` writes it to a file; to go on in \
                                     your own space, turn ORKEE_CLOUD_TEAM_MODE off and run `orkee cloud sync`"
                .to_owned(),
            Self::NoTeams(_) => "turn ORKEE_CLOUD_TEAM_MODE off for it".to_owned(),
        })
    }
}

/// The team that an account is in, or why there is none.
pub(super) fn membership(standing: TeamStanding, account: String) -> Result<Membership, TeamError> {
    match (standing.membership, standing.removed_from) {
        (Some(membership), _) => Ok(membership),
        (None, Some(team)) => Err(TeamError::Removed { account, team }),
        (None, None) => {
            let invitations = standing.invitations.into_iter().map(|one| one.team).collect();
            Err(TeamError::NoTeam { account, invitations })
        }
    }
}

/// The place of a team's projects, as the store remembers it; `own` is the account's own.
pub(super) fn place(membership: &Membership, own: &str) -> String {
    format!("team {} ({}) as {own}", membership.name, membership.id)
}

/// Whether what the store remembers is a team's place, and the team's name.
fn team_of(place: &str) -> Option<&str> {
    let (name, rest) = place.strip_prefix("team ")?.split_once(" (")?;
    rest.contains(") as ").then_some(name)
}

/// What a sync of the store is to do beyond the usual, once the person has agreed to where its projects go. `yes`: they have.
pub(super) async fn enter(
    cx: &Context,
    store: &Store,
    connection: &Connection<'_>,
    remote: &str,
    mut options: Options,
    yes: bool,
) -> Result<Options, Failure> {
    let team = connection.membership();
    if team.is_some() {
        options.author = connection.account().await?;
    }
    let known = store.space_state()?.0.remote;
    let from = known.as_deref().and_then(team_of);
    if known.as_deref() == Some(remote) || (team.is_none() && from.is_none()) {
        return Ok(options);
    }
    let projects = store.count()?;
    if projects > 0 && !options.dry_run {
        agree(cx, &question(projects, team, from, remote), yes).await?;
    }
    if known.is_some() {
        options.compare = Compare::Joining;
    }
    Ok(options)
}

fn question(projects: u64, to: Option<&Membership>, from: Option<&str>, remote: &str) -> String {
    let projects =
        if projects == 1 { "the 1 project".to_owned() } else { format!("the {projects} projects") };
    let so_far = from.map(|team| format!(", so far team {}'s,", text::line(team))).unwrap_or_default();
    match to {
        Some(team) => {
            let now = if team.role.writes() {
                String::new()
            } else {
                let role = text::line(team.role.as_str());
                format!(" (your role is {role}: they go there once it lets you write)")
            };
            format!(
                "Share {projects} of this store{so_far} with team {}: {}{now}?",
                text::line(&team.name),
                members(team)
            )
        }
        None => format!("Take {projects} of this store{so_far} along to {}?", text::line(remote)),
    }
}

/// Who is in the team, for a question.
fn members(team: &Membership) -> String {
    let mut named: Vec<String> =
        team.members.iter().take(NAMED).map(|member| text::line(&member.email)).collect();
    if team.members.len() > NAMED {
        named.push(format!("{} more", team.members.len() - NAMED));
    }
    let count = team.members.len();
    format!("{count} {}, {}", if count == 1 { "member" } else { "members" }, named.join(", "))
}

/// Asks, so that Ctrl-C and a deadline end it. Where nobody is there the command ends, unchanged.
async fn agree(cx: &Context, question: &str, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !prompt::possible(cx) {
        return Err(CliError::NobodyToAsk {
            question: question.to_owned(),
            hint: "add --yes to go ahead".to_owned(),
        });
    }
    prompt::show(cx, &format!("{} [y/N] ", cx.out.err_paint(Paint::Strong, question)))?;
    let (sender, answer) = oneshot::channel();
    std::thread::spawn(move || sender.send(prompt::read()));
    let answer = answer.await.map_err(|_| CliError::Declined)?.map_err(CliError::Stdin)?;
    match answer.as_deref().map(str::trim).map(str::to_lowercase).as_deref() {
        Some("y" | "yes") => Ok(()),
        _ => Err(CliError::Declined),
    }
}

#[cfg(test)]
mod tests {
    use orkee_core::plugin::{Member, Role};

    use super::*;

    fn acme(role: Role) -> Membership {
        let member = |n: usize| Member { email: format!("m{n}@a"), role: Role::Member };
        Membership { id: "t1".into(), name: "Acme".into(), role, members: (0..7).map(member).collect() }
    }

    #[test]
    fn a_teams_place_is_told_from_one_of_ones_own() {
        let place = place(&acme(Role::Member), "ann@a at https://api.example.com");
        assert_eq!(team_of(&place), Some("Acme"));
        for own in [
            "ann@a at https://api.example.com",
            "https://api.example.com",
            "team at https://a",
            "team a (b) at",
        ] {
            assert_eq!(team_of(own), None, "{own}");
        }
    }

    #[test]
    fn a_question_says_how_many_projects_go_where() {
        let to = acme(Role::Member);
        assert_eq!(
            question(12, Some(&to), None, "x"),
            "Share the 12 projects of this store with team Acme: 7 members, m0@a, m1@a, m2@a, m3@a, m4@a, 2 more?"
        );
        assert_eq!(
            question(1, None, Some("Acme"), "ann@a at https://a"),
            "Take the 1 project of this store, so far team Acme's, along to ann@a at https://a?"
        );
        assert!(question(1, Some(&acme(Role::ReadOnly)), Some("Old"), "x").contains("read-only"));
        let other = acme(Role::Other("Reviewer".to_owned()));
        assert!(question(1, Some(&other), Some("Old"), "x").contains("your role is Reviewer"));
    }
}
