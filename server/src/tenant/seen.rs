//! What was told of tokens of identity providers, so that the audit trail tells of a sign-in, or of a refusal, and not of each
//! request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::secret::SecretHash;

/// Beyond this many, the memory begins anew: what it held is told of twice then.
const MAX: usize = 50_000;
/// What was told is told again after this long.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Tokens and what became of them, with when that is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    told: Mutex<HashMap<([u8; 32], String), Timestamp>>,
}

impl Seen {
    /// Whether this outcome of a token was not told yet.
    pub(crate) fn is_new(&self, token: SecretHash, outcome: &str, now: Timestamp) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX {
            told.retain(|_, until| *until > now);
        }
        if told.len() >= MAX {
            told.clear();
        }
        let until = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let before = told.insert((token.0, outcome.to_owned()), until);
        before.is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_of_a_token_is_new_once_a_day() {
        let (seen, at) = (Seen::default(), Timestamp::UNIX_EPOCH);
        let (a, b) = (SecretHash::of("a"), SecretHash::of("b"));
        assert!(seen.is_new(a, "done", at));
        assert!(!seen.is_new(a, "done", at));
        assert!(seen.is_new(a, "refused", at), "what becomes of it later is another matter");
        assert!(seen.is_new(b, "done", at));
        assert!(seen.is_new(b, "done", at + KEPT));
    }
}
