//! `orkee cloud restore`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Fetch projects from the cloud, replacing what is here
///
/// Says what it would overwrite and asks. What was overwritten stays in each project's history.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud restore                       everything
  orkee cloud restore --project Ab12Cd34    one project")]
pub(crate) struct Restore {
    /// Restore this project alone
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Compare everything again, from the beginning
    #[arg(long)]
    force: bool,
    /// Where a record differs, take the cloud's
    #[arg(long)]
    cloud_wins: bool,
    /// Restore what it was at this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Restore {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud restore` is not in this build", "update orkee").into())
    }
}
