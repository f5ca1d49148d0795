//! Text that came from data, made safe for a terminal: nothing in it moves the cursor, sets a title or turns the line round.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// One line: control characters are gone, line breaks and tabs are spaces.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .filter_map(|c| if matches!(c, '\n' | '\t') { Some(' ') } else { Some(c).filter(|c| !is_unsafe(*c)) })
        .collect()
}

/// Several lines: line breaks and tabs stay, other control characters are gone.
pub(crate) fn block(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_unsafe(*c)).collect()
}

/// One line in which nothing is hidden: control characters and their kin are spelled out, a tab is four spaces.
pub(crate) fn spelled(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match c {
            '\t' => shown.push_str("    "),
            c if is_unsafe(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
        shown
    })
}

/// JSON that a terminal can be shown: what JSON lets stand for itself in a text, and a terminal obeys, is spelled as JSON spells it.
pub(crate) fn json(json: String) -> String {
    if !json.contains(is_unsafe) {
        return json;
    }
    json.chars().fold(String::with_capacity(json.len()), |mut shown, c| {
        match u16::try_from(u32::from(c)) {
            Ok(unit) if is_unsafe(c) => shown.push_str(&format!("\\u{unit:04x}")),
            _ => shown.push(c),
        }
        shown
    })
}

/// A clean line in pieces of at most `width` columns, parted at spaces where there are some.
pub(crate) fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        if used > 0 && used + word.trim_end().width() > width {
            pieces.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > width && used > 0 && c != ' ' {
                pieces.push(String::new());
                used = 0;
            }
            if let Some(piece) = pieces.last_mut() {
                piece.push(c);
            }
            used += columns;
        }
    }
    for piece in &mut pieces {
        piece.truncate(piece.trim_end().len());
    }
    pieces
}

/// A time of RFC 3339 to the minute, in UTC; what is none is shown as it is.
pub(crate) fn minute(at: &str) -> String {
    time(at, "%Y-%m-%d %H:%M UTC")
}

/// The same to the second, without saying that it is UTC.
#[cfg(feature = "cloud")]
pub(crate) fn second(at: &str) -> String {
    time(at, "%Y-%m-%d %H:%M:%S")
}

fn time(at: &str, format: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::UTC).strftime(format).to_string(),
        Err(_) => line(at),
    }
}

/// Control characters of both sets, and those that change the direction of what follows.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_in_a_name_loses_its_escape() {
        assert_eq!(line("a\u{1b}]0;pwned\u{7}b\nc\u{9b}2J"), "a]0;pwnedb c2J");
        assert_eq!(line("abc\u{202e}txt.exe"), "abctxt.exe");
        assert_eq!(block("one\ntwo\r\u{1b}[2K"), "one\ntwo[2K");
    }

    #[test]
    fn spelled_out_text_hides_nothing_and_moves_nothing() {
        assert_eq!(spelled("a\tb\r\u{1b}[2K\u{202e}"), "a    b\\r\\u{1b}[2K\\u{202e}");
    }

    #[test]
    fn a_line_is_parted_at_spaces_and_in_long_words_where_it_must() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = "Ünïcödé 日本語 🦀 – “quotes”";
        assert_eq!(line(text), text);
    }

    #[test]
    fn w33_json_of_any_text_is_the_same_json_and_nothing_that_a_terminal_obeys() {
        let text = "a\u{1b}[31m\u{7f}\u{9b}2J\u{85}\u{202e}\u{2028}\n\"ü\u{1f600}";
        let json = json(serde_json::to_string(text).unwrap());
        assert!(!json.contains(is_unsafe), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        assert!(json.contains("ü\u{1f600}"));
    }
}
