//! Nonces: a keyed hash of the time, in steps of some minutes. Nothing is kept, and nobody makes one in advance.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use orkee_core::id;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Seconds of a step. A nonce is good in its own and in the next one.
pub(super) const STEP: i64 = 300;

/// Makes and knows nonces. Another start of the server knows none of them.
pub(super) struct Nonces {
    key: String,
}

impl Nonces {
    pub(super) fn new() -> Self {
        Self { key: id::random(43) }
    }

    /// The one of now.
    pub(super) fn current(&self, now: Timestamp) -> String {
        self.of(slot(now))
    }

    /// The step of a nonce that is still good.
    pub(super) fn slot_of(&self, nonce: &str, now: Timestamp) -> Option<i64> {
        let is = |slot: &i64| bool::from(self.of(*slot).as_bytes().ct_eq(nonce.as_bytes()));
        [slot(now), slot(now) - 1].into_iter().find(is)
    }

    /// SHA-256 over a secret of one length and a number of one length, of which a part is told: what could be appended to a hash
    /// is no longer such an input.
    fn of(&self, slot: i64) -> String {
        let hash = Sha256::new().chain_update(&self.key).chain_update(slot.to_be_bytes()).finalize();
        URL_SAFE_NO_PAD.encode(&hash[..16])
    }
}

fn slot(now: Timestamp) -> i64 {
    now.as_second().div_euclid(STEP)
}
