//! `orkee undo`

use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome, Point, Store, Undone};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::table::Table;
use crate::output::{Paint, text};

/// Give back what an operation overwrote
///
/// Operations that overwrite something keep a restore point and print its number. Fields that were changed since, and that the
/// operation did not touch, stay as they are; so does what the operation brought. Undoing is an edit of this device and can be
/// undone itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee undo          the newest restore point
  orkee undo 3        that one
  orkee undo --list   which there are")]
pub(crate) struct Undo {
    /// The restore point; the newest if left out
    #[arg(value_name = "POINT")]
    point: Option<u64>,
    /// Show the restore points instead
    #[arg(long, conflicts_with = "point")]
    list: bool,
}

#[derive(Serialize)]
struct PointsDocument<'a> {
    points: Vec<PointView<'a>>,
}

#[derive(Serialize)]
struct PointView<'a> {
    point: u64,
    at: &'a str,
    operation: &'a str,
    projects: u64,
}

impl<'a> PointView<'a> {
    fn of(point: &'a Point) -> Self {
        Self { point: point.number, at: &point.at, operation: &point.operation, projects: point.projects }
    }
}

#[derive(Serialize)]
struct UndoneDocument<'a> {
    operation: &'a str,
    changed: Vec<ChangedView<'a>>,
    restore_point: Option<u64>,
}

/// A project that went back, for scripts.
#[derive(Serialize)]
pub(crate) struct ChangedView<'a> {
    id: String,
    name: &'a str,
    fields: &'a [String],
}

impl<'a> ChangedView<'a> {
    pub(crate) fn of(changed: &'a Changed) -> Self {
        Self { id: changed.0.to_string(), name: &changed.1, fields: &changed.2 }
    }
}

/// A project that went back: its id, name, and the fields; none of one that was deleted.
type Changed = (orkee_core::project::ProjectId, String, Vec<String>);

impl Undo {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        if self.list {
            return list(cx, &store);
        }
        store.must_be_open()?;
        let undone = store.undo(self.point)?;
        let count = undone.projects.len();
        let projects = if count == 1 { "project" } else { "projects" };
        cx.note(AuditEntry {
            subject: Some(format!("{}: {count} {projects}", undone.operation)),
            ..AuditEntry::new("", AuditAction::Undo, AuditOutcome::Done)
        })?;
        if cx.out.is_json() {
            cx.out.document(&UndoneDocument {
                operation: &undone.operation,
                changed: undone.projects.iter().map(ChangedView::of).collect(),
                restore_point: undone.point,
            })?;
        } else {
            told(cx, &undone)?;
        }
        Ok(Exit::DONE)
    }
}

fn list(cx: &Context, store: &Store) -> CommandResult {
    let points = store.points()?;
    if cx.out.is_json() {
        cx.out.document(&PointsDocument { points: points.iter().map(PointView::of).collect() })?;
        return Ok(Exit::DONE);
    }
    if points.is_empty() {
        cx.out.note("There is nothing to undo.");
        return Ok(Exit::DONE);
    }
    let mut table = Table::new(&["POINT", "AT", "PROJECTS", "OPERATION"]);
    for p in points {
        table.row(vec![
            p.number.to_string(),
            text::minute(&p.at),
            p.projects.to_string(),
            text::line(&p.operation),
        ]);
    }
    cx.out.table(&table)?;
    Ok(Exit::DONE)
}

fn told(cx: &Context, undone: &Undone) -> Result<(), Failure> {
    lines(cx, &undone.projects)?;
    let operation = text::line(&undone.operation);
    match undone.point {
        Some(point) => {
            let back = cx.out.paint(Paint::Dim, &format!("take it back: orkee undo {point}"));
            cx.out.done(format_args!("Undone: {operation}  {back}"))?;
        }
        None => cx.out.done(format_args!("Nothing to give back of: {operation}"))?,
    }
    Ok(())
}

/// Projects that went back to what they were, for people; not under `-q`.
pub(crate) fn lines(cx: &Context, projects: &[Changed]) -> Result<(), Failure> {
    for changed in projects.iter().filter(|_| cx.out.tells()) {
        cx.out.line(line(cx, changed))?;
    }
    Ok(())
}

fn line(cx: &Context, (id, name, fields): &Changed) -> String {
    let what = match fields.as_slice() {
        [] => "is back".to_owned(),
        fields => fields.iter().map(|field| text::line(field)).collect::<Vec<_>>().join(", "),
    };
    let id = cx.out.paint(Paint::Dim, id.as_str());
    format!("{} {id}  {}  {what}", cx.out.paint(Paint::Good, "↺"), text::line(name))
}
