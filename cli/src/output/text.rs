//! Text that came from data, made safe for a terminal: nothing in it moves the cursor, sets a title or turns the line round.

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

/// A time of RFC 3339 to the minute, in UTC; what is none is shown as it is.
pub(crate) fn minute(at: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string(),
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
    fn ordinary_text_stays_as_it_is() {
        let text = "Ünïcödé 日本語 🦀 – “quotes”";
        assert_eq!(line(text), text);
    }
}
