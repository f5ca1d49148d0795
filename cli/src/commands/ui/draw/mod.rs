//! Shows the state: a line on top, the view, a line about what was done or how things stand, and the keys.
//!
//! Everything is drawn as on a terminal with all letters; [`ascii`] makes plain ones of them at the end, where there are no others.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::keys;
use super::state::{Mode, State, View};
use crate::output::Paint;
use crate::output::table::fit;
use crate::output::text;

mod ascii;
mod conflicts;
mod detail;
mod dialogs;
mod difference;
mod history;
mod list;
mod standing;

/// Smaller than this, nothing can be read.
const LEAST: (u16, u16) = (28, 6);

/// From so many columns on, two things stand side by side.
const WIDE: u16 = 76;

/// How things look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    pub(super) color: bool,
    /// The terminal has letters of ASCII alone.
    pub(super) ascii: bool,
}

impl Theme {
    /// The colours are the terminal's own sixteen, so that they fit whatever it is set to. Nothing is told by a colour alone.
    fn style(self, paint: Paint) -> Style {
        let colored = |color| if self.color { Style::new().fg(color) } else { Style::new() };
        match paint {
            Paint::Good => colored(Color::Green),
            Paint::Bad => colored(Color::Red),
            Paint::Error => colored(Color::Red).add_modifier(Modifier::BOLD),
            Paint::Cause => colored(Color::Yellow),
            Paint::Hint => colored(Color::Cyan),
            Paint::Strong => Style::new().add_modifier(Modifier::BOLD),
            Paint::Dim => Style::new().add_modifier(Modifier::DIM),
        }
    }

    fn span<'a>(self, paint: Paint, text: impl Into<std::borrow::Cow<'a, str>>) -> Span<'a> {
        Span::styled(text, self.style(paint))
    }
}

/// What is drawn on, and how.
struct Page<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
    now: Timestamp,
}

impl Page<'_> {
    /// A line at the top of an area, cut at its edge.
    fn line(&mut self, area: Rect, line: &Line<'_>) {
        if area.height > 0 && area.width > 0 {
            self.buffer.set_line(area.x, area.y, line, area.width);
        }
    }

    /// Lines from the top of an area on.
    fn lines<'l>(&mut self, area: Rect, lines: impl IntoIterator<Item = Line<'l>>) {
        for (row, line) in rows(area).zip(lines) {
            self.line(row, &line);
        }
    }

    /// A rule across an area.
    fn rule(&mut self, area: Rect) {
        let rule = self.theme.span(Paint::Dim, "─".repeat(usize::from(area.width)));
        self.line(area, &Line::from(rule));
    }

    /// A rule down the left edge of an area, joined to those above and below; what is right of it.
    fn divide(&mut self, area: Rect) -> Rect {
        let style = self.theme.style(Paint::Dim);
        for row in rows(area) {
            self.buffer.set_string(row.x, row.y, "│", style);
        }
        if area.y > 0 {
            self.buffer.set_string(area.x, area.y - 1, "┬", style);
        }
        if area.bottom() < self.buffer.area.bottom() && self.buffer[(area.x, area.bottom())].symbol() == "─"
        {
            self.buffer.set_string(area.x, area.bottom(), "┴", style);
        }
        right_of(area, 2)
    }

    fn span<'a>(&self, paint: Paint, text: impl Into<std::borrow::Cow<'a, str>>) -> Span<'a> {
        self.theme.span(paint, text)
    }
}

/// The lines of an area, from the top.
fn rows(area: Rect) -> impl Iterator<Item = Rect> {
    (area.y..area.bottom()).map(move |y| Rect { y, height: 1, ..area })
}

/// An area without its first columns.
fn right_of(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}

/// An area without its first lines.
fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// The bar before the line that the person is at.
fn bar(theme: Theme, is_here: bool) -> Span<'static> {
    if is_here { theme.span(Paint::Hint, "▌ ") } else { Span::raw("  ") }
}

/// Draws all of it; where the cursor stands, if something is being typed.
pub(super) fn draw(state: &mut State, theme: Theme, buffer: &mut Buffer, now: Timestamp) -> Option<Position> {
    let area = buffer.area;
    state.shown = None;
    let mut page = Page { buffer, theme, now };
    let cursor = if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(&mut page, area);
        None
    } else {
        whole(&mut page, state, area)
    };
    if theme.ascii {
        ascii::only(page.buffer);
    }
    cursor
}

fn too_small(page: &mut Page<'_>, area: Rect) {
    let (columns, lines) = LEAST;
    let told = format!("orkee ui needs {columns} columns and {lines} lines. q quits");
    let lines = text::wrap(&told, usize::from(area.width).max(1)).into_iter().map(Line::from);
    page.lines(area, lines);
}

