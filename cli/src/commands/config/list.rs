//! `orkee config list`

use orkee_core::settings::{ConfigKey, Key};
use serde::Serialize;

use super::view::View;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::table::Table;
use crate::output::text;

/// Show every setting
///
/// With the environments and tenants of config.toml. What is set nowhere has its default. Secrets are masked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee config list
  orkee config list --origin   and where each value comes from")]
pub(crate) struct List {
    /// Say where each value comes from
    #[arg(long)]
    origin: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    config: &'a str,
    settings: Vec<View>,
}

impl List {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let settings = super::settings(cx)?;
        let keys = Key::ALL.iter().map(|key| ConfigKey::Setting(*key)).chain(settings.entries());
        let mut views = Vec::new();
        for key in keys {
            views.push(View::of(&settings, &key)?);
        }
        if cx.out.is_json() {
            let path = settings.config_path().to_string_lossy();
            cx.out.document(&Document { config: &path, settings: views })?;
            return Ok(Exit::DONE);
        }
        let headings: &[&'static str] =
            if self.origin { &["KEY", "VALUE", "FROM"] } else { &["KEY", "VALUE"] };
        let mut table = Table::new(headings);
        for view in &views {
            let mut cells = vec![text::line(&view.key), view.in_line()];
            if self.origin {
                cells.push(view.origin.told.clone());
            }
            table.row(cells);
        }
        cx.out.table(&table)?;
        for (key, problem) in views.iter().filter_map(|view| Some((&view.key, view.problem.as_ref()?))) {
            cx.out.warn(format_args!("the value of {} does not hold: {problem}", text::line(key)));
        }
        Ok(Exit::DONE)
    }
}
