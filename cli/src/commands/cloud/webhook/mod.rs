//! `orkee cloud webhook`: events on their way to endpoints.

pub(crate) mod detached;
mod drain;

use crate::context::Context;
use crate::failure::CommandResult;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud webhook drain           send what is due now
  orkee cloud webhook drain --watch   go on until Ctrl-C";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Drain(drain::Drain),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::Drain(command) => command.run(cx),
        }
    }
}
