//! `orkee cloud webhook`: who is told of events, and what became of it. One file a command.
//!
//! A webhook lives in one of two places, which are one to a person: this device, which tells of what happens here, or the account,
//! whose server tells of what any device did. [`place`] is what both can do; `here` and `account` are the two.

mod account;
mod add;
mod deliveries;
pub(crate) mod detached;
mod disable;
mod drain;
mod enable;
mod endpoint_args;
mod error;
mod here;
mod list;
mod listen;
mod own_secret;
mod place;
mod redeliver;
mod remove;
mod rotate_secret;
mod sender;
mod show;
mod test;
mod trail;
mod trouble;
mod verify;
mod view;

pub(crate) use here::Here;
pub(crate) use trouble::Trouble;

use crate::context::Context;
use crate::failure::CommandResult;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud webhook add https://example.com/hook --event 'project.*'
  orkee cloud webhook list
  orkee cloud webhook deliveries --failed --since 1d
  orkee cloud webhook listen --forward-to http://127.0.0.1:3000/hook";

#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "a process makes one")]
pub(crate) enum Command {
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Test(test::Test),
    Deliveries(deliveries::Deliveries),
    Redeliver(redeliver::Redeliver),
    Drain(drain::Drain),
    Enable(enable::Enable),
    Disable(disable::Disable),
    RotateSecret(rotate_secret::RotateSecret),
    Remove(remove::Remove),
    Listen(listen::Listen),
    Verify(verify::Verify),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::Add(command) => command.run(cx),
            Self::List(command) => command.run(cx),
            Self::Show(command) => command.run(cx),
            Self::Test(command) => command.run(cx),
            Self::Deliveries(command) => command.run(cx),
            Self::Redeliver(command) => command.run(cx),
            Self::Drain(command) => command.run(cx),
            Self::Enable(command) => command.run(cx),
            Self::Disable(command) => command.run(cx),
            Self::RotateSecret(command) => command.run(cx),
            Self::Remove(command) => command.run(cx),
            Self::Listen(command) => command.run(cx),
            Self::Verify(command) => command.run(cx),
        }
    }
}
