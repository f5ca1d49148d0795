//! The versions of a project, and what the one that the person is at changed.

use orkee_core::store::HistoryEntry;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{Page, WIDE, bar, below, difference, right_of, rows};
use crate::commands::ui::state::{History, State};
use crate::output::Paint;
use crate::output::table::fit;
use crate::output::text;

/// What says nothing about what a person changed.
const UNTOLD: [&str; 3] = ["id", "createdAt", "updatedAt"];

pub(super) fn draw(page: &mut Page<'_>, state: &mut State, area: Rect) {
    let State { history: Some(history), reading, .. } = state else { return };
    let (versions, changes) = if area.width >= WIDE {
        let width = (area.width * 2 / 5).clamp(36, 60);
        let beside = page.divide(right_of(area, width));
        (Rect { width: width - 1, ..area }, beside)
    } else {
        let height = (area.height / 3).max(2).min(u16::try_from(history.entries.len()).unwrap_or(u16::MAX));
        page.rule(Rect { y: area.y + height, height: 1, ..area });
        (Rect { height, ..area }, right_of(below(area, height + 1), 1))
    };
    list(page, history, versions);
    let lines = told(page, history, usize::from(changes.width));
    let window = reading.window(usize::from(changes.height), lines.len());
    page.lines(changes, lines[window].iter().cloned());
}

fn list(page: &mut Page<'_>, history: &mut History, area: Rect) {
    let window = history.cursor.window(usize::from(area.height), history.entries.len());
    let first = window.start;
    for (n, row) in rows(area).take(window.len()).enumerate() {
        let at = first + n;
        let entry = &history.entries[at];
        let is_here = at == history.cursor.at;
        let bold = if is_here { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        let when = text::minute(&entry.at);
        let when = when.strip_suffix(" UTC").unwrap_or(&when).to_owned();
        let device = fit(&text::spelled(&entry.device), 16);
        let line = Line::from(vec![
            bar(page.theme, is_here),
            Span::styled(format!("{:<4}", entry.n), bold),
            Span::styled(format!("{when}  "), bold),
            page.span(Paint::Dim, device),
        ]);
        page.line(row, &line);
    }
}

/// What the version is, and what it changed.
fn told(page: &Page<'_>, history: &History, width: usize) -> Vec<Line<'static>> {
    let Some(entry) = history.entry() else { return Vec::new() };
    let author =
        entry.author.as_ref().map(|author| format!(", {}", text::spelled(author))).unwrap_or_default();
    let by = format!("{} by {}{author}", text::minute(&entry.at), text::spelled(&entry.device));
    let mut lines = vec![
        Line::from(page.span(Paint::Strong, format!("Version {}", entry.n))),
        Line::from(page.span(Paint::Dim, fit(&by, width.max(1)))),
    ];
    let before = history.entries.get(history.cursor.at + 1);
    if let Some(word) = in_a_word(entry, before) {
        let wrapped = text::wrap(word, width.max(1)).into_iter();
        lines.extend(wrapped.map(|line| Line::from(page.span(Paint::Dim, line))));
    }
    for change in entry.fields.iter().filter(|change| !UNTOLD.contains(&change.field.as_str())) {
        lines.push(Line::default());
        lines.push(Line::from(Span::raw(text::spelled(&change.field))));
        let values = difference::below_each_other(page, change.old.as_deref(), change.new.as_deref(), width);
        lines.extend(values);
    }
    lines
}

/// What there is to say of a version beside its fields.
fn in_a_word(entry: &HistoryEntry, before: Option<&HistoryEntry>) -> Option<&'static str> {
    let is_told = entry.fields.iter().any(|change| !UNTOLD.contains(&change.field.as_str()));
    if entry.deleted {
        return Some("deleted");
    }
    if before.map_or(0, |before| before.n) + 1 < entry.n {
        return Some("older versions were forgotten");
    }
    if entry.was_merged {
        return Some("came from another device, and was merged into the next version");
    }
    match (is_told, before) {
        (_, None) => Some("added"),
        (_, Some(before)) if before.deleted => Some("restored"),
        (false, _) => Some("merged; nothing here changed"),
        (true, _) => None,
    }
}
