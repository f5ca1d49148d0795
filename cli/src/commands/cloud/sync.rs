//! `orkee cloud sync`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Send what changed here, fetch what changed elsewhere
///
/// Where the same field was changed on both sides, the value here stands, and the other is kept as a conflict to settle.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud sync                        everything
  orkee cloud sync --project Ab12Cd34     push one project, fetch all
  orkee cloud sync --force --local-wins   compare everything again; what differs is taken from here")]
pub(crate) struct Sync {
    /// Push this project alone (everything is fetched)
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Compare everything again, from the beginning
    #[arg(long)]
    force: bool,
    /// Where a record differs, take this machine's
    #[arg(long, requires = "force", conflicts_with = "cloud_wins")]
    local_wins: bool,
    /// Where a record differs, take the cloud's
    #[arg(long, requires = "force")]
    cloud_wins: bool,
    /// Settle conflicts now, one by one
    #[arg(long)]
    resolve_conflicts: bool,
    /// Try again so often, waiting longer each time, when the network or the server fails
    #[arg(long, value_name = "N", default_value_t = 3)]
    retry: u32,
    /// Seconds that a request may take
    #[arg(long, value_name = "S", default_value_t = 30)]
    timeout: u64,
    /// Show what would be sent and fetched; change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Sync {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud sync` is not in this build", "update orkee").into())
    }
}
