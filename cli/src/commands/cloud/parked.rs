//! `orkee cloud parked`

use orkee_core::store::Parked as SetAside;
use serde::Serialize;

use super::parked_drop::Drop;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::table::Table;
use crate::output::{Paint, text};

/// Show records that were set aside, with the reasons
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orkee cloud parked
  orkee cloud parked retry Ab12Cd34
  orkee cloud parked drop Ab12Cd34"
)]
pub(crate) struct Parked {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Retry(Retry),
    Drop(Drop),
}

/// Send records that were set aside again, with the next sync
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud parked retry              all of them
  orkee cloud parked retry Ab12Cd34     one")]
struct Retry {
    /// This one alone
    #[arg(value_name = "ID")]
    id: Option<String>,
}

#[derive(Serialize)]
struct Document {
    parked: Vec<View>,
}

#[derive(Serialize)]
struct View {
    id: String,
    name: Option<String>,
    reason: String,
}

impl Parked {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self.command {
            Some(Command::Retry(retry)) => retry.run(cx),
            Some(Command::Drop(drop)) => drop.run(cx),
            None => show(cx, cx.store()?.parked()?),
        }
    }
}

fn show(cx: &Context, parked: Vec<SetAside>) -> CommandResult {
    if cx.out.is_json() {
        let view = |p: SetAside| View { id: p.id, name: p.name, reason: p.reason };
        cx.out.document(&Document { parked: parked.into_iter().map(view).collect() })?;
        return Ok(Exit::DONE);
    }
    if parked.is_empty() {
        cx.out.note("Nothing is set aside.");
        return Ok(Exit::DONE);
    }
    let mut table = Table::new(&["ID", "PROJECT", "FROM", "REASON"]);
    for p in parked {
        let from = if p.is_from_cloud { "cloud" } else { "here" };
        let name = text::line(p.name.as_deref().unwrap_or("–"));
        table.row(vec![text::line(&p.id), name, from.to_owned(), text::line(&p.reason)]);
    }
    cx.out.table(&table)?;
    Ok(Exit::DONE)
}

impl Retry {
    fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let id = self.id.map(|query| store.find(&query)).transpose()?;
        let retried = store.retry_parked(id)?;
        if cx.out.is_json() {
            return show(cx, store.parked()?);
        }
        let hint = cx.out.paint(Paint::Dim, "send it: orkee cloud sync");
        cx.out.done(format_args!("{} to be sent again  {hint}", retried.len()))?;
        Ok(Exit::DONE)
    }
}
