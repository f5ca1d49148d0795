//! The code that a person types.

use std::fmt;

use orkee_core::id;

/// Consonants without those that are taken for another letter or a digit: no word can come of them (RFC 8628, 6.1).
const ALPHABET: &str = "BCDFGHJKLMNPQRSTVWXZ";
/// 20^8 codes, as two groups of four.
const LEN: usize = 8;

/// A code in its one form, `WDJB-MJHT`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct UserCode(String);

impl UserCode {
    /// A new one.
    pub(super) fn random() -> Self {
        let mut letters = String::with_capacity(LEN);
        while letters.len() < LEN {
            // Both cases of a letter are equally likely, and so is then each letter.
            let random = id::random(4 * LEN).to_ascii_uppercase();
            letters.extend(random.chars().filter(|c| ALPHABET.contains(*c)).take(LEN - letters.len()));
        }
        Self::grouped(&letters)
    }

    /// What somebody typed, in either case, with or without separators. None: no code looks so.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let is_separator = |c: char| c.is_whitespace() || c == '-' || c == '\u{2010}' || c == '\u{2013}';
        let letters: String = typed.chars().filter(|c| !is_separator(*c)).take(LEN + 1).collect();
        let letters = letters.to_ascii_uppercase();
        let is_code = letters.len() == LEN && letters.chars().all(|c| ALPHABET.contains(c));
        is_code.then(|| Self::grouped(&letters))
    }

    fn grouped(letters: &str) -> Self {
        let (first, second) = letters.split_at(LEN / 2);
        Self(format!("{first}-{second}"))
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "WDJB\u{2013}MJHT", "w-d-j-b-m-j-h-t"] {
            assert_eq!(UserCode::parse(typed).unwrap().to_string(), "WDJB-MJHT", "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        for typed in ["", "WDJB-MJH", "WDJB-MJHTX", "WDJB-MJHA", "WDJB-MJH0", "ÄÄÄÄ-ÄÄÄÄ", "WDJB_MJHT"]
        {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
        assert_eq!(UserCode::parse(&"W".repeat(100_000)), None);
    }

    #[test]
    fn a_new_code_is_one_that_can_be_typed_and_not_the_last_one() {
        let codes: Vec<_> = (0..200).map(|_| UserCode::random()).collect();
        assert!(codes.iter().all(|code| UserCode::parse(&code.to_string()).as_ref() == Some(code)));
        let different: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(different.len(), codes.len());
    }
}
