//! Whether something is what a page says is printed, but for what varies.

/// What a page writes for anything.
const ANYTHING: &str = "…";

/// Whether this was printed, whatever the times, sizes and ids are.
pub(super) fn is_like(said: &str, printed: &str) -> bool {
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    follows(&lines(said.trim_end()), &lines(printed.trim_end()), &|said, printed| {
        follows(&words(said), &words(printed), &is_same_word)
    })
}

/// The words of a line; a number and its unit are one.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        match words.last_mut() {
            Some(last) if is_number(last) && Measure::of(core(word)).is_some() => {
                *last = format!("{last} {word}")
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Whether it is a number, with or without a fraction.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    word.split_once('.').map_or_else(|| digits(word), |(whole, part)| digits(whole) && digits(part))
}

/// The word without what stands around it.
fn core(word: &str) -> &str {
    word.trim_matches(&['(', ')', ',', ';', '.', ':', '"', '\'', '`'][..])
}

/// Whether each of these is like its counterpart, where a gap takes any number of them.
fn follows(said: &[String], printed: &[String], is_same: &dyn Fn(&str, &str) -> bool) -> bool {
    match (said, printed) {
        ([], []) => true,
        ([gap, rest @ ..], _) if gap == ANYTHING => {
            (0..=printed.len()).any(|skipped| follows(rest, &printed[skipped..], is_same))
        }
        ([one, said @ ..], [other, printed @ ..]) => is_same(one, other) && follows(said, printed, is_same),
        _ => false,
    }
}

fn is_same_word(said: &str, printed: &str) -> bool {
    let (one, other) = (core(said), core(printed));
    said == printed
        || (said.contains(ANYTHING) && globs(said, printed))
        || (may_vary(one) && Kind::of(one).is_some_and(|kind| Kind::of(other) == Some(kind)))
        || (is_id(one) && one.len() == other.len() && other.bytes().all(|b| b.is_ascii_alphanumeric()))
        || without_ports(said) == without_ports(printed)
}

/// Whether it can only be the id of a project.
fn is_id(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    let is_one_word = word.len() == ID_LENGTH && word.bytes().all(|b| b.is_ascii_alphanumeric());
    is_one_word && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Whether the pieces between the gaps stand in the word, in order, from its beginning to its end.
fn globs(said: &str, printed: &str) -> bool {
    let pieces: Vec<&str> = said.split(ANYTHING).collect();
    let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
    let Some(mut rest) = printed.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    pieces[1..pieces.len() - 1].iter().all(|piece| {
        let found = rest.find(piece);
        rest = found.map_or(rest, |at| &rest[at + piece.len()..]);
        found.is_some()
    })
}

/// What a word is, where two of the same kind may stand for each other.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// Digits and what parts them, such as `2024-12-31`, `10:30`, `2024-01-15T10:30:00.000Z`.
    Time(String),
    /// A number with a unit.
    Measured(Measure),
    /// With this beginning.
    Named(&'static str),
    /// So many hexadecimal digits.
    Hash(usize),
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Size,
    Duration,
}

impl Measure {
    fn of(unit: &str) -> Option<Self> {
        match unit {
            "B" | "KB" | "MB" => Some(Self::Size),
            "s" | "ms" => Some(Self::Duration),
            _ => None,
        }
    }
}

/// How ids and secrets begin.
const BEGINNINGS: [&str; 10] =
    ["orkee_refresh_", "orkee_", "ep_", "msg_", "whsec_", "hook_", "sync_", "req_", "grt_", "ed25519:"];
/// What follows a beginning is no word, if it is so long.
const SHORTEST_SECRET: usize = 16;
const ID_LENGTH: usize = 8;
const SHORTEST_HASH: usize = 32;

impl Kind {
    fn of(word: &str) -> Option<Self> {
        let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let is_time = ["0000-00-00", "00:00"].iter().any(|time| shape.starts_with(time));
        if is_time && shape.chars().all(|c| "0-:.TZ".contains(c)) {
            return Some(Self::Time(shape.split('.').next().unwrap_or_default().to_owned()));
        }
        if let Some((number, unit)) = word.split_once(' ')
            && is_number(number)
        {
            return Measure::of(core(unit)).map(Self::Measured);
        }
        if let Some(beginning) = BEGINNINGS.iter().find(|beginning| word.starts_with(**beginning)) {
            return is_random(&word[beginning.len()..]).then_some(Self::Named(beginning));
        }
        let is_hash = word.len() >= SHORTEST_HASH && word.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then_some(Self::Hash(word.len()))
    }
}

/// Whether another number may stand where the page has this word: no setting and no limit does, such as `300 s` or `5 MB`, but what was measured.
fn may_vary(word: &str) -> bool {
    match word.split_once(' ') {
        Some((number, unit)) => match core(unit) {
            "s" => number.contains('.'),
            unit => unit != "MB",
        },
        None => true,
    }
}

/// Whether these letters and digits were drawn, and are no word.
fn is_random(text: &str) -> bool {
    text.len() >= SHORTEST_SECRET
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=_-.".contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// The word with all ports of this machine alike.
fn without_ports(word: &str) -> String {
    let mut pieces = word.split("127.0.0.1:");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces
        .fold(first, |all, piece| all + "127.0.0.1:" + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_compared_by_its_kind() {
        for (said, printed) in [
            ("✓ Token expires: 2024-12-31", "✓ Token expires: 2026-11-26"),
            ("✓ Last sync: 2024-01-15 10:30 UTC", "✓ Last sync: 2026-11-26 08:01 UTC"),
            ("1 sent  1 request, 658 B up, 0.03 s", "1 sent  1 request, 1.4 KB up, 1.21 s"),
            ("in 1 ms", "in 12 ms"),
            ("test ep_9uNJNxqZV6UDpltB", "test ep_Xr93kQ0aZbN1cD2e"),
            ("↑ 3AYx9Yoh  shop  sent", "↑ abcdefgh shop sent"),
            ("at http://127.0.0.1:8787/x", "at http://127.0.0.1:1/x"),
            ("a … d", "a b c d"),
            ("whsec_… is new", "whsec_abc= is new"),
            ("a\n…\nd", "a\nb\nc\nd"),
            ("a\n…", "a"),
        ] {
            assert!(is_like(said, printed), "{said:?} {printed:?}");
        }
    }

    #[test]
    fn what_says_something_is_compared_as_it_is() {
        for (said, printed) in [
            ("1 sent", "2 sent"),
            ("✓ Last sync: 2024-01-15 10:30 UTC", "✓ Last sync: never"),
            ("looking every 300 s", "looking every 5 s"),
            ("in 0.03 s", "in 3 KB"),
            ("memory 128 MiB", "memory 200 MiB"),
            ("less than 100 MB", "less than 5 MB"),
            ("sync_on_create", "sync_interval"),
            ("orkee_cloud", "orkee_x"),
            ("ep_9uNJNxqZV6UDpltB", "ep_9uNJ"),
            ("↑ 3AYx9Yoh shop sent", "↑ abc shop sent"),
            ("is building", "is launched"),
            ("a", "a\nb"),
            ("a\nb", "a"),
            ("a … d", "a b c"),
            ("ep_1 gets", "msg_1 gets"),
            ("status 503", "status 204"),
        ] {
            assert!(!is_like(said, printed), "{said:?} {printed:?}");
        }
    }
}
