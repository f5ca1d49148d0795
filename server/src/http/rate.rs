//! Rates: a bucket of tokens for each key, filled evenly.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Full buckets are dropped when there are more than this many.
const SWEEP_AT: usize = 10_000;

/// Allows `limit` requests in `period` for each key.
pub(crate) struct RateLimiter<K> {
    limit: u32,
    period: Duration,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Hash + Eq> RateLimiter<K> {
    /// At most `limit` at once, and as many again in each `period`.
    pub(crate) fn new(limit: u32, period: Duration) -> Self {
        Self { limit, period, buckets: Mutex::default() }
    }

    /// How many are allowed in a period.
    pub(crate) fn limit(&self) -> u64 {
        self.limit.into()
    }

    /// Takes one token, or says in how many seconds there will be one.
    pub(crate) fn take(&self, key: K) -> Result<(), u64> {
        self.take_at(key, Instant::now())
    }

    /// Fills a key's bucket again.
    pub(crate) fn forgive(&self, key: &K) {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Puts back what was taken for a request that should not count.
    pub(crate) fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.tokens = (bucket.tokens + 1.0).min(f64::from(self.limit));
        }
    }

    fn take_at(&self, key: K, now: Instant) -> Result<(), u64> {
        let limit = f64::from(self.limit);
        let per_second = limit / self.period.as_secs_f64();
        let filled = |bucket: &Bucket| {
            (bucket.tokens + now.duration_since(bucket.at).as_secs_f64() * per_second).min(limit)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > SWEEP_AT {
            buckets.retain(|_, bucket| filled(bucket) < limit);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: limit, at: now });
        let tokens = filled(bucket);
        let taken = tokens >= 1.0;
        *bucket = Bucket { tokens: if taken { tokens - 1.0 } else { tokens }, at: now };
        if taken { Ok(()) } else { Err(((1.0 - tokens) / per_second).ceil().max(1.0) as u64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_used_its_tokens_waits_for_the_next_and_others_do_not() {
        let limiter = RateLimiter::new(2, Duration::from_secs(60));
        let now = Instant::now();
        assert_eq!(limiter.take_at("a", now), Ok(()));
        assert_eq!(limiter.take_at("a", now), Ok(()));
        assert_eq!(limiter.take_at("a", now), Err(30));
        assert_eq!(limiter.take_at("b", now), Ok(()));
        assert_eq!(limiter.take_at("a", now + Duration::from_secs(30)), Ok(()));
        assert_eq!(limiter.take_at("a", now + Duration::from_secs(31)), Err(29));
    }

    #[test]
    fn what_was_given_back_can_be_taken_again_and_no_more() {
        let limiter = RateLimiter::new(2, Duration::from_secs(60));
        let now = Instant::now();
        assert_eq!([limiter.take_at("a", now), limiter.take_at("a", now)], [Ok(()); 2]);
        limiter.give_back(&"a");
        limiter.give_back(&"b");
        assert_eq!([limiter.take_at("a", now), limiter.take_at("a", now)], [Ok(()), Err(30)]);
    }
}
