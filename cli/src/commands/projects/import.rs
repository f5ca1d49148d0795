//! `orkee projects import`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Read projects
#[derive(Debug, clap::Args)]
pub(crate) struct Import {}

impl Import {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee projects import` is not in this build", "update orkee").into())
    }
}
