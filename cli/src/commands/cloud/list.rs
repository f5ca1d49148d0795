//! `orkee cloud list`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// List the projects that the cloud has
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud list --limit 50
  orkee cloud list --show-devices")]
pub(crate) struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Show the devices that are signed in, too
    #[arg(long)]
    show_devices: bool,
}

impl List {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud list` is not in this build", "update orkee").into())
    }
}
