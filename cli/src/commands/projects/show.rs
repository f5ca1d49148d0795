//! `orkee projects show`

use super::view;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::waiting::Waiting;

/// Show everything about a project
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects show shop
  orkee projects show Ab12Cd34 --json")]
pub(crate) struct Show {
    /// Its id, or its name where no other has it
    #[arg(value_name = "ID|NAME")]
    project: String,
}

impl Show {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let store = cx.store()?;
        let id = store.find(&self.project)?;
        let (stored, conflicts) = (store.get(id)?, store.conflicts(Some(id))?);
        let waiting: Vec<Waiting<'_>> =
            conflicts.iter().map(|conflict| Waiting::of(&store, conflict)).collect::<Result<_, _>>()?;
        if cx.out.is_json() {
            cx.out.document(&view::Shown::new(&stored, &waiting))?;
        } else {
            view::page(&cx.out, &stored)?;
            view::conflicts(&cx.out, stored.payload.id(), &waiting)?;
            if !stored.damaged.is_empty() {
                let (id, fields) = (stored.payload.id(), stored.damaged.join(", "));
                cx.out.warn(format_args!(
                    "the locked text of {fields} is damaged; see `orkee projects history {id}` for what it was before, and `orkee doctor`; `orkee cloud sync --force` takes it from the cloud"
                ));
            }
            if stored.is_missing() {
                let id = stored.payload.id();
                cx.out.note(format_args!(
                    "Its folder is not on this device. Say where it is: orkee projects locate {id} PATH, or orkee projects scan DIR"
                ));
            }
        }
        Ok(Exit::DONE)
    }
}
