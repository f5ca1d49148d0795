//! `orkee ui`: projects on the whole screen.
//!
//! `state` is what a person sees, `keys` what a key means there, `act` does it, to the state and the store, and `draw` shows it: none of them
//! knows a terminal, so that each is tested without one. `interface` is the loop that has one; `screen`, `signals`, `sync` and `folders`
//! are what it deals with.

use std::io::IsTerminal;

use crate::context::Context;
use crate::failure::{CliError, CommandResult};

mod act;
mod ago;
mod draw;
mod folders;
mod interface;
mod keys;
mod list;
#[cfg(feature = "cloud")]
mod live;
mod place;
mod screen;
mod signals;
mod state;
#[cfg(feature = "cloud")]
mod sync;
mod takeback;

/// Browse and change projects on the whole screen
///
/// A list with a filter, each project in full, its history with the way back, and, with cloud support, sync and conflicts side by side.
/// `?` shows the keys. Works offline, and beside other commands.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee ui
  orkee ui --filter shop             with a filter from the start
  EDITOR=hx orkee ui                 `e` opens a project in helix")]
pub(crate) struct Ui {
    /// Show those with this text in id, name, description or a tag
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
}

impl Ui {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        must_be_possible(cx)?;
        interface::run(cx, self.filter)
    }
}

/// Nobody can press a key, or see what it does: the commands are for that.
fn must_be_possible(cx: &Context) -> Result<(), CliError> {
    let why = if cx.out.is_json() {
        "`orkee ui` is for people and has no JSON"
    } else if cx.global.no_input {
        "`orkee ui` asks for keys, and --no-input says that nobody presses any"
    } else if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        "`orkee ui` needs a terminal, and this is none"
    } else if std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        "`orkee ui` needs a terminal that can be drawn on, and TERM says that this one cannot"
    } else {
        return Ok(());
    };
    Err(CliError::usage(why, "use the commands instead, such as `orkee projects list`"))
}
