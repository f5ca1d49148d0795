//! `orkee cloud logout`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Sign out: revoke the tokens and remove them from this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud logout                 sign out of what is in use
  orkee cloud logout --all           sign out everywhere, every tenant")]
pub(crate) struct Logout {
    /// Sign out of this tenant
    #[arg(long, value_name = "T", conflicts_with = "all")]
    tenant: Option<String>,
    /// Sign out of everything
    #[arg(long)]
    all: bool,
}

impl Logout {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud logout` is not in this build", "update orkee").into())
    }
}
