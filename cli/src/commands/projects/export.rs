//! `orkee projects export`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Write all projects as JSON
#[derive(Debug, clap::Args)]
pub(crate) struct Export {}

impl Export {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee projects export` is not in this build", "update orkee").into())
    }
}
