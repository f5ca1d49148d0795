//! Words that a plugin or a server chose, made fit for a terminal and a log.

/// `text` on one line, without control characters and without what nobody sees, cut to `max` characters.
pub(super) fn clean(text: &str, max: usize) -> String {
    let visible = strip_escapes(text);
    let mut words = String::new();
    for word in visible.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().filter(|c| !is_unseen(*c)));
    }
    match words.char_indices().nth(max) {
        Some((cut, _)) => format!("{}…", &words[..cut]),
        None => words,
    }
}

/// Whether it can be a plugin's id: lower case letters, digits and hyphens.
pub(super) fn is_plugin_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// Takes out whole terminal sequences, so that their letters do not stay behind.
fn strip_escapes(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some(at) = rest.find(['\u{1b}', '\u{9b}']) {
        kept.push_str(&rest[..at]);
        let sequence = rest[at..].trim_start_matches(['\u{1b}', '\u{9b}', '[']);
        let end = sequence.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?' | '<'..='>'));
        rest = match end {
            Some(end) => {
                sequence[end..].strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(&sequence[end..])
            }
            None => "",
        };
    }
    kept.push_str(rest);
    kept
}

/// What changes the direction of writing, and what looks like nothing at all: with both a text can seem another.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p27_control_characters_and_terminal_sequences_are_stripped() {
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m\n\tb\u{7}\u{0}c\u{9b}2Jd", 99), "ared b cd");
        assert_eq!(clean("\u{202e}abc\u{2066}", 99), "abc");
        assert_eq!(clean("a\u{200b}b\u{2800}c\u{61c}", 99), "abc");
        assert_eq!(clean("\u{1b}", 9), "");
        assert_eq!(clean("\u{1b}[12", 9), "");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(clean("äöüß", 2), "äö…");
        assert_eq!(clean("äö", 2), "äö");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_is_left(text in ".*") {
            let clean = clean(&text, 50);
            proptest::prop_assert!(!clean.chars().any(|c| c.is_control() || is_unseen(c)));
            proptest::prop_assert!(clean.chars().count() <= 51);
        }
    }
}
