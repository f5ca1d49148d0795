//! `orkee cloud`: sign-in, sync, and what goes with them.

use crate::context::Context;
use crate::failure::CommandResult;

pub(crate) mod automatic;
mod builtin;
mod choice;
mod comparison;
mod conflicts;
mod connection;
mod devices;
mod dispatchers;
mod earlier;
mod ending;
pub(in crate::commands) mod examined;
mod handed_in;
pub(in crate::commands) mod key;
mod list;
mod login;
mod logout;
mod open_url;
mod parked;
mod parked_drop;
mod piped;
mod places;
mod progress;
pub(crate) mod provider;
mod report;
mod restore;
mod running;
mod settle;
mod sign_in;
mod sso;
mod status;
pub(crate) mod surroundings;
mod sync;
mod team;
mod team_mode;
mod token;
mod trail;
mod unseen;
pub(in crate::commands) mod value_editor;
pub(crate) mod webhook;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud login   sign in, in your browser
  orkee cloud sync    send what changed here, fetch what changed elsewhere
  orkee cloud watch   the same, by itself, until Ctrl-C";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Login(login::Login),
    Logout(logout::Logout),
    Token(token::Token),
    Status(status::Status),
    Sync(sync::Sync),
    Watch(automatic::Watch),
    Enable(automatic::Enable),
    Disable(automatic::Disable),
    Restore(restore::Restore),
    List(list::List),
    Devices(devices::Devices),
    Team(team::Team),
    Conflicts(conflicts::Conflicts),
    Parked(parked::Parked),
    /// Make your projects unreadable to everybody but you: end-to-end encryption
    #[command(subcommand, after_help = key::EXAMPLES)]
    Key(key::Command),
    /// Install providers and say what they may do, or write one
    #[command(subcommand, after_help = provider::EXAMPLES)]
    Provider(provider::Command),
    /// Tell URLs what happens, signed, and see what became of it
    #[command(subcommand, after_help = webhook::EXAMPLES)]
    Webhook(webhook::Command),
    #[command(hide = true)]
    OpenUrl(open_url::OpenUrl),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let may_answer = match &self {
            Self::Login(_) => true,
            Self::Key(command) => command.changes(),
            Self::Team(command) => command.changes(),
            _ => false,
        };
        let result = match self {
            Self::Login(command) => command.run(cx),
            Self::Logout(command) => command.run(cx),
            Self::Token(command) => command.run(cx),
            Self::Status(command) => command.run(cx),
            Self::Sync(command) => command.run(cx),
            Self::Watch(command) => command.run(cx),
            Self::Enable(command) => command.run(cx),
            Self::Disable(command) => command.run(cx),
            Self::Restore(command) => command.run(cx),
            Self::Devices(command) => command.run(cx),
            Self::List(command) => command.run(cx),
            Self::Team(command) => command.run(cx),
            Self::Conflicts(command) => command.run(cx),
            Self::Parked(command) => command.run(cx),
            Self::Key(command) => command.run(cx),
            Self::Provider(command) => command.run(cx),
            Self::Webhook(command) => command.run(cx),
            Self::OpenUrl(command) => command.run(cx),
        };
        if may_answer && result.is_ok() {
            automatic::lift(cx);
        }
        result
    }
}
