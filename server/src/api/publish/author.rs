//! The API as a writer of versions.
//!
//! Its name is new at each start of the server. A clock promises that a version contains every earlier write of that
//! writer; a data folder that is put back has lost some, so whoever starts on it must be another writer.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use orkee_core::id;
use orkee_wire::Ancestry;

const NAME_LEN: usize = 8;

/// A writer's name and clock.
#[derive(Debug)]
pub(crate) struct Author {
    name: String,
    clock: AtomicU64,
}

impl Author {
    /// One that never wrote before.
    pub(crate) fn new() -> Self {
        Self { name: id::random(NAME_LEN), clock: AtomicU64::new(0) }
    }

    /// Adds a new write of this author to a version's ancestry.
    pub(super) fn sign(&self, ancestry: &mut Ancestry, now: Timestamp) {
        let time = u64::try_from(now.as_microsecond()).unwrap_or_default();
        let tick = |last: u64| last.saturating_add(1).max(time);
        let last = self.clock.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(tick(last)));
        ancestry.insert(self.name.clone(), tick(last.unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_write_has_a_later_clock_even_when_time_stands_still() {
        let author = Author::new();
        let now = Timestamp::now();
        let mut clocks: Vec<u64> = Vec::new();
        for _ in 0..3 {
            let mut ancestry = Ancestry::new();
            author.sign(&mut ancestry, now);
            clocks.extend(ancestry.into_values());
        }
        assert!(clocks.is_sorted_by(|a, b| a < b), "{clocks:?}");
    }
}
