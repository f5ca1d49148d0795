//! `orkee projects locate`

use std::path::PathBuf;

use serde::Serialize;

use super::add;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::{Paint, text};

/// Say where a project's folder is on this device
///
/// The folder stays with this device; what other devices see is not changed. `orkee projects scan DIR` finds the folders of all
/// projects that are git repositories.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects locate shop .
  orkee projects locate Ab12Cd34 ~/code/shop
  orkee projects locate shop --clear        its author's folder again")]
pub(crate) struct Locate {
    /// Its id, or its name where no other has it
    #[arg(value_name = "ID|NAME")]
    project: String,
    /// Its folder here
    #[arg(value_name = "PATH", required_unless_present = "clear")]
    path: Option<PathBuf>,
    /// Forget where it is on this device
    #[arg(long, conflicts_with = "path")]
    clear: bool,
}

#[derive(Serialize)]
struct Located<'a> {
    id: &'a str,
    root: Option<&'a str>,
}

impl Locate {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let folder = self.path.as_deref().map(|path| add::folder(cx, Some(path))).transpose()?;
        let root = folder.as_deref().map(add::utf8).transpose()?;
        let mut store = cx.store()?;
        let id = store.find(&self.project)?;
        store.locate(id, folder.as_deref())?;
        if cx.out.is_json() {
            cx.out.document(&Located { id: id.as_str(), root })?;
            return Ok(Exit::DONE);
        }
        let named = cx.out.paint(Paint::Dim, id.as_str());
        cx.out.done(match root {
            Some(root) => format!("On this device {named} is in {}", text::line(root)),
            None => format!("On this device {named} is where its author wrote"),
        })?;
        Ok(Exit::DONE)
    }
}
