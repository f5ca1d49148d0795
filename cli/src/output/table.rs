//! Columns under headings, as wide as their content and no wider than the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: &str = "  ";
/// What is cut shorter than this says nothing any more.
const READABLE: usize = 8;

/// Rows to be shown to a person. Every cell is clean text without colour.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, a cell for each heading.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The cells, uncut.
    pub(crate) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The heading line and the lines below it, none wider than `width`. The first column, by which a row is named, is whole;
    /// the widest others give way first, and where all are narrow, the last ones go.
    pub(crate) fn render(&self, width: usize) -> (String, Vec<String>) {
        let widths = self.widths(width);
        let heading = join(self.headings.iter().copied(), &widths);
        let rows = self.rows.iter().map(|row| join(row.iter().map(String::as_str), &widths)).collect();
        (heading, rows)
    }

    fn widths(&self, available: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headings.iter().map(|h| h.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let least =
            |widths: &[usize]| widths.iter().skip(1).map(|w| GAP.len() + (*w).min(READABLE)).sum::<usize>();
        while widths.len() > 2 && widths.first().unwrap_or(&0) + least(&widths) > available {
            widths.pop();
        }
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(available);
        while excess > 0 {
            let Some(widest) = widths.iter_mut().skip(1).max().filter(|w| **w > 1) else { break };
            *widest -= 1;
            excess -= 1;
        }
        widths
    }
}

fn join<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (i, (cell, width)) in cells.zip(widths).enumerate() {
        if i > 0 {
            line.push_str(GAP);
        }
        let shown = fit(cell, *width);
        let padding = width.saturating_sub(shown.width());
        line.push_str(&shown);
        line.extend(std::iter::repeat_n(' ', padding));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The text in at most `width` columns, its end replaced by `…` where it is longer.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut shown: String = text
        .chars()
        .take_while(|c| {
            let w = c.width().unwrap_or(0);
            let fits = w <= left;
            left = left.saturating_sub(w);
            fits
        })
        .collect();
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_long_cells_give_way() {
        let mut table = Table::new(&["ID", "NAME"]);
        table.row(vec!["a1".into(), "a rather long name for a project".into()]);
        table.row(vec!["b2".into(), "日本語".into()]);
        let (heading, rows) = table.render(20);
        assert_eq!(heading, "ID  NAME");
        assert_eq!(rows, ["a1  a rather long n…", "b2  日本語"]);
    }

    #[test]
    fn a_terminal_of_twenty_columns_is_never_overrun() {
        let mut table = Table::new(&["ID", "NAME", "PATH"]);
        table.row(vec!["abcdefgh".into(), "日本語日本語日本語".into(), "/home/someone/somewhere".into()]);
        let (heading, rows) = table.render(20);
        assert_eq!(heading, "ID        NAME");
        assert_eq!(rows, ["abcdefgh  日本語日…"]);
    }
}
