//! `orkee projects locate`

use std::path::PathBuf;

use serde::Serialize;

use super::add;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::{Paint, text};

/// Say where a project's folder is on this device
///
/// The folder stays with this device; what other devices see is not changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects locate shop .
  orkee projects locate Ab12Cd34 ~/code/shop")]
pub(crate) struct Locate {
    /// Its id, or its name where no other has it
    #[arg(value_name = "ID|NAME")]
    project: String,
    /// Its folder here
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

#[derive(Serialize)]
struct Located<'a> {
    id: &'a str,
    root: &'a str,
}

impl Locate {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let folder = add::folder(cx, Some(&self.path))?;
        let root = add::utf8(&folder)?;
        let mut store = cx.store()?;
        let id = store.find(&self.project)?;
        store.locate(id, Some(&folder))?;
        if cx.out.is_json() {
            cx.out.document(&Located { id: id.as_str(), root })?;
        } else {
            let id = cx.out.paint(Paint::Dim, id.as_str());
            cx.out.done(format_args!("On this device {id} is in {}", text::line(root)))?;
        }
        Ok(Exit::DONE)
    }
}
