//! The list: marks, name, and as many columns as there is room for.

use orkee_core::store::Summary;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{Page, bar, below, rows};
use crate::commands::ui::ago::ago;
use crate::commands::ui::state::State;
use crate::output::Paint;
use crate::output::table::fit;
use crate::output::text;

const STATUS: usize = 8;
const PRIORITY: usize = 6;
const TAGS: std::ops::RangeInclusive<usize> = 10..=24;
const UPDATED: usize = 11;
const GAP: usize = 2;
/// Before the name: the bar, and the mark with a space.
const MARGIN: usize = 4;
/// A name that is cut shorter says nothing any more.
const NAME: usize = 18;

/// How wide each column is; 0: it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    name: usize,
    status: usize,
    priority: usize,
    tags: usize,
    updated: usize,
}

impl Columns {
    /// The name has what the others leave; the others come as far as it stays readable.
    fn of(width: usize) -> Self {
        let mut left = width.saturating_sub(MARGIN + NAME + 1);
        let mut take = |column: usize| {
            let taken = if left >= column + GAP { column } else { 0 };
            left -= if taken > 0 { taken + GAP } else { 0 };
            taken
        };
        let (status, priority, tags, updated) =
            (take(STATUS), take(PRIORITY), take(*TAGS.start()), take(UPDATED));
        // Half of what is left is the tags', up to what they need.
        let more = if tags > 0 { (left / 2).min(TAGS.end() - TAGS.start()) } else { 0 };
        Self { name: NAME + left - more, status, priority, tags: tags + more, updated }
    }
}

pub(super) fn draw(page: &mut Page<'_>, state: &mut State, area: Rect) {
    let columns = Columns::of(usize::from(area.width));
    heading(page, columns, area);
    let body = below(area, 1);
    if state.list.rows.is_empty() {
        return empty(page, state, body);
    }
    let window = state.list.cursor.window(usize::from(body.height), state.list.rows.len());
    let first = window.start;
    for (n, row) in rows(body).take(window.len()).enumerate() {
        let at = first + n;
        let line = entry(page, state, &state.list.rows[at], columns, at == state.list.cursor.at);
        page.line(row, &line);
    }
}

fn heading(page: &mut Page<'_>, columns: Columns, area: Rect) {
    let Columns { name, status, priority, tags, updated } = columns;
    let mut line = format!("{:MARGIN$}{}", "", padded("NAME", name));
    for (word, width) in [("STATUS", status), ("PRIO", priority), ("TAGS", tags), ("UPDATED", updated)] {
        if width > 0 {
            line.push_str(&format!("{:GAP$}{}", "", padded(word, width)));
        }
    }
    let line = page.span(Paint::Dim, line);
    page.line(area, &Line::from(line));
}

fn empty(page: &mut Page<'_>, state: &State, area: Rect) {
    let told = match state.list.search.is_empty() {
        true => "No projects yet. n adds one",
        false => "No project has this. esc shows all again",
    };
    let width = usize::from(area.width).saturating_sub(MARGIN).max(1);
    let lines: Vec<Line<'_>> = text::wrap(told, width)
        .into_iter()
        .map(|line| Line::from(page.span(Paint::Dim, format!("{:MARGIN$}{line}", ""))))
        .collect();
    page.lines(area, lines);
}

fn entry<'a>(page: &Page<'_>, state: &State, row: &'a Summary, columns: Columns, is_here: bool) -> Line<'a> {
    let Columns { name, status, priority, tags, updated } = columns;
    let bold = if is_here { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let shown = |text: &str, width: usize| padded(&fit(&text::spelled(text), width), width);
    let mut spans = vec![bar(page.theme, is_here), mark(page, state, row), Span::raw(" ")];
    spans.push(Span::styled(shown(&row.name, name), bold));
    let mut add = |text: &str, width: usize, style: Style| {
        if width > 0 {
            spans.push(Span::raw(" ".repeat(GAP)));
            spans.push(Span::styled(shown(text, width), style));
        }
    };
    let word = row.status.as_deref().unwrap_or("–");
    add(word, status, status_style(page, word));
    let word = row.priority.as_deref().unwrap_or("–");
    add(word, priority, priority_style(page, word));
    add(&row.tags.join(" "), tags, page.theme.style(Paint::Dim));
    let at = row.updated_at.as_deref().and_then(|at| at.parse().ok());
    add(&at.map(|at| ago(at, page.now)).unwrap_or_default(), updated, page.theme.style(Paint::Dim));
    Line::from(spans)
}

/// What somebody should know of a project, the most urgent alone.
fn mark<'a>(page: &Page<'_>, state: &State, row: &Summary) -> Span<'a> {
    if state.conflicts.iter().any(|waits| waits.conflict.id == row.id) {
        return page.span(Paint::Cause, "!");
    }
    if state.missing.contains(&row.id) {
        return page.span(Paint::Cause, "∅");
    }
    #[cfg(feature = "cloud")]
    if state.live.unsent.contains(&row.id) {
        return page.span(Paint::Hint, "↑");
    }
    Span::raw(" ")
}

fn status_style(page: &Page<'_>, status: &str) -> Style {
    match status {
        "building" => page.theme.style(Paint::Hint),
        "review" => page.theme.style(Paint::Cause),
        "launched" => page.theme.style(Paint::Good),
        "on-hold" | "archived" => page.theme.style(Paint::Dim),
        _ => Style::new(),
    }
}

fn priority_style(page: &Page<'_>, priority: &str) -> Style {
    match priority {
        "high" => page.theme.style(Paint::Strong),
        "low" => page.theme.style(Paint::Dim),
        _ => Style::new(),
    }
}

/// A text and spaces up to so many columns.
fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d60_columns_give_way_to_the_name_and_never_overrun_the_list() {
        for width in 28..400 {
            let Columns { name, status, priority, tags, updated } = Columns::of(width);
            let gaps = [status, priority, tags, updated].iter().filter(|column| **column > 0).count() * GAP;
            let used = MARGIN + name + status + priority + tags + updated + gaps;
            assert!(used <= width && name >= NAME, "{width}: {used}");
        }
        let narrow = Columns::of(40);
        assert!(narrow.status > 0 && narrow.tags == 0);
        assert!(Columns::of(100).updated > 0);
    }
}
