//! A time as a person types it.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// What is accepted, for the error.
const FORMS: &str = "write it as 2026-01-31, 2026-01-31T09:30 (UTC), 2026-01-31T09:30:00+01:00, or 2h ago";

/// Reads a time: RFC 3339; a date or a date and time, in UTC, as all times are shown; or how long ago, where the word can be left out.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let civil = |at: DateTime| at.to_zoned(TimeZone::UTC).map(|at| at.timestamp());
    let before = |ago: Span| now.to_zoned(TimeZone::UTC).checked_sub(ago).map(|at| at.timestamp());
    let parsed = if let Ok(at) = text.parse::<Timestamp>() {
        Ok(at)
    } else if let Some(ago) = text.strip_suffix("ago") {
        ago.trim().parse::<Span>().and_then(before)
    } else if let Ok(ago) = text.parse::<Span>() {
        before(ago)
    } else if let Ok(date) = text.parse::<Date>()
        && !text.contains(':')
    {
        civil(date.at(0, 0, 0, 0))
    } else {
        text.parse::<DateTime>().and_then(civil)
    };
    match parsed {
        Ok(at) if at > now => Err("it is in the future".to_owned()),
        Ok(at) => Ok(at),
        Err(_) => Err(FORMS.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        parse(text, now).map(|at| at.to_string())
    }

    #[test]
    fn a_time_can_be_typed_in_several_ways() {
        for (text, at) in [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31 09:30", "2026-01-31T09:30:00Z"),
            ("2026-01-31T09:30:15", "2026-01-31T09:30:15Z"),
            ("2026-01-31T09:30:00+01:00", "2026-01-31T08:30:00Z"),
            ("2h ago", "2026-03-01T10:00:00Z"),
            ("1 day 2 hours ago", "2026-02-28T10:00:00Z"),
            ("1 month ago", "2026-02-01T12:00:00Z"),
            ("1d", "2026-02-28T12:00:00Z"),
            ("90m", "2026-03-01T10:30:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(at), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_and_what_is_to_come_is_refused() {
        for text in ["", "yesterday", "31.1.2026", "ago", "2026-13-01"] {
            assert_eq!(read(text), Err(FORMS.to_owned()), "{text}");
        }
        for text in ["2026-03-02", "-1d"] {
            assert_eq!(read(text), Err("it is in the future".to_owned()), "{text}");
        }
    }
}
