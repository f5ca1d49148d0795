//! `orkee cloud key show`

use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Show whether your projects are sealed, and who has the key
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud key show")]
pub(crate) struct Show {}

impl Show {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let keys = std::fs::read_dir(cx.home()?.keys()).map_or(0, Iterator::count);
        cx.out.line(format_args!("Key files on this device: {keys}"))?;
        Ok(Exit::DONE)
    }
}
