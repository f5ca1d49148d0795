//! When a delivery is tried again, and when it is given up. No I/O: the time and the dice come in.
//!
//! The pauses are those of the Standard Webhooks specification, each off by up to a fifth, so that two endpoints that failed
//! together do not come back together. A receiver may ask for more patience, and gets up to a day of it.

use jiff::{SignedDuration, Timestamp};

/// Before each attempt, counted from the one before it; the first is made at once.
const PAUSES: [SignedDuration; 10] = [
    SignedDuration::ZERO,
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// How far a pause is off at most, in either direction.
const JITTER: f64 = 0.2;

/// However long a receiver asks to be left alone.
pub const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);

/// From the moment an event is queued for an endpoint: what was not delivered by then is given up.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(5 * 24);

/// An endpoint that failed for so long, without one success, is switched off.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(5 * 24);

/// What was due this long ago was missed: this machine slept, or nothing was running.
const MISSED: SignedDuration = SignedDuration::from_secs(60);
/// Between two deliveries that were missed, where there are few.
const APART: SignedDuration = SignedDuration::from_millis(50);
/// Over which all that were missed are spread, however many there are.
const LONGEST_SPREAD: SignedDuration = SignedDuration::from_mins(5);

/// How many attempts there are.
pub const ATTEMPTS: u32 = PAUSES.len() as u32;

/// Why a delivery is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// The last attempt failed.
    Attempts,
    /// Its time was over.
    Window,
}

impl GivenUp {
    /// For the list of deliveries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "the last attempt failed",
            Self::Window => "not delivered within 5 days",
        }
    }
}

/// When attempt `tried + 1` is made, after attempt `tried` (from 1) failed at `now`: the schedule's pause, off by what `random` says,
/// which is between 0 and 1, and not before the receiver `asked` for, as far as a day. An event `queued` so long ago that its window is
/// over by then is given up at once.
pub fn again(
    tried: u32,
    queued: Timestamp,
    now: Timestamp,
    asked: Option<Timestamp>,
    random: f64,
) -> Result<Timestamp, GivenUp> {
    let pause = PAUSES.get(tried as usize).ok_or(GivenUp::Attempts)?;
    let due = later(now, jittered(*pause, random));
    let asked = asked.map(|asked| asked.min(later(now, LONGEST_ASKED)));
    let due = asked.map_or(due, |asked| asked.max(due));
    if is_over(queued, due) { Err(GivenUp::Window) } else { Ok(due) }
}

/// Whether the window of an event that was queued then is over.
pub fn is_over(queued: Timestamp, now: Timestamp) -> bool {
    now.duration_since(queued) >= WINDOW
}

/// Due before this: missed.
pub fn missed_before(now: Timestamp) -> Timestamp {
    now.checked_sub(MISSED).unwrap_or(Timestamp::MIN)
}

/// From when to when nothing was done: longer than any pause of a process that is awake.
pub fn was_asleep(from: Timestamp, to: Timestamp) -> bool {
    to.duration_since(from) >= MISSED
}

/// When each of so many missed deliveries is made up for: spread from now on, in their order, none at a moment that can be foreseen.
pub fn spread(now: Timestamp, missed: usize, random: &dyn Fn() -> f64) -> impl Iterator<Item = Timestamp> {
    let few = i32::try_from(missed).ok().and_then(|missed| APART.checked_mul(missed));
    let whole = few.map_or(LONGEST_SPREAD, |few| few.min(LONGEST_SPREAD));
    let each = whole.as_secs_f64() / missed.max(1) as f64;
    (0..missed)
        .map(move |n| later(now, SignedDuration::from_secs_f64(each * (n as f64 + fraction(random())))))
}

fn jittered(pause: SignedDuration, random: f64) -> SignedDuration {
    pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * fraction(random))
}

