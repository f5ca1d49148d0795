//! The form of `.env` files: `NAME=value`, `export` allowed, quotes allowed, `#` begins a comment. Nothing is expanded.

use std::collections::BTreeMap;

/// Every assignment; the number of the first line that is none, otherwise. An empty value sets nothing.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, usize> {
    lines(text).map(|(number, assignment)| assignment.ok_or(number)).filter(is_set).collect()
}

/// Every assignment; other lines are passed over.
pub(super) fn parse_lossy(text: &str) -> BTreeMap<String, String> {
    lines(text).filter_map(|(_, assignment)| assignment).collect()
}

fn is_set(assignment: &Result<(String, String), usize>) -> bool {
    !matches!(assignment, Ok((_, value)) if value.is_empty())
}

fn lines(text: &str) -> impl Iterator<Item = (usize, Option<(String, String)>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let filled = |line: &str| !line.is_empty() && !line.starts_with('#');
    text.lines()
        .map(str::trim)
        .enumerate()
        .filter(move |(_, line)| filled(line))
        .map(|(i, line)| (i + 1, assignment(line)))
}

fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let mut letters = name.chars();
    let valid = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then_some(())?;
    Some((name.to_owned(), unquoted(value.trim())?))
}

/// The value without its quotes and the comment behind it.
fn unquoted(value: &str) -> Option<String> {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (inner, rest) = value[1..].split_once(quote)?;
            let rest = rest.trim_start();
            (rest.is_empty() || rest.starts_with('#')).then(|| inner.to_owned())
        }
        _ => {
            let end = value
                .char_indices()
                .find(|(i, c)| *c == '#' && (*i == 0 || value[..*i].ends_with([' ', '\t'])));
            Some(value[..end.map_or(value.len(), |(i, _)| i)].trim_end().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_quotes_and_export_are_understood() {
        let text =
            "\u{feff}# head\n\nexport A=1\nB = 300  # 5 minutes\nC=\"x # y\" # z\nD='it''\nE=\nF=a#b\r\n";
        assert_eq!(parse(text), Err(6), "a quote that ends early is no assignment");
        let read = parse_lossy(text);
        assert_eq!(read.get("A").map(String::as_str), Some("1"));
        assert_eq!(read.get("B").map(String::as_str), Some("300"));
        assert_eq!(read.get("C").map(String::as_str), Some("x # y"));
        assert_eq!(read.get("F").map(String::as_str), Some("a#b"));
    }

    #[test]
    fn an_empty_value_sets_nothing_and_a_line_of_prose_is_told_by_its_number() {
        assert_eq!(parse("A=\nB=\"\"\n# c\nD=#e"), Ok(BTreeMap::new()));
        assert_eq!(parse("A=1\nhello"), Err(2));
        assert_eq!(parse("=1"), Err(1));
        assert_eq!(parse("1A=1"), Err(1));
    }
}
