//! `orkee projects revert`

use super::view;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Make a project what it was in an earlier version
///
/// This is a new version: nothing in between is lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects history shop
  orkee projects revert shop --to 3")]
pub(crate) struct Revert {
    /// Its id, or its name where no other has it
    #[arg(value_name = "ID|NAME")]
    project: String,
    /// The version's number, as `orkee projects history` shows it
    #[arg(long, value_name = "N")]
    to: u64,
}

impl Revert {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let id = store.find(&self.project)?;
        let updated = store.revert(id, self.to)?;
        view::changed(&cx.out, &updated, |project| format!("Reverted {project} to version {}", self.to))?;
        Ok(Exit::DONE)
    }
}
