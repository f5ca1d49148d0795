//! Two values of a field: below each other, or side by side.

use ratatui::text::Line;
use serde_json::value::RawValue;

use super::Page;
use crate::output::Paint;
use crate::output::diff::{self, Sign};
use crate::output::text;
use crate::waiting;

/// A line of both sides; none where that side has nothing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) left: Option<String>,
    pub(super) right: Option<String>,
    /// Whether the two differ.
    pub(super) differs: bool,
}

/// What was, and what is, in lines of at most `width` columns.
pub(super) fn below_each_other(
    page: &Page<'_>,
    old: Option<&RawValue>,
    new: Option<&RawValue>,
    width: usize,
) -> Vec<Line<'static>> {
    let room = width.saturating_sub(2).max(1);
    let (old, new) = waiting::texts(old, new, room);
    let signed = |sign: Sign, line: &str| {
        let (paint, sign) = match sign {
            Sign::Mine => (Some(Paint::Bad), "-"),
            Sign::Theirs => (Some(Paint::Good), "+"),
            Sign::Both => (None, " "),
            Sign::Gap => (Some(Paint::Dim), " "),
        };
        let pieces = text::wrap(line, room).into_iter().enumerate();
        let lines = pieces.map(move |(n, piece)| format!("{} {piece}", if n == 0 { sign } else { " " }));
        lines
            .map(|line| {
                paint.map_or_else(
                    || Line::from(line.clone()),
                    |paint| Line::from(page.span(paint, line.clone())),
                )
            })
            .collect::<Vec<_>>()
    };
    let each = |sign, value: &str| {
        value.split('\n').flat_map(|line| signed(sign, &text::spelled(line))).collect::<Vec<_>>()
    };
    match (old, new) {
        (Some(old), Some(new)) => {
            diff::lines(&old, &new).into_iter().flat_map(|line| signed(line.sign, &line.text)).collect()
        }
        (None, Some(new)) => each(Sign::Theirs, &new),
        (Some(old), None) => each(Sign::Mine, &old),
        (None, None) => Vec::new(),
    }
}

/// Both values in two columns of `room` columns each, lines that belong together beside each other.
pub(super) fn side_by_side(left: Option<&RawValue>, right: Option<&RawValue>, room: usize) -> Vec<Pair> {
    let room = room.max(1);
    let (left, right) = waiting::texts(left, right, room);
    let (Some(left), Some(right)) = (&left, &right) else {
        let nothing = || "(nothing)".to_owned();
        let whole = |text: &Option<String>| text.clone().unwrap_or_else(nothing);
        let split = |text: String| text.split('\n').map(text::spelled).collect::<Vec<_>>();
        return paired(&split(whole(&left)), &split(whole(&right)), room);
    };
    let (mut pairs, mut mine, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for line in diff::lines(left, right) {
        match line.sign {
            Sign::Mine if theirs.is_empty() => mine.push(line.text),
            Sign::Theirs => theirs.push(line.text),
            _ => {
                pairs.extend(paired(&mine, &theirs, room));
                (mine, theirs) = (Vec::new(), Vec::new());
                match line.sign {
                    Sign::Mine => mine.push(line.text),
                    _ => pairs.extend(same(&line.text, room)),
                }
            }
        }
    }
    pairs.extend(paired(&mine, &theirs, room));
    pairs
}

fn same(line: &str, room: usize) -> Vec<Pair> {
    let pieces = text::wrap(line, room).into_iter();
    pieces.map(|piece| Pair { left: Some(piece.clone()), right: Some(piece), differs: false }).collect()
}

/// Lines that differ, each beside the one that stands in its place.
fn paired(left: &[String], right: &[String], room: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for n in 0..left.len().max(right.len()) {
        let pieces = |line: Option<&String>| line.map(|line| text::wrap(line, room)).unwrap_or_default();
        let (left, right) = (pieces(left.get(n)), pieces(right.get(n)));
        for piece in 0..left.len().max(right.len()) {
            let (left, right) = (left.get(piece).cloned(), right.get(piece).cloned());
            pairs.push(Pair { left, right, differs: true });
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(left: Option<&str>, right: Option<&str>) -> Vec<(String, String, bool)> {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let (left, right) = (left.map(raw), right.map(raw));
        side_by_side(left.as_deref(), right.as_deref(), 12)
            .into_iter()
            .map(|pair| (pair.left.unwrap_or_default(), pair.right.unwrap_or_default(), pair.differs))
            .collect()
    }

    #[test]
    fn d66_lines_that_belong_together_stand_beside_each_other() {
        let line = |left: &str, right: &str, differs| (left.to_owned(), right.to_owned(), differs);
        assert_eq!(
            pairs(Some(r#""a\nb\nc""#), Some(r#""a\nx\ny\nc""#)),
            [line("a", "a", false), line("b", "x", true), line("", "y", true), line("c", "c", false)]
        );
        assert_eq!(pairs(None, Some(r#""x""#)), [line("(nothing)", "x", true)]);
        assert_eq!(pairs(Some("1"), Some("2")), [line("1", "2", true)]);
        assert_eq!(
            pairs(Some(r#""one two three four""#), Some(r#""one\u001b""#)),
            [line("one two", "one\\u{1b}", true), line("three four", "", true)]
        );
    }
}