fn whole(page: &mut Page<'_>, state: &mut State, area: Rect) -> Option<Position> {
    // Where lines are few, the rule at the bottom is one more for the view.
    let foot = if area.height < 14 { 2 } else { 3 };
    let top = Rect { height: 1, ..area };
    let view = Rect { y: area.y + 2, height: area.height - 2 - foot, ..area };
    let status = Rect { y: area.bottom() - 2, height: 1, ..area };
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    page.rule(Rect { y: area.y + 1, height: 1, ..area });
    if foot == 3 {
        page.rule(Rect { y: view.bottom(), height: 1, ..area });
    }
    let mut cursor = header(page, state, top);
    match state.view {
        View::Projects if area.width >= WIDE => {
            let width = (area.width * 3 / 5).clamp(44, 120);
            list::draw(page, state, Rect { width: width - 1, ..view });
            let beside = page.divide(right_of(view, width));
            detail::draw(page, state, beside);
        }
        View::Projects => list::draw(page, state, view),
        View::Project => detail::draw(page, state, right_of(view, 1)),
        View::History => history::draw(page, state, view),
        View::Conflicts => conflicts::draw(page, state, view),
    }
    standing::draw(page, state, right_of(status, 1));
    key_line(page, state.mode(), right_of(bottom, 1));
    cursor = dialogs::draw(page, state, area).or(cursor);
    cursor
}

/// Where the person is, on the left; whose projects these are, on the right.
fn header(page: &mut Page<'_>, state: &State, area: Rect) -> Option<Position> {
    let theme = page.theme;
    let (title, about) = match state.view {
        View::Projects => ("Projects".to_owned(), about_list(state)),
        View::Project => (state.detail.as_ref().map(|d| d.name.clone()).unwrap_or_default(), String::new()),
        View::History => {
            let name = state.history.as_ref().map(|history| history.name.as_str()).unwrap_or_default();
            (format!("History of {name}"), String::new())
        }
        View::Conflicts => ("Conflicts".to_owned(), state.conflicts.len().to_string()),
    };
    let width = usize::from(area.width);
    let title = fit(&title, width.saturating_sub(2));
    let mut spans = vec![Span::raw(" "), theme.span(Paint::Strong, title), Span::raw("  ")];
    spans.push(theme.span(Paint::Dim, about));
    let mut cursor = None;
    let is_filtered = state.filtering || !state.list.search.is_empty();
    if state.view == View::Projects && is_filtered {
        // The end is where it is typed: of a long one the beginning is cut.
        let used: usize = spans.iter().map(Span::width).sum::<usize>() + 3;
        let search = tail(&text::spelled(&state.list.search), width.saturating_sub(used + 1));
        let at = used + search.width();
        spans.push(theme.span(Paint::Hint, format!("  /{search}")));
        let column = u16::try_from(at).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
        cursor = state.filtering.then_some(Position { x: area.x + column, y: area.y });
    }
    let line = Line::from(spans);
    let used = line.width();
    page.line(area, &line);
    if !state.tenant.is_empty() && used + state.tenant.width() + 3 < width {
        let start = u16::try_from(width - state.tenant.width() - 1).unwrap_or(area.width);
        let tenant = page.span(Paint::Dim, state.tenant.as_str());
        page.line(right_of(area, start), &Line::from(tenant));
    }
    cursor
}

fn about_list(state: &State) -> String {
    let list = &state.list;
    let count = match list.search.is_empty() {
        true => list.total.to_string(),
        false => format!("{} of {}", list.rows.len(), list.total),
    };
    format!("{count}, by {}", list.order())
}

/// The end of a text in so many columns.
fn tail(text: &str, width: usize) -> String {
    let mut left = text.width();
    text.chars()
        .skip_while(|c| {
            let is_beyond = left > width;
            left -= unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0).min(left);
            is_beyond
        })
        .collect()
}

/// What can be pressed here: help and the way out on the right, and of the rest as much as there is room for.
fn key_line(page: &mut Page<'_>, mode: Mode, area: Rect) {
    let theme = page.theme;
    let entry = |shown: &'static str, word: &'static str| {
        [theme.span(Paint::Hint, shown), Span::raw(" "), theme.span(Paint::Dim, word), Span::raw("  ")]
    };
    let named = keys::bindings(mode).filter_map(|binding| Some((binding.shown, binding.word?)));
    let (always, special): (Vec<_>, Vec<_>) = named.partition(|(shown, _)| matches!(*shown, "?" | "q"));
    let width = |(shown, word): &(&str, &str)| shown.width() + word.width() + 3;
    let mut room = usize::from(area.width).saturating_sub(always.iter().map(width).sum());
    let mut spans = Vec::new();
    for (shown, word) in special {
        let Some(left) = room.checked_sub(width(&(shown, word))) else { break };
        room = left;
        spans.extend(entry(shown, word));
    }
    page.line(area, &Line::from(spans));
    let end: Vec<Span<'_>> = always.iter().flat_map(|(shown, word)| entry(shown, word)).collect();
    let used = u16::try_from(always.iter().map(width).sum::<usize>()).unwrap_or(area.width);
    page.line(right_of(area, area.width.saturating_sub(used)), &Line::from(end));
}

#[cfg(test)]
mod tests;
