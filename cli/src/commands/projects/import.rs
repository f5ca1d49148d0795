//! `orkee projects import`

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use orkee_core::project::ProjectId;
use orkee_core::transfer::{self, Action, Change, Format, ImportOptions, OnConflict, Report};
use serde::Serialize;

use super::word;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};
use crate::output::{Output, text};

/// So many projects are named in a remark.
const NAMED: usize = 5;

/// Read projects from a file or another Orkee database
///
/// All or nothing: if one project cannot be taken, none is. Fields other than id and name may be missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects import projects.json
  orkee projects import - --on-conflict merge --dry-run < projects.ndjson
  orkee projects import --from-db ~/backup/orkee.db")]
pub(crate) struct Import {
    /// The file; - for standard input
    #[arg(value_name = "FILE", required_unless_present = "from_db")]
    file: Option<PathBuf>,
    /// An Orkee database instead of a file
    #[arg(long, value_name = "PATH", conflicts_with_all = ["file", "format"])]
    from_db: Option<PathBuf>,
    /// json, ndjson or toml; default: told from its beginning
    #[arg(long, value_name = "FORMAT", value_parser = word::<Format>)]
    format: Option<Format>,
    /// What to do with a project that is here and differs: skip, replace, merge (the file's fields, tags of both), copy (under a new id)
    #[arg(long, value_name = "WHAT", default_value = "skip", value_parser = word::<OnConflict>)]
    on_conflict: OnConflict,
    /// Show what would happen; change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let options =
            ImportOptions { format: self.format, on_conflict: self.on_conflict, dry_run: self.dry_run };
        let mut store = cx.store()?;
        store.must_be_open()?;
        let report = match (&self.from_db, &self.file) {
            (Some(path), _) => transfer::import_database(&mut store, path, options)?,
            (None, Some(path)) if path == Path::new("-") => {
                transfer::import(&mut store, io::stdin().lock(), options)?
            }
            (None, Some(path)) => transfer::import_file(&mut store, path, options)?,
            (None, None) => {
                return Err(
                    CliError::usage("nothing to import", "name a file, or - for standard input").into()
                );
            }
        };
        if cx.out.is_json() {
            cx.out.document(&Document::new(&report, self.dry_run))?;
        } else {
            summary(&cx.out, &report, self.dry_run)?;
        }
        Ok(Exit::DONE)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    dry_run: bool,
    added: Vec<ProjectId>,
    unchanged: Vec<ProjectId>,
    skipped: Vec<ProjectId>,
    replaced: Vec<ProjectId>,
    merged: Vec<ProjectId>,
    copied: Vec<Copied>,
    /// Projects that had another id in the source.
    renamed: Vec<Renamed<'a>>,
    /// Words that were put into today's, and words and values that were kept although this version does not know them.
    changed: Vec<Changed<'a>>,
    /// Names of projects that the source keeps as deleted ones.
    deleted_there: &'a [String],
    restore_point: Option<u64>,
}

#[derive(Serialize)]
struct Copied {
    id: ProjectId,
    from: ProjectId,
}

#[derive(Serialize)]
struct Renamed<'a> {
    id: ProjectId,
    from: &'a str,
}

/// `from` is null for a value that is no word, `to` for one that is kept as it is.
#[derive(Serialize)]
struct Changed<'a> {
    id: ProjectId,
    field: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
}

impl<'a> Document<'a> {
    fn new(report: &'a Report, dry_run: bool) -> Self {
        let of = |action| {
            report.entries.iter().filter(|entry| entry.action == action).map(|entry| entry.id).collect()
        };
        let copied = report.entries.iter().filter_map(|entry| match entry.action {
            Action::Copied(from) => Some(Copied { id: entry.id, from }),
            _ => None,
        });
        let (mut renamed, mut changed) = (Vec::new(), Vec::new());
        for (id, change) in changes(report) {
            let mut push = |field, from, to| changed.push(Changed { id, field, from, to });
            match change {
                Change::Id { from } => renamed.push(Renamed { id, from }),
                Change::Word { field, from, to } => push(*field, Some(from.as_str()), Some(to.as_str())),
                Change::Unknown { field, word } => push(*field, Some(word.as_str()), None),
                Change::Unreadable { field } => push(field.as_str(), None, None),
                Change::Left { field } => push(*field, None, None),
            }
        }
        Self {
            renamed,
            changed,
            deleted_there: &report.deleted,
            restore_point: report.point,
            dry_run,
            added: of(Action::Added),
            unchanged: of(Action::Unchanged),
            skipped: of(Action::Skipped),
            replaced: of(Action::Replaced),
            merged: of(Action::Merged),
            copied: copied.collect(),
        }
    }
}

/// One line for a person, and how to take over what was left.
fn summary(out: &Output, report: &Report, dry_run: bool) -> Result<(), CliError> {
    let is_copied = |action| matches!(action, Action::Copied(_));
    let counts = [
        (report.count(|a| a == Action::Added), "added"),
        (report.count(|a| a == Action::Replaced), "replaced"),
        (report.count(|a| a == Action::Merged), "merged"),
        (report.count(is_copied), "copied"),
        (report.count(|a| a == Action::Unchanged), "unchanged"),
        (report.count(|a| a == Action::Skipped), "skipped"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let told = if told.is_empty() { "the file has no projects".to_owned() } else { told.join(", ") };
    out.done(if dry_run { format!("Would import: {told}") } else { format!("Imported: {told}") })?;
    if report.count(|a| a == Action::Skipped) > 0 {
        out.note("Skipped projects are here with other content. Take them over with --on-conflict replace, merge or copy.");
    }
    if let Some(point) = report.point {
        out.note(format_args!("What was overwritten can be taken back: orkee undo {point}"));
    }
    remarks(out, report);
    Ok(())
}

fn changes(report: &Report) -> impl Iterator<Item = (ProjectId, &Change)> {
    report.entries.iter().flat_map(|entry| entry.changes.iter().map(|change| (entry.id, change)))
}

/// What was taken over otherwise than it stood there: a line for each kind, however many projects it was.
fn remarks(out: &Output, report: &Report) {
    let mut kinds: BTreeMap<String, Vec<ProjectId>> = BTreeMap::new();
    for (id, change) in changes(report) {
        let kind = match change {
            Change::Id { .. } => "new id, made of the old one".to_owned(),
            Change::Word { field, from, to } => format!("{field} {} is now {to}", text::line(from)),
            Change::Unknown { field, word } => {
                format!("{field} {} is not known to this version, and kept", text::line(word))
            }
            Change::Unreadable { field } => {
                format!("{} has a form that this version cannot show, and is kept", text::line(field))
            }
            Change::Left { field } => format!("of {field} only names and on or off are taken over"),
        };
        kinds.entry(kind).or_default().push(id);
    }
    for (kind, ids) in kinds {
        let shown: Vec<&str> = ids.iter().take(NAMED).map(ProjectId::as_str).collect();
        let more = if ids.len() > NAMED { format!(" and {} more", ids.len() - NAMED) } else { String::new() };
        out.note(format_args!("note: {kind}: {}{more}", shown.join(", ")));
    }
    if !report.deleted.is_empty() {
        out.note(format_args!("note: {} deleted there, and left", report.deleted.len()));
    }
}
