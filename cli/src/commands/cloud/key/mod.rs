//! `orkee cloud key`: end-to-end encryption. One file a command.

mod error;
mod lock;
mod show;
mod typed;
mod unlock;

use crate::context::Context;
use crate::failure::CommandResult;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud key show";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Lock(lock::Lock),
    Show(show::Show),
    Unlock(unlock::Unlock),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::Lock(command) => command.run(cx),
            Self::Show(command) => command.run(cx),
            Self::Unlock(command) => command.run(cx),
        }
    }
}
