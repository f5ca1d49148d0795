//! When a watcher's next sync is: a function of what it was told, so that a test needs no clock.

use std::time::Duration;

use super::changes::Waiting;

/// After a write, so much more is waited for: what a script writes at once goes out at once.
const QUIET: Duration = Duration::from_millis(100);
/// The clocks differ by more where the machine slept, or somebody set the time.
const JUMP: Duration = Duration::from_secs(10);

/// Why there is a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The watcher began.
    Began,
    /// Something was written here.
    Wrote,
    /// The backend has something new.
    Told,
    /// The interval is over.
    Due,
    /// The last one failed, and its pause is over.
    Again,
    /// The machine was asleep.
    Woke,
}

impl Because {
    /// The word for it, for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Wrote => "wrote",
            Self::Told => "told",
            Self::Due => "due",
            Self::Again => "again",
            Self::Woke => "woke",
        }
    }
}

/// What a watcher knows of the next sync. Times are those of a clock that only goes on.
#[derive(Debug)]
pub struct Plan {
    interval: Duration,
    due: Duration,
    began: bool,
    wrote: Option<Duration>,
    told: bool,
    failed: bool,
    woke: bool,
    /// The newest write that was there when the last sync began.
    taken: Option<u64>,
}

impl Plan {
    /// The first sync is at once.
    pub fn new(interval: Duration, now: Duration) -> Self {
        Self {
            interval,
            due: now,
            began: true,
            wrote: None,
            told: false,
            failed: false,
            woke: false,
            taken: None,
        }
    }

    /// Another interval from here on. `random` is between 0 and 1.
    pub fn set_interval(&mut self, interval: Duration, now: Duration, random: f64) {
        self.interval = interval;
        self.due = now + spread(interval, random);
    }

    /// Somebody wrote to the database. What waits and was there already when the last sync began is no news: it did not go then.
    pub fn saw(&mut self, waiting: &Waiting, now: Duration) {
        if waiting.is_any && self.taken.is_none_or(|taken| waiting.newest > taken) {
            self.wrote.get_or_insert(now);
        }
    }

    /// The backend has something new.
    pub fn was_told(&mut self) {
        self.told = true;
    }

    /// The machine slept.
    pub fn woke(&mut self) {
        self.woke = true;
    }

    /// Whether a sync is to begin now, and why. Does not ask whether there is a pause.
    pub fn next(&self, now: Duration) -> Option<Because> {
        let wrote = self.wrote.is_some_and(|at| now >= at + QUIET);
        [
            (self.woke, Because::Woke),
            (self.began, Because::Began),
            (self.failed, Because::Again),
            (wrote, Because::Wrote),
            (self.told, Because::Told),
            (now >= self.due, Because::Due),
        ]
        .into_iter()
        .find_map(|(holds, because)| holds.then_some(because))
    }

    /// When [`next`](Self::next) has an answer by the time alone.
    pub fn wakes_at(&self) -> Duration {
        self.wrote.map_or(self.due, |at| self.due.min(at + QUIET))
    }

    /// A sync begins, which takes all that was written up to `newest`.
    pub fn begins(&mut self, newest: u64) {
        (self.began, self.wrote, self.told, self.failed, self.woke) = (false, None, false, false, false);
        self.taken = Some(newest);
    }

    /// It came to its end, or another process's did. `random` is between 0 and 1.
    pub fn ended(&mut self, now: Duration, random: f64) {
        self.due = now + spread(self.interval, random);
    }

    /// It failed: it is owed as soon as nothing speaks against it.
    pub fn failed(&mut self, now: Duration, random: f64) {
        self.ended(now, random);
        self.failed = true;
    }
}

/// A tenth more or less, so that devices that were started together do not come together for ever.
fn spread(interval: Duration, random: f64) -> Duration {
    interval.mul_f64(0.9 + random.clamp(0.0, 1.0) / 5.0)
}

