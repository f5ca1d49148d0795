//! `orkee cloud team`

use orkee_core::plugin::{Membership, PartError, Role, TeamStanding, WasmProvider};
use orkee_core::sync::provider::{Failure, ProviderError};
use serde::Serialize;

use super::connection::Connection;
use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{self, CommandResult, Exit};
use crate::output::table::Table;
use crate::output::{Paint, text};
use crate::prompt;

/// Show the team that you share projects with; invite, and answer invitations
///
/// With ORKEE_CLOUD_TEAM_MODE=true, `orkee cloud sync` shares the projects of this machine with the team.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orkee cloud team
  orkee cloud team invite ben@example.com --role read-only
  orkee cloud team join acme"
)]
pub(crate) struct Team {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the team, its members and their roles
    #[command(after_help = "\
Examples:
  orkee cloud team show
  orkee cloud team show --json")]
    Show,
    /// Let somebody join
    #[command(after_help = "\
Examples:
  orkee cloud team invite ben@example.com
  orkee cloud team invite eve@example.com --role read-only")]
    Invite {
        /// Their address
        #[arg(value_name = "EMAIL")]
        email: String,
        /// What they may do
        #[arg(long, value_name = "ROLE", default_value = "member", value_parser = role)]
        role: Role,
    },
    /// Take an invitation
    #[command(after_help = "\
Examples:
  orkee cloud team join acme
  orkee cloud team join acme --json")]
    Join {
        /// The team's name
        #[arg(value_name = "TEAM")]
        team: String,
    },
    /// Give a member another role: owner, member or read-only
    #[command(after_help = "\
Examples:
  orkee cloud team role eve@example.com member
  orkee cloud team role ben@example.com owner")]
    Role {
        /// Their address
        #[arg(value_name = "EMAIL")]
        email: String,
        /// What they may do
        #[arg(value_name = "ROLE", value_parser = role)]
        role: Role,
    },
    /// Remove a member at once, or take an invitation back
    #[command(after_help = "\
Examples:
  orkee cloud team remove eve@example.com
  orkee cloud team remove eve@example.com --yes")]
    Remove {
        /// Their address
        #[arg(value_name = "EMAIL")]
        email: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Leave the team; what was fetched stays on this machine
    #[command(after_help = "\
Examples:
  orkee cloud team leave
  orkee cloud team leave --yes")]
    Leave {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Serialize)]
struct Document<'a> {
    team: Option<View<'a>>,
    removed_from: Option<&'a str>,
    invitations: Vec<InvitationView<'a>>,
}

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    role: &'a str,
    members: Vec<MemberView<'a>>,
}

#[derive(Serialize)]
struct MemberView<'a> {
    email: &'a str,
    role: &'a str,
}

#[derive(Serialize)]
struct InvitationView<'a> {
    team: &'a str,
    role: &'a str,
}

impl Team {
    /// Whether it does something that a sync may wait for, and does not only show.
    pub(crate) fn changes(&self) -> bool {
        !matches!(self.command, None | Some(Command::Show))
    }

    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let said = match self.command.unwrap_or(Command::Show) {
            Command::Show => None,
            Command::Invite { email, role } => {
                ask(cx, &cloud, async |provider| provider.invite(&email, &role).await)?;
                let how = "once they run: orkee cloud team join NAME";
                Some(format!(
                    "{} may join as {}  {}",
                    text::line(&email),
                    role.as_str(),
                    cx.out.paint(Paint::Dim, how)
                ))
            }
            Command::Join { team } => {
                ask(cx, &cloud, async |provider| provider.join_team(&team).await)?;
                let how = "share projects with it: ORKEE_CLOUD_TEAM_MODE=true orkee cloud sync";
                Some(format!("joined {}  {}", text::line(&team), cx.out.paint(Paint::Dim, how)))
            }
            Command::Role { email, role } => {
                ask(cx, &cloud, async |provider| provider.set_member_role(&email, &role).await)?;
                Some(format!("{} is {} now", text::line(&email), role.as_str()))
            }
            Command::Remove { email, yes } => {
                let shown = text::line(&email);
                prompt::must_confirm(cx, yes, &format!("Remove {shown} from the team, at once?"))?;
                ask(cx, &cloud, async |provider| provider.remove_member(&email).await)?;
                Some(format!("{shown} is no longer in the team"))
            }
            Command::Leave { yes } => {
                let question = "Leave the team? Only its owner can let you in again.";
                prompt::must_confirm(cx, yes, question)?;
                ask(cx, &cloud, async |provider| provider.leave_team().await)?;
                Some("left the team; what was fetched from it is still on this machine".to_owned())
            }
        };
        match said {
            Some(said) if !cx.out.is_json() => cx.out.done(said)?,
            _ => show(cx, &ask(cx, &cloud, async |provider| provider.team().await)?)?,
        }
        Ok(Exit::DONE)
    }
}

fn ask<T>(
    cx: &Context,
    cloud: &Cloud,
    what: impl AsyncFnOnce(&WasmProvider) -> Result<T, PartError>,
) -> Result<T, failure::Failure> {
    surroundings::run(async {
        let connection = Connection::open(cx, cloud).await?;
        Ok(what(&connection.provider).await.map_err(with_hint)?)
    })
}

/// Whoever was refused wants to know who is in the team, and as what.
fn with_hint(error: PartError) -> PartError {
    match error {
        PartError::Failed(error) if matches!(error.failure, Failure::Forbidden | Failure::Refused) => {
            let hint =
                "`orkee cloud team` shows who is in the team, your own role, and what you are invited to";
            PartError::Failed(ProviderError { hint: Some(hint.to_owned()), ..error })
        }
        other => other,
    }
}

fn show(cx: &Context, standing: &TeamStanding) -> Result<(), failure::Failure> {
    if cx.out.is_json() {
        cx.out.document(&document(standing))?;
        return Ok(());
    }
    match &standing.membership {
        Some(membership) => show_members(cx, membership)?,
        None => match &standing.removed_from {
            Some(team) => cx.out.line(format_args!("In no team; no longer in {}", text::line(team)))?,
            None => cx.out.line("In no team")?,
        },
    }
    for one in &standing.invitations {
        let (team, role) = (text::line(&one.team), text::line(one.role.as_str()));
        let how = cx.out.paint(Paint::Dim, &format!("orkee cloud team join {team}"));
        cx.out.line(format_args!("Invited to {team} as {role}  {how}"))?;
    }
    Ok(())
}

fn show_members(cx: &Context, membership: &Membership) -> Result<(), failure::Failure> {
    let (name, role) = (text::line(&membership.name), text::line(membership.role.as_str()));
    cx.out.line(format_args!("Team: {name} (your role: {role})"))?;
    let mut table = Table::new(&["MEMBER", "ROLE"]);
    for member in &membership.members {
        table.row(vec![text::line(&member.email), text::line(member.role.as_str())]);
    }
    cx.out.table(&table)?;
    Ok(())
}

fn document(standing: &TeamStanding) -> Document<'_> {
    Document {
        team: standing.membership.as_ref().map(|membership| View {
            id: &membership.id,
            name: &membership.name,
            role: membership.role.as_str(),
            members: membership
                .members
                .iter()
                .map(|member| MemberView { email: &member.email, role: member.role.as_str() })
                .collect(),
        }),
        removed_from: standing.removed_from.as_deref(),
        invitations: standing
            .invitations
            .iter()
            .map(|one| InvitationView { team: &one.team, role: one.role.as_str() })
            .collect(),
    }
}

fn role(text: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| "owner, member and read-only are the roles".to_owned())
}
