//! `orkee cloud restore --at TIME`: projects as they were, out of history.

use std::collections::BTreeSet;

use jiff::Timestamp;
use orkee_core::diagnostic::Kind;
use orkee_core::project::ProjectId;
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome, PutBack, Store};
use serde::Serialize;

use super::restore;
use crate::commands::undo::{self, ChangedView};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::{Paint, text};
use crate::{moment, prompt};

/// How it was asked for.
pub(super) struct Asked {
    pub(super) dry_run: bool,
    pub(super) yes: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    at: String,
    changed: Vec<ChangedView<'a>>,
    newer: Vec<Named<'a>>,
    unknown: Vec<Named<'a>>,
    restore_point: Option<u64>,
    dry_run: bool,
}

#[derive(Serialize)]
struct Named<'a> {
    id: ProjectId,
    name: &'a str,
}

/// Makes one project, or all, what they were at `time`.
pub(super) fn run(
    cx: &Context,
    store: &mut Store,
    time: &str,
    one: Option<ProjectId>,
    asked: &Asked,
) -> CommandResult {
    let at = moment::parse(time, Timestamp::now())
        .map_err(|why| CliError::usage(format!("--at does not take {time:?}"), why))?;
    let only = one.map(|id| BTreeSet::from([id]));
    let operation = format!("cloud restore --at {at}");
    let mut done = store.put_back(at, only.as_ref(), &operation, true)?;
    if !asked.dry_run && !done.changed.is_empty() {
        let changed: Vec<_> = done.changed.iter().map(|(id, name, _)| (*id, Some(name.clone()))).collect();
        let question = format!("Make what they were at {}: {}?", shown(at), restore::named(&changed));
        prompt::must_confirm(cx, asked.yes, &question)?;
        done = store.put_back(at, only.as_ref(), &operation, false)?;
        cx.note(AuditEntry {
            subject: Some(format!("as it was at {at}: {} changed", done.changed.len())),
            ..AuditEntry::new("", AuditAction::Restore, AuditOutcome::Done)
        })?;
    }
    match cx.out.is_json() {
        true => cx.out.document(&document(&done, at, asked))?,
        false => tell(cx, &done, at, asked)?,
    }
    // The one that was asked for stays as it is, since nobody knows what it was.
    let is_in_vain = one.is_some() && !done.unknown.is_empty();
    Ok(if is_in_vain { Kind::Failed.into() } else { Exit::DONE })
}

fn document<'a>(done: &'a PutBack, at: Timestamp, asked: &Asked) -> Document<'a> {
    let named =
        |list: &'a [(ProjectId, String)]| list.iter().map(|(id, name)| Named { id: *id, name }).collect();
    Document {
        at: at.to_string(),
        changed: done.changed.iter().map(ChangedView::of).collect(),
        newer: named(&done.newer),
        unknown: named(&done.unknown),
        restore_point: done.point,
        dry_run: asked.dry_run,
    }
}

fn tell(cx: &Context, done: &PutBack, at: Timestamp, asked: &Asked) -> Result<(), Failure> {
    undo::lines(cx, &done.changed)?;
    cx.out.note("From this device's history: the cloud keeps no older versions.");
    for (id, name) in &done.unknown {
        cx.out.warn(format_args!(
            "{id} {}: history does not reach back so far; it stays as it is",
            text::line(name)
        ));
    }
    if !done.newer.is_empty() {
        cx.out.note(format_args!("{} did not exist then, and stay", projects(done.newer.len())));
    }
    let (what, at) = (projects(done.changed.len()), shown(at));
    match (asked.dry_run, done.point) {
        (_, None) if done.changed.is_empty() => {
            let is_all_known = done.unknown.is_empty() && done.newer.is_empty();
            let why = if is_all_known { format!(": everything is as it was at {at}") } else { String::new() };
            let verb = if asked.dry_run { "would be" } else { "was" };
            cx.out.done(format_args!("Nothing {verb} changed{why}"))?;
        }
        (true, _) => cx.out.done(format_args!("Would make {what} what they were at {at}"))?,
        (false, None) => {}
        (false, Some(point)) => {
            let next = format!("send it: orkee cloud sync; take it back: orkee undo {point}");
            let next = cx.out.paint(Paint::Dim, &next);
            cx.out.done(format_args!("Made {what} what they were at {at}  {next}"))?;
        }
    }
    Ok(())
}

fn projects(n: usize) -> String {
    if n == 1 { "1 project".to_owned() } else { format!("{n} projects") }
}

fn shown(at: Timestamp) -> String {
    text::minute(&at.to_string())
}
