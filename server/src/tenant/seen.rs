//! Which access tokens of identity providers were met before, so that the audit trail tells of a sign-in and not of each request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::secret::SecretHash;

/// Beyond this many, the memory begins anew: a sign-in is told of twice then.
const MAX: usize = 50_000;

/// The tokens that were met, until they expire.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    tokens: Mutex<HashMap<[u8; 32], Timestamp>>,
}

impl Seen {
    /// Whether this is the first time.
    pub(crate) fn is_new(&self, token: SecretHash, expires: Timestamp, now: Timestamp) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX {
            tokens.retain(|_, expires| *expires > now);
        }
        if tokens.len() >= MAX {
            tokens.clear();
        }
        tokens.insert(token.0, expires).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_new_once() {
        let (seen, at) = (Seen::default(), Timestamp::UNIX_EPOCH);
        assert!(seen.is_new(SecretHash::of("a"), at, at));
        assert!(!seen.is_new(SecretHash::of("a"), at, at));
        assert!(seen.is_new(SecretHash::of("b"), at, at));
    }
}
