//! How long to wait before a failed request is made again.

use std::time::Duration;

/// Before the first repetition.
const FIRST: Duration = Duration::from_millis(500);
/// However often it failed.
const LONGEST: Duration = Duration::from_secs(60);
/// However long the server asks for: what the contract of `wit/` promises backends.
pub(crate) const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The pause before repetition `attempt` (0 is the first): doubled each time, spread by `random` (0 to 1) so that many clients do
/// not return at once, and never shorter than the server `asked` for.
pub fn pause(attempt: u32, asked: Option<Duration>, random: f64) -> Duration {
    let doubled = FIRST.saturating_mul(2u32.saturating_pow(attempt)).min(LONGEST);
    let spread = doubled.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0);
    asked.map_or(spread, |asked| asked.min(LONGEST_ASKED).max(spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause(0, None, 1.0), FIRST);
        assert_eq!(pause(3, None, 1.0), FIRST * 8);
        assert_eq!(pause(u32::MAX, None, 1.0), LONGEST);
    }

    #[test]
    fn the_spread_is_the_upper_half() {
        assert_eq!(pause(1, None, 0.0), FIRST);
        assert_eq!(pause(1, None, 1.0), FIRST * 2);
    }

    #[test]
    fn what_the_server_asks_for_is_kept_within_reason() {
        assert_eq!(pause(0, Some(Duration::from_secs(9)), 0.3), Duration::from_secs(9));
        assert_eq!(pause(0, Some(Duration::from_secs(1_000_000)), 0.3), LONGEST_ASKED);
    }
}
