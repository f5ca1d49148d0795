//! `orkee cloud login`

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

/// Sign in
///
/// Opens your browser, where you sign in and allow this device. The tokens are kept in auth.toml of the home folder, for you alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud login                         sign in, in your browser
  orkee cloud login --with-token < token    sign in with an API token, for scripts")]
pub(crate) struct Login {
    /// Sign in to another Orkee Cloud: `development`, or an `[environments.NAME]` of config.toml
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Sign in through your company's identity provider
    #[arg(long)]
    sso: bool,
    /// Show a code to type on another device, instead of opening a browser
    #[arg(long, conflicts_with_all = ["with_token", "refresh_token"])]
    device: bool,
    /// Read an API token from standard input
    #[arg(long, conflicts_with = "refresh_token")]
    with_token: bool,
    /// Get a new token now, by the refresh token that is stored
    #[arg(long)]
    refresh_token: bool,
    /// Open a browser even where none seems to be
    #[arg(long, overrides_with = "no_browser")]
    browser: bool,
    /// Print the address instead of opening a browser
    #[arg(long)]
    no_browser: bool,
    /// The port on this machine that the browser comes back to; default: any free one
    #[arg(long, value_name = "N")]
    callback_port: Option<u16>,
    /// Seconds to wait for the browser
    #[arg(long, value_name = "S", default_value_t = 300)]
    timeout: u64,
}

impl Login {
    pub(crate) fn run(self, _cx: &Context) -> CommandResult {
        Err(CliError::usage("`orkee cloud login` is not in this build", "update orkee").into())
    }
}
