//! `orkee cloud key`: end-to-end encryption. One file a command.

mod show;

use crate::context::Context;
use crate::failure::CommandResult;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud key show";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Show(show::Show),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::Show(command) => command.run(cx),
        }
    }
}
