//! `orkee cloud` in a build without it.

use std::ffi::OsString;

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Sync with your other devices (not in this build)
#[derive(Debug, clap::Args)]
pub(crate) struct Missing {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<OsString>,
}

impl Missing {
    pub(crate) fn run(self, _: &Context) -> CommandResult {
        Err(CliError::NoCloud.into())
    }
}
