//! `orkee projects history`

use std::collections::BTreeMap;

use orkee_core::project::ProjectId;
use orkee_core::store::{FieldChange, HistoryEntry, Store};
use serde::Serialize;
use serde_json::value::RawValue;

use super::view;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::table::fit;
use crate::output::{Output, Paint, text};
use crate::terminal;
use crate::waiting::{hidden, told};

/// Show what a project was: each version, when, by which device, which fields
///
/// Newest first. Deleted projects keep their history. In a team it says who brought each version there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects history shop
  orkee projects history Ab12Cd34 --json")]
pub(crate) struct History {
    /// Its id, or its name where no other has it
    #[arg(value_name = "ID|NAME")]
    project: String,
}

#[derive(Serialize)]
struct Document<'a> {
    versions: Vec<Version<'a>>,
}

#[derive(Serialize)]
struct Version<'a> {
    n: u64,
    at: &'a str,
    device: &'a str,
    author: Option<&'a str>,
    deleted: bool,
    was_merged: bool,
    fields: BTreeMap<&'a str, Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    old: Option<&'a RawValue>,
    new: Option<&'a RawValue>,
}

impl History {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let store = cx.store()?;
        let entries = store.history(self.id(&store)?)?;
        if cx.out.is_json() {
            cx.out.document(&Document { versions: entries.iter().map(version).collect() })?;
        } else {
            cx.out.page();
            let width = if cx.out.is_terminal() { terminal::width() } else { usize::MAX };
            for (index, entry) in entries.iter().enumerate().rev() {
                show(&cx.out, entry, entries[..index].last(), width)?;
            }
        }
        Ok(Exit::DONE)
    }

    /// A deleted project has no name any more, but its id.
    fn id(&self, store: &Store) -> Result<ProjectId, Failure> {
        Ok(store.find(&self.project)?)
    }
}

fn version(entry: &HistoryEntry) -> Version<'_> {
    let fields = entry.fields.iter().map(|c| {
        (c.field.as_str(), Change { old: c.old.as_deref().map(told), new: c.new.as_deref().map(told) })
    });
    Version {
        n: entry.n,
        at: &entry.at,
        device: &entry.device,
        author: entry.author.as_deref(),
        deleted: entry.deleted,
        was_merged: entry.was_merged,
        fields: fields.collect(),
    }
}

fn show(
    out: &Output,
    entry: &HistoryEntry,
    before: Option<&HistoryEntry>,
    width: usize,
) -> Result<(), CliError> {
    let number = out.paint(Paint::Strong, &format!("version {}", entry.n));
    let author = entry.author.as_ref().map(|author| format!("  {}", text::line(author))).unwrap_or_default();
    let about = out.paint(
        Paint::Dim,
        &format!("{}  {}{author}", view::moment(&text::line(&entry.at)), text::line(&entry.device)),
    );
    out.line(format_args!("{number}  {about}"))?;
    if entry.deleted {
        return out.line("  deleted");
    }
    if before.map_or(0, |before| before.n) + 1 < entry.n {
        return out.line("  older versions were forgotten");
    }
    let told = |change: &&FieldChange| !matches!(change.field.as_str(), "id" | "createdAt" | "updatedAt");
    let mut changes = entry.fields.iter().filter(told).peekable();
    if entry.was_merged {
        out.line(out.paint(Paint::Dim, "  came from another device, and was merged into the next version"))?;
    } else if changes.peek().is_none() {
        let was_deleted = before.is_some_and(|before| before.deleted);
        return out.line(if was_deleted { "  restored" } else { "  merged; nothing here changed" });
    }
    for change in changes {
        let label = text::line(&change.field);
        out.line(fit(&format!("  {label:13} {}", arrow(change)), width))?;
    }
    Ok(())
}

fn arrow(change: &FieldChange) -> String {
    let value = |raw: &Option<Box<RawValue>>| match raw {
        None => "nothing".to_owned(),
        Some(value) => hidden(value).map_or_else(|| text::line(value.get()), ToOwned::to_owned),
    };
    match &change.old {
        None => value(&change.new),
        Some(_) => format!("{} → {}", value(&change.old), value(&change.new)),
    }
}