/// Tells by two clocks that the machine slept: the one of the day went on, the one that measures did not.
#[derive(Debug)]
pub struct Wake {
    wall: Duration,
    measured: Duration,
}

impl Wake {
    /// Begins with both clocks as they are: since 1970, and since whenever.
    pub fn new(wall: Duration, measured: Duration) -> Self {
        Self { wall, measured }
    }

    /// Whether the machine slept since the last look.
    pub fn look(&mut self, wall: Duration, measured: Duration) -> bool {
        let (day, own) = (wall.saturating_sub(self.wall), measured.saturating_sub(self.measured));
        *self = Self { wall, measured };
        day > own + JUMP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn waiting(newest: u64) -> Waiting {
        Waiting { is_any: true, newest, last_sync_at: None }
    }

    /// One whose first sync has ended, at 10 s.
    fn settled() -> Plan {
        let mut plan = Plan::new(MINUTE, at(10));
        assert_eq!(plan.next(at(10)), Some(Because::Began));
        plan.begins(7);
        plan.ended(at(10), 0.5);
        assert_eq!(plan.next(at(10)), None);
        plan
    }

    #[test]
    fn d02_a_write_is_sent_at_once_however_long_the_interval_is() {
        let mut plan = settled();
        plan.set_interval(at(31_536_000), at(10), 0.5);
        plan.saw(&waiting(8), at(11));
        assert_eq!(plan.next(at(11)), None);
        assert_eq!(plan.wakes_at(), at(11) + QUIET);
        // A second one does not put it off.
        plan.saw(&waiting(9), at(11) + QUIET / 2);
        assert_eq!(plan.next(at(11) + QUIET), Some(Because::Wrote));
    }

    #[test]
    fn what_waits_and_could_not_go_is_not_tried_in_a_loop() {
        let mut plan = settled();
        plan.saw(&waiting(7), at(11));
        assert_eq!(plan.next(at(12)), None);
        plan.saw(&Waiting { is_any: false, ..waiting(9) }, at(11));
        assert_eq!(plan.next(at(12)), None);
    }

    #[test]
    fn a_write_during_a_sync_has_one_of_its_own() {
        let mut plan = settled();
        plan.saw(&waiting(8), at(11));
        plan.begins(8);
        plan.saw(&waiting(9), at(12));
        plan.ended(at(13), 0.5);
        assert_eq!(plan.next(at(13)), Some(Because::Wrote));
    }

    #[test]
    fn the_interval_is_spread_and_begins_anew_with_each_sync() {
        let mut plan = settled();
        assert_eq!(plan.next(at(69)), None);
        assert_eq!(plan.next(at(70)), Some(Because::Due));
        plan.ended(at(40), 0.0);
        assert_eq!((plan.next(at(93)), plan.next(at(94))), (None, Some(Because::Due)));
        plan.ended(at(40), 1.0);
        assert_eq!((plan.next(at(105)), plan.next(at(106))), (None, Some(Because::Due)));
    }

    #[test]
    fn what_failed_is_owed_and_what_was_told_or_slept_through_is_fetched() {
        let mut plan = settled();
        plan.failed(at(11), 0.5);
        assert_eq!(plan.next(at(11)), Some(Because::Again));
        plan.begins(7);
        plan.was_told();
        assert_eq!(plan.next(at(11)), Some(Because::Told));
        plan.woke();
        assert_eq!(plan.next(at(11)), Some(Because::Woke));
    }

    #[test]
    fn d22_the_machine_slept_where_the_clock_of_the_day_went_on_alone() {
        let mut wake = Wake::new(at(1_000_000), at(5));
        assert!(!wake.look(at(1_000_009), at(5)));
        assert!(!wake.look(at(1_003_609), at(3605)));
        assert!(wake.look(at(1_007_209), at(3606)));
        assert!(!wake.look(at(1_007_210), at(3607)));
        // Set back, and onwards again by little.
        assert!(!wake.look(at(900_000), at(3608)));
        assert!(!wake.look(at(900_001), at(3609)));
    }
}
