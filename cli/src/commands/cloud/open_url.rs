//! `orkee cloud open-url`: opens a browser in a process of its own, which holds no secret and no terminal.

use std::io;
use std::process::{Command, Stdio};

use orkee_core::auth::{self, EnvToken};

use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};

/// Open a URL in the browser (used by `login`)
#[derive(Debug, clap::Args)]
pub(crate) struct OpenUrl {
    #[arg(value_name = "URL")]
    url: String,
}

impl OpenUrl {
    pub(crate) fn run(self, _: &Context) -> CommandResult {
        // Ctrl-C in the terminal ends the login, not the browser.
        let _ = rustix::process::setsid();
        auth::open_browser(&self.url).map_err(|e| {
            CliError::usage(format!("no browser could be opened: {e}"), "open the address yourself")
        })?;
        Ok(Exit::DONE)
    }
}

/// Runs this program as a child that opens `url`, and says whether that went well.
pub(super) fn in_child(url: &str) -> io::Result<()> {
    let status = Command::new(std::env::current_exe()?)
        .args(["cloud", "open-url", url])
        .env_remove(EnvToken::VARIABLE)
        .env_remove(EnvToken::FILE_VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("no browser could be opened")) }
}