/// Dice within their bounds, whatever they are.
fn fraction(random: f64) -> f64 {
    if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.5 }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    const NOW: i64 = 1_800_000_000;

    /// The moments of all attempts of an endpoint that always fails, in seconds from the first, with these dice.
    fn attempts(mut dice: impl FnMut() -> f64) -> Vec<f64> {
        let (queued, mut now) = (at(NOW), at(NOW));
        let mut made = vec![0.0];
        for tried in 1.. {
            match again(tried, queued, now, None, dice()) {
                Ok(due) => now = due,
                Err(why) => {
                    assert_eq!(why, GivenUp::Attempts);
                    return made;
                }
            }
            made.push(now.duration_since(queued).as_secs_f64());
        }
        made
    }

    #[test]
    fn w11_attempts_follow_the_schedule_within_a_fifth_and_then_end() {
        let pauses = [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0];
        for (random, factor) in [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)] {
            let made = attempts(|| random);
            assert_eq!(made.len(), 10);
            for (n, pause) in pauses.iter().enumerate() {
                let waited = made[n + 1] - made[n];
                assert!(
                    (waited - pause * factor).abs() < 0.01,
                    "{n}: {waited} instead of {pause} × {factor}"
                );
            }
        }
    }

    #[test]
    fn w11_a_schedule_ends_within_the_window_however_the_dice_fall() {
        let last = *attempts(|| 1.0).last().unwrap();
        assert!(last < WINDOW.as_secs_f64(), "{last}");
    }

    #[test]
    fn w12_what_the_receiver_asks_for_is_waited_and_a_day_at_most() {
        let now = at(NOW);
        let next = |asked| again(1, now, now, asked, 0.5).unwrap().duration_since(now).as_secs();
        assert_eq!(next(None), 5);
        assert_eq!(next(Some(at(NOW + 120))), 120);
        assert_eq!(next(Some(at(NOW - 120))), 5);
        assert_eq!(next(Some(at(NOW + 1_000_000_000))), 86_400);
        assert_eq!(next(Some(Timestamp::MAX)), 86_400);
    }

    #[test]
    fn w12_a_receiver_that_asks_for_less_than_the_pause_does_not_shorten_it() {
        let now = at(NOW);
        let due = again(4, now, now, Some(at(NOW + 10)), 0.0).unwrap();
        assert_eq!(due.duration_since(now).as_secs(), 7200 * 8 / 10);
    }

    #[test]
    fn w22_an_event_whose_window_ends_before_its_next_attempt_is_given_up() {
        let (queued, now) = (at(NOW), at(NOW + 5 * 86_400 - 60));
        assert_eq!(again(3, queued, now, None, 0.5), Err(GivenUp::Window));
        assert!(again(1, queued, now, None, 0.5).is_ok());
        assert_eq!(again(1, queued, now, Some(at(NOW + 6 * 86_400)), 0.5), Err(GivenUp::Window));
        assert!(is_over(queued, at(NOW + 5 * 86_400)) && !is_over(queued, now));
    }

    #[test]
    fn w22_what_was_missed_is_spread_over_five_minutes_at_most() {
        for (missed, seconds) in [(1, 0.05), (100, 5.0), (6000, 300.0), (100_000, 300.0)] {
            let moments: Vec<_> = spread(at(NOW), missed, &|| 0.5)
                .map(|due| due.duration_since(at(NOW)).as_secs_f64())
                .collect();
            assert!(moments.is_sorted() && moments.len() == missed);
            let expected = seconds * (1.0 - 0.5 / missed as f64);
            assert!((moments[missed - 1] - expected).abs() < 0.001, "{missed}: {:?}", moments.last());
        }
        assert_eq!(spread(at(NOW), 0, &|| 0.5).count(), 0);
    }

    #[test]
    fn dice_that_are_out_of_bounds_change_nothing() {
        let now = at(NOW);
        for random in [f64::NAN, f64::INFINITY, -3.0, 9.0] {
            let waited = again(1, now, now, None, random).unwrap().duration_since(now).as_secs_f64();
            assert!((4.0..=6.0).contains(&waited), "{random}: {waited}");
        }
    }
}
