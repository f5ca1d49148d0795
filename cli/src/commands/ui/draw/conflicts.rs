//! Conflicts, and the one that the person is at: what stands here and what the cloud has, side by side.

use orkee_core::store::Conflict;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::difference::{self, Pair};
use super::{Page, bar, below, rows};
use crate::commands::ui::state::{State, Waits, seen};
use crate::output::Paint;
use crate::output::table::fit;
use crate::output::text;

pub(super) fn draw(page: &mut Page<'_>, state: &mut State, area: Rect) {
    let count = u16::try_from(state.conflicts.len()).unwrap_or(u16::MAX);
    let height = (area.height / 3).max(1).min(count);
    list(page, state, Rect { height, ..area });
    page.rule(Rect { y: area.y + height, height: 1, ..area });
    state.shown = state.conflicts.get(state.settling.at).map(|waits| seen(&waits.conflict));
    if let Some(waits) = state.conflicts.get(state.settling.at) {
        let reading = &mut state.reading;
        let values = below(area, height + 1);
        let half = (values.width - 1) / 2;
        let left = Rect { width: half, ..super::right_of(values, 1) };
        let right = page.divide(super::right_of(values, half + 1));
        heads(page, waits, left, right);
        let (left, right) = (below(left, 1), below(right, 1));
        let pairs = pairs(&waits.conflict, usize::from(left.width.min(right.width)));
        let window = reading.window(usize::from(left.height), pairs.len());
        for ((left, right), pair) in rows(left).zip(rows(right)).zip(&pairs[window]) {
            side(page, left, pair.left.as_deref(), pair.differs.then_some(Paint::Bad));
            side(page, right, pair.right.as_deref(), pair.differs.then_some(Paint::Good));
        }
    }
}

fn list(page: &mut Page<'_>, state: &mut State, area: Rect) {
    let window = state.settling.window(usize::from(area.height), state.conflicts.len());
    let first = window.start;
    let names = state.conflicts[window.clone()].iter();
    let room = usize::from(area.width).saturating_sub(4);
    let widest = names.map(|waits| text::spelled(&waits.conflict.project).width()).max().unwrap_or(0);
    let widest = widest.min(room / 2);
    for (n, row) in rows(area).take(window.len()).enumerate() {
        let at = first + n;
        let Conflict { project, field, .. } = &state.conflicts[at].conflict;
        let is_here = at == state.settling.at;
        let bold = if is_here { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        let name = fit(&text::spelled(project), widest);
        let gap = " ".repeat(widest.saturating_sub(name.width()) + 2);
        let line = Line::from(vec![
            bar(page.theme, is_here),
            Span::styled(name, bold),
            Span::raw(gap),
            Span::styled(fit(&text::spelled(field), room.saturating_sub(widest)), bold),
        ]);
        page.line(row, &line);
    }
}

/// Whose each side is, and since when.
fn heads(page: &mut Page<'_>, waits: &Waits, left: Rect, right: Rect) {
    let head = |whose: &'static str, by: Option<(&str, &str)>, width: u16| {
        let by = by.map(|(device, at)| format!("  {}, {}", text::spelled(device), text::minute(at)));
        (whose, fit(&by.unwrap_or_default(), usize::from(width).saturating_sub(whose.len())))
    };
    let here = waits.here.as_ref().map(|here| (here.device.as_str(), here.at.as_str()));
    let there = Some((waits.conflict.device.as_str(), waits.conflict.at.as_str()));
    for (area, (whose, by)) in
        [(left, head("Here", here, left.width)), (right, head("Cloud", there, right.width))]
    {
        let line = Line::from(vec![page.span(Paint::Strong, whose), page.span(Paint::Dim, by)]);
        page.line(area, &line);
    }
}

fn pairs(conflict: &Conflict, room: usize) -> Vec<Pair> {
    // A sign before each line.
    difference::side_by_side(conflict.local.as_deref(), conflict.cloud.as_deref(), room.saturating_sub(2))
}

/// One side of a line: with a sign where the two differ, so that it is seen without colours.
fn side(page: &mut Page<'_>, area: Rect, text: Option<&str>, differs: Option<Paint>) {
    let Some(text) = text else { return };
    let sign = match differs {
        Some(Paint::Bad) => "- ",
        Some(_) => "+ ",
        None => "  ",
    };
    let style = differs.map(|paint| page.theme.style(paint)).unwrap_or_default();
    page.line(area, &Line::styled(format!("{sign}{text}"), style));
}
