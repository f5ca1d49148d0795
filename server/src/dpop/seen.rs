//! Proofs that were taken, as long as their nonce is good.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::Thumbprint;

/// Proofs of one step that are remembered: some twenty MiB. Beyond it none is taken, which is better than taking one twice.
const MOST: usize = 200_000;
/// And those of one key, so that no device uses up what all others need as well: sixty a second.
const MOST_OF_KEY: usize = 20_000;

/// What was seen, by the step of its nonce.
#[derive(Default)]
pub(super) struct Seen {
    slots: Mutex<Vec<(i64, Slot)>>,
}

#[derive(Default)]
struct Slot {
    proofs: HashSet<[u8; 32]>,
    of_key: HashMap<[u8; 32], usize>,
}

impl Seen {
    /// Takes a proof of a key for the first time.
    pub(super) fn insert(&self, slot: i64, key: Thumbprint, proof: [u8; 32]) -> Result<(), &'static str> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.iter().any(|(known, _)| *known == slot) {
            slots.push((slot, Slot::default()));
        }
        // The nonces of a step that is two behind are good no more.
        let newest = slots.iter().map(|(known, _)| *known).max().unwrap_or(slot);
        slots.retain(|(known, _)| newest - known < 2);
        let Some((_, seen)) = slots.iter_mut().find(|(known, _)| *known == slot) else {
            return Err("the proof is too old");
        };
        if seen.proofs.len() >= MOST {
            return Err("the server has taken too many proofs in the last minutes");
        }
        let of_key = seen.of_key.entry(key.0).or_default();
        if *of_key >= MOST_OF_KEY {
            return Err("the server has taken too many proofs of this key in the last minutes");
        }
        if !seen.proofs.insert(proof) {
            return Err("the proof was used before");
        }
        *of_key += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(n: usize) -> [u8; 32] {
        let mut proof = [0; 32];
        proof[..8].copy_from_slice(&n.to_be_bytes());
        proof
    }

    #[test]
    fn one_key_does_not_use_up_the_room_of_the_others() {
        let (seen, busy, other) = (Seen::default(), Thumbprint([1; 32]), Thumbprint([2; 32]));
        for n in 0..MOST_OF_KEY {
            seen.insert(0, busy, proof(n)).unwrap();
        }
        assert!(seen.insert(0, busy, proof(MOST_OF_KEY)).is_err());
        assert_eq!(seen.insert(0, other, proof(MOST_OF_KEY)), Ok(()));
        assert_eq!(seen.insert(1, busy, proof(MOST_OF_KEY + 1)), Ok(()), "the next step begins anew");
    }

    #[test]
    fn a_full_step_takes_none_of_anybody() {
        let seen = Seen::default();
        for n in 0..MOST {
            seen.insert(0, Thumbprint([(n / MOST_OF_KEY) as u8; 32]), proof(n)).unwrap();
        }
        assert!(seen.insert(0, Thumbprint([99; 32]), proof(MOST)).is_err());
    }
}
