//! Endpoints that are pulled from are a developer's machine that listens. It says goodbye where it can; where it cannot, it is
//! missed here, and its endpoint is taken away.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whoever did not pull for so long listens no more.
const MISSED: Duration = Duration::from_secs(10 * 60);

/// When each endpoint was pulled from last. A new start of the server gives them all their time anew.
#[derive(Debug, Default)]
pub(crate) struct Pulls {
    last: Mutex<HashMap<String, Instant>>,
}

impl Pulls {
    /// Somebody pulls from this endpoint.
    pub(crate) fn note(&self, endpoint: &str) {
        self.note_at(endpoint, Instant::now());
    }

    pub(super) fn note_at(&self, endpoint: &str, now: Instant) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(endpoint.to_owned(), now);
    }

    /// Of these endpoints, which are all that there are, those that nobody pulls from any more.
    pub(super) fn missed_at(&self, mut endpoints: Vec<String>, now: Instant) -> Vec<String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|endpoint, _| endpoints.contains(endpoint));
        endpoints.retain(|endpoint| {
            let seen = *last.entry(endpoint.clone()).or_insert(now);
            now.duration_since(seen) >= MISSED
        });
        endpoints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_missed_ten_minutes_after_the_last_pull_or_after_it_was_first_looked_for() {
        let (pulls, start) = (Pulls::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let missed = |seconds| pulls.missed_at(vec!["a".to_owned(), "b".to_owned()], after(seconds));
        assert_eq!(missed(0), [""; 0]);
        pulls.note_at("a", after(300));
        assert_eq!(missed(599), [""; 0]);
        assert_eq!(missed(600), ["b"]);
        assert_eq!(missed(900), ["a", "b"]);
        assert_eq!(pulls.missed_at(vec!["b".to_owned()], after(901)), ["b"]);
        assert_eq!(pulls.last.lock().unwrap().len(), 1, "what is gone is forgotten");
    }
}
