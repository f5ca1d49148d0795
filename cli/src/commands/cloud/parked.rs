//! `orkee cloud parked`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Show records that were set aside, with the reasons
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orkee cloud parked
  orkee cloud parked retry Ab12Cd34"
)]
pub(crate) struct Parked {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Retry(Retry),
}

/// Send records that were set aside again, with the next sync
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud parked retry              all of them
  orkee cloud parked retry Ab12Cd34     one")]
struct Retry {
    /// This one alone
    #[arg(value_name = "ID")]
    id: Option<String>,
}

impl Parked {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud parked` is not in this build", "update orkee").into())
    }
}
