//! `orkee cloud conflicts`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Show fields that were changed on both sides, and settle them
///
/// The value here stands until you decide; the other is kept.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orkee cloud conflicts
  orkee cloud conflicts resolve Ab12Cd34 --field name=cloud"
)]
pub(crate) struct Conflicts {
    /// Those of this project alone
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Resolve(Resolve),
}

/// Settle a project's conflicts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud conflicts resolve Ab12Cd34                      each field, one by one
  orkee cloud conflicts resolve Ab12Cd34 --field name=cloud   the cloud's name")]
struct Resolve {
    /// The project
    #[arg(value_name = "ID")]
    id: String,
    /// A field and whose value it takes; may be given several times
    #[arg(long = "field", value_name = "F=local|cloud")]
    fields: Vec<String>,
}

impl Conflicts {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud conflicts` is not in this build", "update orkee").into())
    }
}
