//! How far this machine's clock is from the servers', by the `Date` of their replies. One of them is wrong; a person is told.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use http::HeaderMap;
use http::header::DATE;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// Nothing is known yet. No clock is off by as much.
const UNKNOWN: i64 = i64::MIN;

/// What the newest reply said.
#[derive(Debug)]
pub(super) struct ServerClock(AtomicI64);

impl Default for ServerClock {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl ServerClock {
    /// Takes note of a reply that came just now.
    pub(super) fn note(&self, headers: &HeaderMap, now: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        if let Some(there) = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()) {
            self.0.store(there.duration_since(now).as_secs(), Relaxed);
        }
    }

    /// How far the server's clock is ahead of this one.
    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        Some(self.0.load(Relaxed)).filter(|seconds| *seconds != UNKNOWN).map(SignedDuration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a41_the_servers_clock_is_known_by_the_date_of_its_replies() {
        let clock = ServerClock::default();
        let now: Timestamp = "1994-11-06T06:49:37Z".parse().unwrap();
        let note = |date: &str| clock.note(&HeaderMap::from_iter([(DATE, date.parse().unwrap())]), now);
        for nonsense in ["", "yesterday", "Sun, 06 Nov 1994"] {
            note(nonsense);
            assert_eq!(clock.ahead(), None, "{nonsense}");
        }
        note("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(clock.ahead(), Some(SignedDuration::from_hours(2)));
        clock.note(&HeaderMap::new(), now);
        assert_eq!(clock.ahead(), Some(SignedDuration::from_hours(2)));
    }
}
