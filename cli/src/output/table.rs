//! Columns under headings, as wide as their content and no wider than the terminal; where that leaves no room for a second column, what
//! stands in it comes on a line of its own.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: &str = "  ";
/// What is cut shorter than this says nothing any more.
const READABLE: usize = 8;
/// No narrower terminal is drawn for.
const NARROWEST: usize = 4;

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
        let Some(widths) = self.widths(width) else { return self.stacked(width.max(NARROWEST)) };
        let heading = join(self.headings.iter().copied(), &widths);
        let rows = self.rows.iter().map(|row| join(row.iter().map(String::as_str), &widths)).collect();
        (heading, rows)
    }

    /// The name of a row, and below it the cell that says most of it.
    fn stacked(&self, width: usize) -> (String, Vec<String>) {
        let cells = |row: &[String]| {
            let mut lines = pieces(row.first().map_or("", String::as_str), width);
            if let Some(cell) = row.get(1).filter(|cell| !cell.is_empty()) {
                lines.push(format!("{GAP}{}", fit(cell, width - GAP.len())));
            }
            lines
        };
        let heading = fit(&self.headings.join(GAP), width);
        (heading, self.rows.iter().flat_map(|row| cells(row)).collect())
    }

    /// None: the first column leaves no room for another.
    fn widths(&self, available: usize) -> Option<Vec<usize>> {
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
        if widths.first().unwrap_or(&0) + least(&widths) > available {
            return None;
        }
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(available);
        while excess > 0 {
            let Some(widest) = widths.iter_mut().skip(1).max().filter(|w| **w > 1) else { break };
            *widest -= 1;
            excess -= 1;
        }
        Some(widths)
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

/// The whole text in lines of at most `width` columns.
fn pieces(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
        used += wide;
    }
    lines
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
    fn where_the_names_leave_no_room_what_is_named_stands_below_them() {
        let mut table = Table::new(&["KEY", "VALUE", "FROM"]);
        table.row(vec!["history.days".into(), "30".into(), "the default".into()]);
        table.row(vec![
            "tenants.acme.options.bucket".into(),
            "a bucket with a long name".into(),
            String::new(),
        ]);
        table.row(vec!["cloud.token".into(), String::new(), String::new()]);
        let (heading, rows) = table.render(20);
        assert_eq!(heading, "KEY  VALUE  FROM");
        let told = [
            "history.days",
            "  30",
            "tenants.acme.options",
            ".bucket",
            "  a bucket with a l…",
            "cloud.token",
        ];
        assert_eq!(rows, told);
        let (_, rows) = table.render(0);
        assert!(rows.iter().all(|row| row.width() <= NARROWEST), "{rows:?}");
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
