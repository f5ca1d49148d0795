//! `orkee cloud token`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Print the access token, for a script that calls the API itself
///
/// Refreshed first where it is about to expire.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud token
  curl -H \"Authorization: Bearer $(orkee cloud token)\" https://api.orkee.ai/v1/projects")]
pub(crate) struct Token {}

impl Token {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud token` is not in this build", "update orkee").into())
    }
}
