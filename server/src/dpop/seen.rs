//! Proofs that were taken, as long as their nonce is good.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Proofs of one step that are remembered: some ten MiB. Beyond it none is taken, which is better than taking one twice.
const MOST: usize = 200_000;

/// What was seen, by the step of its nonce.
#[derive(Default)]
pub(super) struct Seen {
    slots: Mutex<Vec<(i64, HashSet<[u8; 32]>)>>,
}

impl Seen {
    /// Takes a proof for the first time.
    pub(super) fn insert(&self, slot: i64, proof: [u8; 32]) -> Result<(), &'static str> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.iter().any(|(known, _)| *known == slot) {
            slots.push((slot, HashSet::new()));
        }
        // The nonces of a step that is two behind are good no more.
        let newest = slots.iter().map(|(known, _)| *known).max().unwrap_or(slot);
        slots.retain(|(known, _)| newest - known < 2);
        let Some((_, seen)) = slots.iter_mut().find(|(known, _)| *known == slot) else {
            return Err("the proof is too old");
        };
        if seen.len() >= MOST {
            return Err("the server has taken too many proofs in the last minutes");
        }
        if seen.insert(proof) { Ok(()) } else { Err("the proof was used before") }
    }
}
