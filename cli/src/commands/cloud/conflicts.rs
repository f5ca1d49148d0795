//! `orkee cloud conflicts`

use std::collections::BTreeSet;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::project::ProjectId;
use orkee_core::store::{Choice, Conflict, Store};
use serde::Serialize;
use thiserror::Error;

use super::{comparison, settle};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::table::Table;
use crate::output::{Paint, text};
use crate::waiting::Waiting;
use crate::{prompt, terminal, waiting};

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
  orkee cloud conflicts resolve Ab12Cd34 --field name=cloud   the cloud's name
  orkee cloud conflicts resolve Ab12Cd34 --all local          keep everything as it is here")]
struct Resolve {
    /// The project
    #[arg(value_name = "ID")]
    id: String,
    /// A field and whose value it takes; may be given several times
    #[arg(long = "field", value_name = "F=local|cloud", value_parser = field_choice)]
    fields: Vec<(String, Choice)>,
    /// Whose values all of its fields take
    #[arg(long, value_name = "local|cloud", value_parser = choice, conflicts_with = "fields")]
    all: Option<Choice>,
}

/// `name=cloud`
fn field_choice(argument: &str) -> Result<(String, Choice), String> {
    let (field, side) = argument.rsplit_once('=').unwrap_or_default();
    match (field, choice(side)) {
        ("", _) | (_, Err(_)) => Err("write it as FIELD=local or FIELD=cloud".to_owned()),
        (field, Ok(choice)) => Ok((field.to_owned(), choice)),
    }
}

fn choice(argument: &str) -> Result<Choice, String> {
    match argument {
        "local" => Ok(Choice::Local),
        "cloud" => Ok(Choice::Cloud),
        _ => Err("it is `local` or `cloud`".to_owned()),
    }
}

/// Conflicts can be settled by a person alone, and none is there.
#[derive(Debug, Error)]
#[error("{} to be settled, and nobody is here to ask", wait(*.0))]
struct NobodyToAsk(usize);

impl Diagnostic for NobodyToAsk {
    fn code(&self) -> &'static str {
        "E-CONFLICT-001"
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }

    fn hint(&self) -> Option<String> {
        Some(HOW.to_owned())
    }
}

/// What a script types instead.
pub(super) const HOW: &str = "run `orkee cloud conflicts resolve ID --field FIELD=local|cloud`";

/// How many wait.
fn wait(count: usize) -> String {
    if count == 1 { "1 conflict waits".to_owned() } else { format!("{count} conflicts wait") }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<usize>,
    conflicts: Vec<View<'a>>,
}

#[derive(Serialize)]
struct View<'a> {
    id: ProjectId,
    project: &'a str,
    #[serde(flatten)]
    waiting: Waiting<'a>,
}

/// One JSON object with the conflicts; `settled` says how many were.
fn document(
    cx: &Context,
    store: &Store,
    conflicts: &[Conflict],
    settled: Option<usize>,
) -> Result<(), Failure> {
    let mut views = Vec::with_capacity(conflicts.len());
    for c in conflicts {
        views.push(View { id: c.id, project: &c.project, waiting: Waiting::of(store, c)? });
    }
    Ok(cx.out.document(&Document { settled, conflicts: views })?)
}

impl Conflicts {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        match self.command {
            Some(Command::Resolve(resolve)) => {
                store.must_be_open()?;
                resolve.run(cx, &mut store)
            }
            None => {
                let id = self.id.map(|query| store.find(&query)).transpose()?;
                show(cx, &store, id)
            }
        }
    }
}

fn show(cx: &Context, store: &Store, id: Option<ProjectId>) -> CommandResult {
    let conflicts = store.conflicts(id)?;
    if cx.out.is_json() {
        document(cx, store, &conflicts, None)?;
        return Ok(Exit::DONE);
    }
    if conflicts.is_empty() {
        cx.out.note("No conflicts.");
        return Ok(Exit::DONE);
    }
    cx.out.page();
    if id.is_some() && cx.out.is_terminal() {
        return in_full(cx, store, &conflicts);
    }
    let mut table = Table::new(&["ID", "PROJECT", "FIELD", "HERE", "CLOUD", "FROM", "AT"]);
    for c in &conflicts {
        table.row(vec![
            c.id.to_string(),
            text::line(&c.project),
            text::line(&c.field),
            waiting::value(c.local.as_deref()),
            waiting::value(c.cloud.as_deref()),
            text::line(&c.device),
            text::minute(&c.at),
        ]);
    }
    cx.out.table(&table)?;
    cx.out.note("In full: orkee cloud conflicts ID. Settle: orkee cloud conflicts resolve ID");
    Ok(Exit::DONE)
}

/// Each with both values whole, as when it is asked about.
fn in_full(cx: &Context, store: &Store, conflicts: &[Conflict]) -> CommandResult {
    for (n, c) in conflicts.iter().enumerate() {
        if n > 0 {
            cx.out.line("")?;
        }
        cx.out.line(cx.out.paint(Paint::Strong, &settle::heading(store, c)?))?;
        for (paint, line) in comparison::lines(c, store.written(c)?.as_ref(), terminal::width()) {
            cx.out.line(paint.map_or(line.clone(), |paint| cx.out.paint(paint, &line)))?;
        }
    }
    if let Some(c) = conflicts.first() {
        cx.out.note(format_args!("\nSettle: orkee cloud conflicts resolve {}", c.id));
    }
    Ok(Exit::DONE)
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
        if open.is_empty() && !cx.out.is_json() {
            cx.out.note("No conflicts.");
            return Ok(Exit::DONE);
        }
        let settled = match self.all {
            Some(choice) => settle::settle_all(store, id, &open, choice)?,
            None if self.fields.is_empty() => ask_each(cx, store, Some(id))?,
            None => {
                let named = |c: &&Conflict| self.fields.iter().any(|(field, _)| *field == c.field);
                let settled = open.iter().filter(named).count();
                store.resolve(id, &self.fields)?;
                settled
            }
        };
        let left = store.conflicts(Some(id))?;
        if cx.out.is_json() {
            document(cx, store, &left, Some(settled))?;
            return Ok(Exit::DONE);
        }
        let next = if settled > 0 { "send it: orkee cloud sync" } else { "" };
        let next = cx.out.paint(Paint::Dim, next);
        let told = format!("Settled {settled}, {} left  {next}", left.len());
        cx.out.done(told.trim_end())?;
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

/// Asks about each conflict, of one project or of all, and returns how many were settled.
fn ask_each(cx: &Context, store: &mut Store, id: Option<ProjectId>) -> Result<usize, Failure> {
    let waiting = store.conflicts(id)?.len();
    if waiting > 0 && !prompt::possible(cx) {
        return Err(NobodyToAsk(waiting).into());
    }
    settle::ask_each(cx, store, id)
}
