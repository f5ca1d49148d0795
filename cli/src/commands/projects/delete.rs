//! `orkee projects delete`

use super::view;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::{Paint, text};
use crate::prompt;

/// Delete a project
///
/// Its folder and files are left alone, and it can be taken back: `orkee projects restore ID`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects delete shop
  orkee projects delete Ab12Cd34 --yes")]
pub(crate) struct Delete {
    /// Its id, or its name where no other has it
    #[arg(value_name = "ID|NAME")]
    project: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let stored = store.get(store.find(&self.project)?)?;
        let (id, name) = (stored.payload.id(), text::line(&stored.payload.name()));
        prompt::must_confirm(cx, self.yes, &format!("Delete {name} ({id})?"))?;
        let payload = store.delete(id)?;
        if cx.out.is_json() {
            cx.out.document(&view::Document { project: &payload })?;
        } else {
            let undo = cx.out.paint(Paint::Dim, &format!("take it back: orkee projects restore {id}"));
            cx.out.done(format_args!("Deleted {}  {undo}", cx.out.paint(Paint::Strong, &name)))?;
        }
        Ok(Exit::DONE)
    }
}
