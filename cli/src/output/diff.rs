//! Two texts beside each other, line by line: what is the same, what only one of them has.

use similar::{Algorithm, DiffOp};

use super::text;

/// Lines that are the same and stand around those that are not.
const CONTEXT: usize = 2;
/// Lines of both texts together. More take too long to compare, and nobody reads them: they count as wholly different.
const MOST: usize = 5_000;

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Both,
    Mine,
    Theirs,
    /// Lines of both are left out here.
    Gap,
}

/// One line, without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sign: Sign,
    pub(crate) text: String,
}

/// The lines of both texts, those of mine first where they differ. A line end at the end of a text is an empty line more.
pub(crate) fn lines(mine: &str, theirs: &str) -> Vec<Line> {
    let (mine, theirs): (Vec<&str>, Vec<&str>) = (mine.split('\n').collect(), theirs.split('\n').collect());
    let (old_len, new_len) = (mine.len(), theirs.len());
    let ops = match old_len + new_len {
        ..=MOST => similar::capture_diff_slices(Algorithm::Myers, &mine, &theirs),
        _ => vec![DiffOp::Replace { old_index: 0, old_len, new_index: 0, new_len }],
    };
    let mut shown = Vec::new();
    for (n, op) in ops.iter().enumerate() {
        if let DiffOp::Equal { old_index, len, .. } = *op {
            let lines = &mine[old_index..old_index + len];
            let (head, tail) = (if n > 0 { CONTEXT } else { 0 }, if n + 1 < ops.len() { CONTEXT } else { 0 });
            same(lines, head, tail, &mut shown);
            continue;
        }
        shown.extend(mine[op.old_range()].iter().map(|line| changed(Sign::Mine, line)));
        shown.extend(theirs[op.new_range()].iter().map(|line| changed(Sign::Theirs, line)));
    }
    shown
}

/// The first and the last of lines that are the same.
fn same(lines: &[&str], head: usize, tail: usize, shown: &mut Vec<Line>) {
    let line = |line: &&str| Line { sign: Sign::Both, text: text::spelled(line) };
    // One line takes no more room than saying that it is left out.
    if lines.len() <= head + tail + 1 {
        return shown.extend(lines.iter().map(line));
    }
    shown.extend(lines[..head].iter().map(line));
    let left_out = lines.len() - head - tail;
    shown.push(Line { sign: Sign::Gap, text: format!("({left_out} lines are the same)") });
    shown.extend(lines[lines.len() - tail..].iter().map(line));
}

/// Spaces at the end could be all that differs: they are shown.
fn changed(sign: Sign, line: &str) -> Line {
    let text = text::spelled(line);
    let kept = text.trim_end_matches(' ').len();
    let (text, spaces) = text.split_at(kept);
    Line { sign, text: format!("{text}{}", "_".repeat(spaces.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mine: &str, theirs: &str) -> Vec<String> {
        let sign = |sign| match sign {
            Sign::Both => ' ',
            Sign::Mine => '-',
            Sign::Theirs => '+',
            Sign::Gap => '~',
        };
        lines(mine, theirs).into_iter().map(|line| format!("{}{}", sign(line.sign), line.text)).collect()
    }

    #[test]
    fn what_differs_stands_out_and_what_is_the_same_around_it() {
        assert_eq!(shown("a\nb\nc", "a\nx\nc"), [" a", "-b", "+x", " c"]);
        assert_eq!(
            shown("1\n2\n3\n4\n5\n6\n7\nold", "1\n2\n3\n4\n5\n6\n7\nnew"),
            ["~(5 lines are the same)", " 6", " 7", "-old", "+new"]
        );
    }

    #[test]
    fn a_difference_that_nobody_could_see_is_made_visible() {
        assert_eq!(shown("a", "a  "), ["-a", "+a__"]);
        assert_eq!(shown("a\n", "a"), [" a", "-"]);
        assert_eq!(shown("a\r", "a"), ["-a\\r", "+a"]);
    }
}
