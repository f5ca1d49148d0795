//! One project, read in full.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Page, below};
use crate::commands::ui::state::{Detail, State, TaskRow, View};
use crate::output::Paint;
use crate::output::table::fit;
use crate::output::text;

/// Columns of a field's label.
const LABEL: usize = 12;

/// More lines than this are not read on a screen.
const MOST: usize = 5_000;

pub(super) fn draw(page: &mut Page<'_>, state: &mut State, area: Rect) {
    let Some(detail) = &state.detail else { return };
    let mut area = area;
    if state.view != View::Project {
        let name = page.span(Paint::Strong, fit(&detail.name, usize::from(area.width)));
        page.line(area, &Line::from(name));
        area = below(area, 1);
    }
    let lines = lines(page, detail, usize::from(area.width));
    let window = state.reading.window(usize::from(area.height), lines.len());
    page.lines(area, lines[window].iter().cloned());
    if state.reading.has_more() && area.height > 1 {
        let last = below(area, area.height - 1);
        let more = page.span(Paint::Dim, "↓");
        page.line(Rect { x: last.right() - 1, width: 1, ..last }, &Line::from(more));
    }
}

fn lines(page: &Page<'_>, detail: &Detail, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if !detail.conflicts.is_empty() {
        let told = format!("! changed on both sides: {}", detail.conflicts.join(", "));
        lines.extend(
            text::wrap(&told, width.max(1)).into_iter().map(|line| Line::from(page.span(Paint::Cause, line))),
        );
    }
    for (label, value) in &detail.fields {
        field(page, label, value, width, &mut lines);
    }
    if !detail.tasks.is_empty() {
        lines.push(Line::default());
        lines.push(Line::from(page.span(Paint::Strong, "Tasks")));
    }
    for task in &detail.tasks {
        lines.push(task_line(page, task));
    }
    lines.truncate(MOST);
    lines
}

fn field(page: &Page<'_>, label: &str, value: &str, width: usize, lines: &mut Vec<Line<'static>>) {
    let room = width.saturating_sub(LABEL).max(1);
    let label = text::spelled(label);
    let pieces = value.lines().flat_map(|line| text::wrap(&text::spelled(line), room)).take(MOST);
    for (n, piece) in pieces.enumerate() {
        let label = if n == 0 { fit(&label, LABEL - 1) } else { String::new() };
        lines.push(Line::from(vec![page.span(Paint::Dim, format!("{label:LABEL$}")), Span::raw(piece)]));
    }
}

fn task_line(page: &Page<'_>, task: &TaskRow) -> Line<'static> {
    let TaskRow { depth, number, title, status } = task;
    let indent = "  ".repeat(*depth);
    Line::from(vec![
        page.span(Paint::Dim, format!("{indent}{number}  ")),
        Span::raw(title.clone()),
        page.span(Paint::Dim, format!("  {status}")),
    ])
}
