//! A conflict on the screen: whose value is which, and where they differ.

use orkee_core::store::{Conflict, Written};

use crate::output::Paint;
use crate::output::diff::{self, Sign};
use crate::output::table::fit;
use crate::output::text;
use crate::waiting;

/// More lines than this are not read on a screen.
const MOST: usize = 200;
/// Columns before a value, and before a line of a difference with its sign.
const INDENT: usize = 4;

/// A line and its colour.
pub(super) type Painted = (Option<Paint>, String);

/// Both values of a conflict with who wrote them, in lines of at most `width` columns.
pub(super) fn lines(conflict: &Conflict, here: Option<&Written>, width: usize) -> Vec<Painted> {
    let room = width.saturating_sub(INDENT).max(1);
    let by = |mark: &str, device: &str, at: &str| {
        fit(&format!("{mark}: {}, {}", text::line(device), text::minute(at)), width.max(1))
    };
    let mine = match here {
        Some(Written { device, at }) => by("- mine", device, at),
        None => "- mine".to_owned(),
    };
    let mine = (Some(Paint::Bad), mine);
    let theirs = (Some(Paint::Good), by("+ theirs", &conflict.device, &conflict.at));
    let (local, cloud) = waiting::texts(conflict.local.as_deref(), conflict.cloud.as_deref(), room);
    let mut lines = match (&local, &cloud) {
        (Some(local), Some(cloud)) if local.contains('\n') || cloud.contains('\n') => {
            [vec![mine, theirs], difference(local, cloud, room)].concat()
        }
        _ => {
            [vec![mine], value(local.as_deref(), room), vec![theirs], value(cloud.as_deref(), room)].concat()
        }
    };
    if lines.len() > MOST {
        let left = lines.len() - MOST;
        lines.truncate(MOST);
        let rest = format!("({left} lines more; all of it: orkee cloud conflicts {} --json)", conflict.id);
        lines.extend(text::wrap(&rest, width.max(1)).into_iter().map(|line| (Some(Paint::Dim), line)));
    }
    lines
}

fn value(text: Option<&str>, room: usize) -> Vec<Painted> {
    let Some(text) = text else {
        return vec![(Some(Paint::Dim), format!("{:INDENT$}(nothing)", ""))];
    };
    let lines = text.split('\n').flat_map(|line| text::wrap(&text::spelled(line), room));
    lines.map(|line| (None, format!("{:INDENT$}{line}", ""))).collect()
}

fn difference(local: &str, cloud: &str, room: usize) -> Vec<Painted> {
    let mut lines = Vec::new();
    for line in diff::lines(local, cloud) {
        let (paint, sign) = match line.sign {
            Sign::Both => (None, ' '),
            Sign::Mine => (Some(Paint::Bad), '-'),
            Sign::Theirs => (Some(Paint::Good), '+'),
            Sign::Gap => (Some(Paint::Dim), ' '),
        };
        for (n, piece) in text::wrap(&line.text, room).into_iter().enumerate() {
            let sign = if n == 0 { sign } else { ' ' };
            lines.push((paint, format!("  {sign} {piece}").trim_end().to_owned()));
        }
    }
    lines
}
