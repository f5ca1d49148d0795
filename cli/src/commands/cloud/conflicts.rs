//! `orkee cloud conflicts`

use std::collections::BTreeSet;

use orkee_core::project::ProjectId;
use orkee_core::store::{Choice, Conflict, Store};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::table::Table;
use crate::output::{Paint, text};
use crate::prompt;

/// Show fields that were changed on both sides, and settle them
///
/// The value here stands until you decide; the other is kept.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orkee cloud conflicts
  orkee cloud conflicts resolve Ab12Cd34 --field name=cloud"
)]
pub(crate) struct Conflicts {
    /// Those of this project alone
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Resolve(Resolve),
}

/// Settle a project's conflicts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud conflicts resolve Ab12Cd34                      each field, one by one
  orkee cloud conflicts resolve Ab12Cd34 --field name=cloud   the cloud's name")]
struct Resolve {
    /// The project
    #[arg(value_name = "ID")]
    id: String,
    /// A field and whose value it takes; may be given several times
    #[arg(long = "field", value_name = "F=local|cloud", value_parser = field_choice)]
    fields: Vec<(String, Choice)>,
}

/// `name=cloud`
fn field_choice(argument: &str) -> Result<(String, Choice), String> {
    match argument.rsplit_once('=') {
        Some((field, "local")) if !field.is_empty() => Ok((field.to_owned(), Choice::Local)),
        Some((field, "cloud")) if !field.is_empty() => Ok((field.to_owned(), Choice::Cloud)),
        _ => Err("write it as FIELD=local or FIELD=cloud".to_owned()),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    conflicts: Vec<View<'a>>,
}

#[derive(Serialize)]
struct View<'a> {
    id: ProjectId,
    project: &'a str,
    field: &'a str,
    local: Option<&'a RawValue>,
    cloud: Option<&'a RawValue>,
    at: &'a str,
    device: &'a str,
}

impl<'a> View<'a> {
    fn of(conflict: &'a Conflict) -> Self {
        Self {
            id: conflict.id,
            project: &conflict.project,
            field: &conflict.field,
            local: conflict.local.as_deref(),
            cloud: conflict.cloud.as_deref(),
            at: &conflict.at,
            device: &conflict.device,
        }
    }
}

impl Conflicts {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        match self.command {
            Some(Command::Resolve(resolve)) => resolve.run(cx, &mut store),
            None => {
                let id = self.id.map(|query| store.find(&query)).transpose()?;
                show(cx, &store.conflicts(id)?)
            }
        }
    }
}

fn show(cx: &Context, conflicts: &[Conflict]) -> CommandResult {
    if cx.out.is_json() {
        cx.out.document(&Document { conflicts: conflicts.iter().map(View::of).collect() })?;
        return Ok(Exit::DONE);
    }
    if conflicts.is_empty() {
        cx.out.note("No conflicts.");
        return Ok(Exit::DONE);
    }
    let mut table = Table::new(&["ID", "PROJECT", "FIELD", "HERE", "CLOUD", "FROM", "AT"]);
    for c in conflicts {
        table.row(vec![
            c.id.to_string(),
            text::line(&c.project),
            text::line(&c.field),
            shown(c.local.as_deref()),
            shown(c.cloud.as_deref()),
            text::line(&c.device),
            text::minute(&c.at),
        ]);
    }
    cx.out.table(&table)?;
    cx.out.note("Settle one: orkee cloud conflicts resolve ID --field FIELD=local|cloud");
    Ok(Exit::DONE)
}

/// A value for people: text without its quotes, nothing as a dash.
fn shown(value: Option<&RawValue>) -> String {
    let json = value.map_or("null", RawValue::get);
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(serde_json::Value::Null) => "–".to_owned(),
        Ok(serde_json::Value::String(value)) => text::line(&value),
        _ => text::line(json),
    }
}

impl Resolve {
    fn run(self, cx: &Context, store: &mut Store) -> CommandResult {
        let id = store.find(&self.id)?;
        let open = store.conflicts(Some(id))?;
        if let Some(field) = named_twice(&self.fields) {
            return Err(
                CliError::usage(format!("--field names `{field}` twice"), "name each field once").into()
            );
        }
        if let Some((field, _)) =
            self.fields.iter().find(|(field, _)| !open.iter().any(|c| c.field == *field))
        {
            return Err(no_such(field, &open).into());
        }
        let settled = match self.fields.is_empty() {
            true => ask_each(cx, store, &open)?,
            false => {
                let mut settled = 0;
                for (field, choice) in &self.fields {
                    settled += usize::from(store.resolve(id, field, *choice)?);
                }
                settled
            }
        };
        if cx.out.is_json() {
            return show(cx, &store.conflicts(Some(id))?);
        }
        let left = store.conflicts(Some(id))?.len();
        cx.out.done(format_args!(
            "Settled {settled}, {left} left  {}",
            cx.out.paint(Paint::Dim, "send it: orkee cloud sync")
        ))?;
        Ok(Exit::DONE)
    }
}

fn named_twice(fields: &[(String, Choice)]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    fields.iter().map(|(field, _)| field.as_str()).find(|field| !seen.insert(*field))
}

fn no_such(field: &str, open: &[Conflict]) -> CliError {
    let fields: Vec<&str> = open.iter().map(|c| c.field.as_str()).collect();
    let hint = match fields.is_empty() {
        true => "this project has no conflicts".to_owned(),
        false => format!("its conflicts are in: {}", fields.join(", ")),
    };
    CliError::usage(format!("the field `{field}` has no conflict"), hint)
}

/// Asks for each conflict which value it is to have, and returns how many were settled.
pub(super) fn ask_each(cx: &Context, store: &mut Store, open: &[Conflict]) -> Result<usize, Failure> {
    if !open.is_empty() && !prompt::possible(cx) {
        return Err(CliError::NobodyToAsk {
            question: format!("{} conflicts are to be settled", open.len()),
            hint: "run `orkee cloud conflicts resolve ID --field FIELD=local|cloud`".to_owned(),
        }
        .into());
    }
    let mut settled = 0;
    for c in open {
        cx.out.note(format_args!("\n{} ({}), {}", text::line(&c.project), c.id, text::line(&c.field)));
        cx.out.note(format_args!("  mine    {}", shown(c.local.as_deref())));
        let (device, at) = (text::line(&c.device), text::line(&c.at));
        cx.out.note(format_args!("  theirs  {}   ({device}, {at})", shown(c.cloud.as_deref())));
        let choice =
            match prompt::choose(cx, "Keep which?", &[("m", "mine"), ("t", "theirs"), ("s", "skip")])? {
                "mine" => Choice::Local,
                "theirs" => Choice::Cloud,
                _ => continue,
            };
        match store.settle(c, choice)? {
            true => settled += 1,
            false => cx.out.warn("it is not as it was shown any more: see orkee cloud conflicts"),
        }
    }
    Ok(settled)
}
