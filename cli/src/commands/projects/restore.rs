//! `orkee projects restore`

use std::str::FromStr;

use orkee_core::project::ProjectId;
use orkee_core::store::Peek;

use super::view;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::text;

/// So many that were deleted are named.
const NAMED: usize = 3;

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
        let id: ProjectId = self.id.parse().map_err(|error| self.instead(cx, error))?;
        let payload = cx.store()?.restore(id)?;
        if cx.out.is_json() {
            cx.out.document(&view::Document { project: &payload })?;
        } else {
            cx.out.done(format_args!("Restored {}", view::named(&cx.out, &payload)))?;
        }
        Ok(Exit::DONE)
    }

    /// What was typed is no id: a name says nothing once the project is gone. Which ones went last does.
    fn instead(&self, cx: &Context, error: <ProjectId as FromStr>::Err) -> Failure {
        let deleted = || {
            let tenant = cx.settings().ok()?.tenant().ok()?.value;
            let deleted = Peek::open(&cx.home().ok()?.database(), &tenant)?.deleted("", NAMED);
            let told = deleted.iter().map(|(id, at)| format!("{id} ({})", text::minute(at)));
            Some(told.collect::<Vec<_>>().join(", ")).filter(|told| !told.is_empty())
        };
        match deleted() {
            Some(told) => {
                let hint = format!("deleted last: {told}; `orkee projects history ID` shows what one was");
                CliError::usage(error.to_string(), hint).into()
            }
            None => error.into(),
        }
    }
}
