//! `orkee config get`

use orkee_core::settings::ConfigKey;
use serde::Serialize;

use super::view::View;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::text;

/// Print the value of a setting
///
/// The default where it is set nowhere, and nothing where it has none. A secret is masked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee config get cloud.tenant
  orkee config get ORKEE_CLOUD_API_URL --origin")]
pub(crate) struct Get {
    /// Such as cloud.tenant, or its variable
    #[arg(value_name = "KEY")]
    key: String,
    /// Say where it comes from, and where else it is set
    #[arg(long)]
    origin: bool,
}

#[derive(Serialize)]
struct Document {
    setting: View,
}

impl Get {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let key = ConfigKey::parse(&self.key)?;
        let view = View::of(&super::settings(cx)?, &key)?;
        if cx.out.is_json() {
            cx.out.document(&Document { setting: view })?;
            return Ok(Exit::DONE);
        }
        match (&view.value, self.origin) {
            (None, _) => cx.out.note(format_args!("{key} is not set")),
            (Some(_), false) => cx.out.line(view.in_line())?,
            (Some(_), true) => cx.out.line(format_args!("{}\t{}", view.in_line(), view.origin.told))?,
        }
        if let Some(problem) = &view.problem {
            cx.out.warn(format_args!("this does not hold: {}", text::line(problem)));
        }
        for below in view.overridden.iter().filter(|_| self.origin) {
            cx.out.note(format_args!("also set, and not heeded: {}", below.told));
        }
        Ok(Exit::DONE)
    }
}
