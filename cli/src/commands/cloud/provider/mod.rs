//! `orkee cloud provider`: one file a command.

mod practice;

use crate::context::Context;
use crate::failure::CommandResult;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud provider practice    serve a backend to write a provider against";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Practice(practice::Practice),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::Practice(command) => command.run(cx),
        }
    }
}
