//! What a sync does, for people: a line for each project as it happens, then a summary.

use orkee_core::sync::{Event, Summary, What};

use super::running::{Done, Run};
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::output::{Paint, text};

/// The widest that names are padded to.
const NAMES: usize = 40;

/// A line for each project that changed, here or there; the names of those that are told together stand in one column.
pub(super) fn changes(cx: &Context, events: &[Event]) -> Result<(), CliError> {
    let widest = events.iter().map(|event| text::line(&event.name).chars().count()).max();
    let width = widest.unwrap_or(0).min(NAMES);
    events.iter().try_for_each(|event| cx.out.line(line(cx, event, width)))
}

fn line(cx: &Context, event: &Event, width: usize) -> String {
    let (sign, paint, what) = match &event.what {
        What::Pushed => ("↑", Paint::Good, "sent".to_owned()),
        What::PushedDelete => ("↑", Paint::Good, "delete sent".to_owned()),
        What::Added => ("↓", Paint::Good, "new".to_owned()),
        What::Pulled => ("↓", Paint::Good, "updated".to_owned()),
        What::Merged => ("⇅", Paint::Good, "merged".to_owned()),
        What::Deleted => ("↓", Paint::Good, "deleted elsewhere; in history here".to_owned()),
        What::Conflict { field } => {
            let field = text::line(field);
            (
                "!",
                Paint::Cause,
                format!("{field} was changed on both sides: the value here stands, the other is kept"),
            )
        }
        What::Parked { reason } => ("✗", Paint::Bad, format!("set aside: {}", text::line(reason))),
        What::Unreadable { reason } => {
            ("✗", Paint::Bad, format!("what the cloud has cannot be read: {}", text::line(reason)))
        }
    };
    let name = match event.name.is_empty() {
        true => event.id.to_string(),
        false => text::line(&event.name),
    };
    let id = cx.out.paint(Paint::Dim, &event.id.to_string());
    format!("{} {id}  {name:width$}  {what}", cx.out.paint(paint, sign))
}

/// How it ended.
pub(super) fn summary(cx: &Context, run: &Run, with: &str, done: &Done) -> Result<(), Failure> {
    if done.changes.new_epoch {
        cx.out.warn("the cloud was put back to an older state; everything here was offered to it again");
    }
    if done.changes.was_a_copy {
        cx.out.warn("this store is a restored or copied one; it goes on as a device of its own");
    }
    let counts = counts(&done.changes);
    let what = match (run.options.dry_run, counts.is_empty()) {
        (true, true) => format!("Nothing would change ({with})"),
        (true, false) => format!("Would change with {with}: {counts}"),
        (false, true) => format!("In step with {with}, nothing to do"),
        (false, false) if run.operation == "restore" => format!("Restored from {with}: {counts}"),
        (false, false) => format!("Synced with {with}: {counts}"),
    };
    let t = done.traffic;
    let requests = if t.round_trips == 1 { "request" } else { "requests" };
    let cost = format!(
        "{} {requests}, {} up, {} down, {:.2} s",
        t.round_trips,
        bytes(t.bytes_up),
        bytes(t.bytes_down),
        done.duration.as_secs_f64()
    );
    cx.out.done(format_args!("{what}  {}", cx.out.paint(Paint::Dim, &cost)))?;
    if done.changes.mended > 0 {
        let places = if done.changes.mended == 1 { "place" } else { "places" };
        cx.out.note(format_args!("Mended {} {places} where the store made no sense", done.changes.mended));
    }
    way_back(cx, done);
    if done.unsettled > 0 {
        let conflicts = if done.unsettled == 1 {
            "1 conflict waits"
        } else {
            &format!("{} conflicts wait", done.unsettled)
        };
        cx.out.note(format_args!("{conflicts} to be settled: orkee cloud conflicts"));
    }
    if !done.changes.parked.is_empty() {
        cx.out.note("What was set aside, and why: orkee cloud parked");
    }
    Ok(())
}

/// How to take back what was overwritten.
pub(super) fn way_back(cx: &Context, done: &Done) {
    if let Some(point) = &done.point {
        let what =
            if point.projects == 1 { "1 project was" } else { &format!("{} projects were", point.projects) };
        cx.out.note(format_args!("{what} overwritten; take it back: orkee undo {}", point.number));
    }
}

fn counts(changes: &Summary) -> String {
    let counts = [
        (changes.pushed, "sent"),
        (changes.pulled, "fetched"),
        (changes.merged, "merged"),
        (changes.deleted, "deleted"),
        (changes.conflicts, "in conflict"),
        (changes.parked.len() as u64, "set aside"),
    ];
    let said: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    said.join(", ")
}

fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} KB", n as f64 / 1e3),
        _ => format!("{:.1} MB", n as f64 / 1e6),
    }
}
