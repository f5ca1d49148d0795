//! The circuit breaker of an endpoint: one that cannot be reached again and again is left alone for a while, and what waits for it
//! is put off without using up an attempt. No I/O; it is kept by [`breakers`](crate::event::breakers).

use jiff::{SignedDuration, Timestamp};

use crate::event::breakers::Breaker;

/// Failures in a row from which it opens.
const OPENS_AT: u32 = 5;
/// For how long, the first time; each further failure doubles it.
const FIRST: SignedDuration = SignedDuration::from_secs(30);
/// And for no longer than this.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// The breaker after one more attempt in a row without a reply.
pub(super) fn after_failure(before: Option<Breaker>, now: Timestamp) -> Breaker {
    let failures = before.map_or(0, |breaker| breaker.failures).saturating_add(1);
    let pause = match failures.checked_sub(OPENS_AT) {
        None => SignedDuration::ZERO,
        Some(more) => {
            let factor = 1i32.checked_shl(more).filter(|factor| *factor > 0);
            factor.and_then(|factor| FIRST.checked_mul(factor)).map_or(LONGEST, |pause| pause.min(LONGEST))
        }
    };
    Breaker { failures, opened_until: now.checked_add(pause).unwrap_or(Timestamp::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w21_a_breaker_opens_at_the_fifth_failure_in_a_row_and_doubles_to_ten_minutes() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut breaker = None;
        for seconds in [0, 0, 0, 0, 30, 60, 120, 240, 480, 600, 600] {
            let next = after_failure(breaker, now);
            assert_eq!(next.opened_until.duration_since(now).as_secs(), seconds, "{next:?}");
            breaker = Some(next);
        }
        let often = Breaker { failures: u32::MAX, opened_until: now };
        assert_eq!(after_failure(Some(often), now).opened_until.duration_since(now), LONGEST);
    }
}
