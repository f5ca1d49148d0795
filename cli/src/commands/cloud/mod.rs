//! `orkee cloud`: sign-in and sync. In a build without the feature it only says how to get one with it.

#[cfg(feature = "cloud")]
pub(crate) use with_feature::{Command, EXAMPLES};
#[cfg(not(feature = "cloud"))]
pub(crate) use without_feature::Missing;

#[cfg(feature = "cloud")]
pub(crate) mod automatic;
#[cfg(feature = "cloud")]
mod builtin;
#[cfg(feature = "cloud")]
mod choice;
#[cfg(feature = "cloud")]
mod comparison;
#[cfg(feature = "cloud")]
mod conflicts;
#[cfg(feature = "cloud")]
mod connection;
#[cfg(feature = "cloud")]
mod devices;
#[cfg(feature = "cloud")]
mod dispatchers;
#[cfg(feature = "cloud")]
mod earlier;
#[cfg(feature = "cloud")]
mod ending;
#[cfg(feature = "cloud")]
pub(in crate::commands) mod examined;
#[cfg(feature = "cloud")]
mod handed_in;
#[cfg(feature = "cloud")]
pub(in crate::commands) mod key;
#[cfg(feature = "cloud")]
mod list;
#[cfg(feature = "cloud")]
mod login;
#[cfg(feature = "cloud")]
mod logout;
#[cfg(feature = "cloud")]
mod open_url;
#[cfg(feature = "cloud")]
mod parked;
#[cfg(feature = "cloud")]
mod piped;
#[cfg(feature = "cloud")]
mod places;
#[cfg(feature = "cloud")]
mod progress;
#[cfg(feature = "cloud")]
pub(crate) mod provider;
#[cfg(feature = "cloud")]
mod report;
#[cfg(feature = "cloud")]
mod restore;
#[cfg(feature = "cloud")]
mod running;
#[cfg(feature = "cloud")]
mod settle;
#[cfg(feature = "cloud")]
mod sign_in;
#[cfg(feature = "cloud")]
mod sso;
#[cfg(feature = "cloud")]
mod status;
#[cfg(feature = "cloud")]
pub(crate) mod surroundings;
#[cfg(feature = "cloud")]
mod sync;
#[cfg(feature = "cloud")]
mod team;
#[cfg(feature = "cloud")]
mod team_mode;
#[cfg(feature = "cloud")]
mod token;
#[cfg(feature = "cloud")]
mod trail;
#[cfg(feature = "cloud")]
mod unseen;
#[cfg(feature = "cloud")]
pub(in crate::commands) mod value_editor;
#[cfg(feature = "cloud")]
pub(crate) mod webhook;

#[cfg(feature = "cloud")]
mod with_feature {
    use super::{
        automatic, conflicts, devices, key, list, login, logout, open_url, parked, provider, restore, status,
        sync, team, token, webhook,
    };
    use crate::context::Context;
    use crate::failure::CommandResult;

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
            let may_answer = matches!(self, Self::Login(_) | Self::Key(_) | Self::Team(_));
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
}

#[cfg(not(feature = "cloud"))]
mod without_feature {
    use std::ffi::OsString;

    use crate::context::Context;
    use crate::failure::{CliError, CommandResult};

    /// Sync with your other devices (not in this build)
    #[derive(Debug, clap::Args)]
    pub(crate) struct Missing {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        _rest: Vec<OsString>,
    }

    impl Missing {
        pub(crate) fn run(self, _: &Context) -> CommandResult {
            Err(CliError::NoCloud.into())
        }
    }
}
