//! `orkee projects restore`

use orkee_core::project::ProjectId;

use super::view;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Take a deletion back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects restore Ab12Cd34
  orkee projects restore Ab12Cd34 --json")]
pub(crate) struct Restore {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
}

impl Restore {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let id: ProjectId = self.id.parse()?;
        let payload = cx.store()?.restore(id)?;
        if cx.out.is_json() {
            cx.out.document(&view::Document { project: &payload })?;
        } else {
            cx.out.done(format_args!("Restored {}", view::named(&cx.out, &payload)))?;
        }
        Ok(Exit::DONE)
    }
}
