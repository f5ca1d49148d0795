//! Times as earlier versions wrote them: RFC 3339 with any offset, SQLite's text (which is UTC), or a number since 1970.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;

use crate::clock::rfc3339;

/// RFC 3339, UTC. None for what is no time.
pub(super) fn of_today(value: &RawValue) -> Option<String> {
    let text = match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text,
        Err(_) => value.get().to_owned(),
    };
    parse(text.trim()).map(rfc3339)
}

fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<i64>() {
        return since_1970(number);
    }
    if let Ok(number) = text.parse::<f64>() {
        return Timestamp::from_microsecond((number * 1e6) as i64).ok().filter(|_| number.abs() < 1e11);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // A date alone is its midnight.
    let at: DateTime = text.parse().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

/// Seconds, milliseconds, microseconds or nanoseconds: each stands for the years around ours alone.
fn since_1970(number: i64) -> Option<Timestamp> {
    match number.unsigned_abs() {
        0..100_000_000_000 => Timestamp::from_second(number),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(number),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(number),
        _ => Timestamp::from_nanosecond(number.into()),
    }
    .ok()
}
