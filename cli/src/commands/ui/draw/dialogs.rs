//! What stands before the view: a question, an error, a form, the keys.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{Page, right_of, tail};
use crate::commands::ui::keys;
use crate::commands::ui::state::{Dialog, Form, Mode, State, View};
use crate::output::Paint;
use crate::output::table::fit;
use crate::output::text;

/// Draws the dialog, if there is one; where the cursor stands.
pub(super) fn draw(page: &mut Page<'_>, state: &mut State, area: Rect) -> Option<Position> {
    let below = match state.view {
        View::Projects => Mode::Projects,
        View::Project => Mode::Project,
        View::History => Mode::History,
        View::Conflicts => Mode::Conflicts,
    };
    // The status and the keys stay to be seen.
    let area = Rect { height: area.height.saturating_sub(2), ..area };
    match state.dialog.as_mut()? {
        Dialog::Help(scroll) => {
            let lines = help(page, below);
            let inner = open(page, area, "Keys", 64, lines.len());
            let window = scroll.window(usize::from(inner.height), lines.len());
            page.lines(inner, lines[window].iter().cloned());
            if scroll.has_more() {
                let more = Line::from(page.span(Paint::Dim, " j: more "));
                let edge = Rect { y: inner.bottom(), height: 1, ..inner };
                page.line(right_of(edge, 1), &more);
            }
            None
        }
        Dialog::Notice { title, lines } => {
            let room = room(area, 76);
            let lines: Vec<String> = lines.iter().flat_map(|line| text::wrap(line, room)).collect();
            let inner = open(page, area, title, 76, lines.len());
            page.lines(inner, lines.into_iter().map(Line::from));
            None
        }
        Dialog::Confirm { question, .. } => {
            let lines = text::wrap(question, room(area, 64));
            let inner = open(page, area, "", 64, lines.len());
            page.lines(inner, lines.into_iter().map(Line::from));
            None
        }
        Dialog::New(form) => Some(new(page, form, area)),
    }
}

/// Columns within the frame of a dialog.
fn room(area: Rect, width: u16) -> usize {
    usize::from(area.width.min(width).saturating_sub(4)).max(1)
}

/// Makes room in the middle, with a frame around it and at most so wide; what is within the frame.
fn open(page: &mut Page<'_>, area: Rect, title: &str, width: u16, lines: usize) -> Rect {
    let width = width.min(area.width);
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
    let frame = Rect { x, y, width, height };
    let blank = " ".repeat(usize::from(width));
    for row in super::rows(frame) {
        // Over what a wide letter is cut in two by, too.
        page.buffer.set_style(row, ratatui::style::Style::reset());
        page.line(row, &Line::from(blank.as_str()));
    }
    let edge = usize::from(width).saturating_sub(2);
    let (top, bottom) = (Rect { height: 1, ..frame }, Rect { y: frame.bottom() - 1, height: 1, ..frame });
    let title =
        if title.is_empty() { String::new() } else { format!(" {} ", fit(title, edge.saturating_sub(4))) };
    let rule = "─".repeat(edge.saturating_sub(title.width() + 1));
    let line = Line::from(vec![
        page.span(Paint::Dim, "┌─"),
        page.span(Paint::Strong, title),
        page.span(Paint::Dim, format!("{rule}┐")),
    ]);
    page.line(top, &line);
    let line = Line::from(page.span(Paint::Dim, format!("└{}┘", "─".repeat(edge))));
    page.line(bottom, &line);
    let sides = Rect { y: frame.y + 1, height: height.saturating_sub(2), ..frame };
    for row in super::rows(sides) {
        let side = Line::from(page.span(Paint::Dim, "│"));
        page.line(row, &side);
        page.line(right_of(row, width.saturating_sub(1)), &side);
    }
    Rect { x: sides.x + 2, width: sides.width.saturating_sub(4), ..sides }
}

/// What each key does where the person is.
fn help(page: &Page<'_>, mode: Mode) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = keys::bindings(mode)
        .map(|binding| {
            let shown = format!("{:10}", binding.shown);
            Line::from(vec![page.span(Paint::Hint, shown), Span::raw(binding.does)])
        })
        .collect();
    if mode == Mode::Projects {
        lines.push(Line::default());
        let marks: &[(&str, &str)] = &[
            #[cfg(feature = "cloud")]
            ("!", "a field was changed on both sides"),
            ("∅", "its folder is not on this device"),
            #[cfg(feature = "cloud")]
            ("↑", "changed here, and not sent yet"),
        ];
        for (mark, means) in marks {
            lines.push(Line::from(vec![page.span(Paint::Cause, format!("{mark:10}")), Span::raw(*means)]));
        }
    }
    lines
}

fn new(page: &mut Page<'_>, form: &Form, area: Rect) -> Position {
    let inner = open(page, area, "New project", 64, 2);
    let mut cursor = Position { x: inner.x, y: inner.y };
    let fields = [("Name    ", &form.name, !form.at_folder), ("Folder  ", &form.folder, form.at_folder)];
    for (row, (label, value, is_here)) in super::rows(inner).zip(fields) {
        // The cursor stands behind the last letter.
        let room = usize::from(row.width).saturating_sub(label.len() + 1);
        let shown = tail(&text::spelled(value), room);
        let column = u16::try_from(label.len() + shown.width()).unwrap_or(0);
        let paint = if is_here { Paint::Hint } else { Paint::Dim };
        let line = Line::from(vec![page.span(paint, label), Span::raw(shown)]);
        page.line(row, &line);
        if is_here {
            cursor = Position { x: row.x + column, y: row.y };
        }
    }
    cursor
}
