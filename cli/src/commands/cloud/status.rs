//! `orkee cloud status`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Show who is signed in, and how far projects are in step
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud status
  orkee cloud status --offline --json")]
pub(crate) struct Status {
    /// Ask no server; show what is known here
    #[arg(long)]
    offline: bool,
}

impl Status {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud status` is not in this build", "update orkee").into())
    }
}
