//! A passphrase as a recipient: stretched by Argon2id, as hard as this machine bears.
//!
//! Stretching takes a second on purpose. It is done when an account is made or a device joins, never on the path of another command.
//! How hard it is stands in the key document, so it is bounded: a document cannot make a device run out of memory or of patience.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use super::RecipientSecret;
use super::key::random;
use super::recipient::decode;
use crate::diagnostic::{Diagnostic, Kind};

/// KiB. The least that a document may ask for, what a new passphrase gets at least, and the most.
const LEAST_MEMORY: u32 = 8 * 1024;
const USUAL_MEMORY: u32 = 64 * 1024;
const MOST_MEMORY: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 24;
const MOST_LANES: u32 = 8;

/// How long stretching should take on the machine where the passphrase is chosen.
const WANTED: Duration = Duration::from_millis(800);

/// How a passphrase is stretched, as the key document has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// 16 random bytes in base64.
    salt: String,
    /// KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// Why a passphrase cannot be stretched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StretchError {
    /// Too little, or too much, work asked for.
    #[error("the passphrase is to be stretched in a way that this version does not accept")]
    Bounds,
    /// Not enough memory.
    #[error("stretching the passphrase takes {0} MiB of memory, which this machine does not give")]
    Memory(u32),
}

impl Diagnostic for StretchError {
    fn code(&self) -> &'static str {
        "E-KEY-014"
    }

    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Bounds => Some("use the recovery phrase".to_owned()),
            Self::Memory(_) => Some("close other programs, or use the recovery phrase".to_owned()),
        }
    }
}

impl Params {
    /// With a new salt, and as much work as this machine does in somewhat less than a second: 64 MiB and three passes at least.
    pub fn calibrate() -> Self {
        let trial = Self { salt: new_salt(), memory: USUAL_MEMORY / 2, passes: 1, lanes: 1 };
        let started = Instant::now();
        let one = trial.stretch("trial").map(|_| started.elapsed()).unwrap_or(WANTED);
        // How many times 32 MiB can be passed over in the wanted time.
        let times = u32::try_from(WANTED.as_micros() / one.as_micros().max(1)).unwrap_or(u32::MAX);
        let memory = if times >= 4 * 8 { 4 * USUAL_MEMORY } else { USUAL_MEMORY };
        let passes = (times / (memory / trial.memory)).clamp(3, MOST_PASSES / 2);
        Self { memory, passes, ..trial }
    }

    /// With a new salt and the least work that is accepted: for tests, which choose no passphrase that has to be kept.
    pub fn least() -> Self {
        Self { salt: new_salt(), memory: LEAST_MEMORY, passes: 1, lanes: 1 }
    }

    /// Whether a document may ask for it.
    pub(super) fn is_bounded(&self) -> bool {
        decode::<16>(&self.salt).is_ok()
            && (LEAST_MEMORY..=MOST_MEMORY).contains(&self.memory)
            && (1..=MOST_PASSES).contains(&self.passes)
            && (1..=MOST_LANES).contains(&self.lanes)
    }

    /// Stretches a passphrase; this takes about a second.
    pub fn stretch(&self, passphrase: &str) -> Result<Stretched, StretchError> {
        let salt = decode::<16>(&self.salt).map_err(|_| StretchError::Bounds)?;
        if !self.is_bounded() {
            return Err(StretchError::Bounds);
        }
        let params = argon2::Params::new(self.memory, self.passes, self.lanes, Some(32))
            .map_err(|_| StretchError::Bounds)?;
        let count = params.block_count();
        // What a document asks for is reserved with an error at hand: the allocator's own answer to too much is to end the process.
        let mut memory: Vec<Block> = Vec::new();
        memory.try_reserve_exact(count).map_err(|_| StretchError::Memory(self.memory / 1024))?;
        memory.resize(count, Block::default());
        let mut out = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase.as_bytes(), &salt, out.as_mut_slice(), &mut memory)
            .map_err(|_| StretchError::Bounds)?;
        Ok(Stretched { out, params: self.clone() })
    }
}

fn new_salt() -> String {
    STANDARD.encode(random::<16>())
}

/// A stretched passphrase.
pub struct Stretched {
    out: Zeroizing<[u8; 32]>,
    params: Params,
}

impl Stretched {
    /// How it was stretched.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The recipient whose secret it is.
    pub fn recipient(&self) -> RecipientSecret {
        RecipientSecret::derived(b"orkee passphrase", self.out.as_slice())
    }

    /// The 32 bytes, for what is sealed by a passphrase alone.
    pub fn expose(&self) -> &[u8; 32] {
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_cannot_ask_for_more_work_or_less_than_is_reasonable() {
        let good = Params::least();
        assert!(good.is_bounded());
        for wrong in [
            Params { memory: MOST_MEMORY + 1, ..good.clone() },
            Params { memory: u32::MAX, ..good.clone() },
            Params { memory: LEAST_MEMORY - 1, ..good.clone() },
            Params { passes: MOST_PASSES + 1, ..good.clone() },
            Params { passes: 0, ..good.clone() },
            Params { lanes: 0, ..good.clone() },
            Params { lanes: MOST_LANES + 1, ..good.clone() },
            Params { salt: "AAAA".to_owned(), ..good.clone() },
        ] {
            assert!(!wrong.is_bounded(), "{wrong:?}");
            assert_eq!(wrong.stretch("x").err(), Some(StretchError::Bounds));
        }
    }

    #[test]
    fn the_same_passphrase_gives_the_same_secret_and_another_salt_another() {
        let params = Params::least();
        let first = params.stretch("correct horse").unwrap().recipient().key();
        assert_eq!(params.stretch("correct horse").unwrap().recipient().key(), first);
        assert_ne!(params.stretch("correct hoarse").unwrap().recipient().key(), first);
        assert_ne!(Params::least().stretch("correct horse").unwrap().recipient().key(), first);
    }

    #[test]
    fn what_is_chosen_for_this_machine_is_at_least_usual_and_can_be_asked_for() {
        let params = Params::calibrate();
        assert!(params.is_bounded() && params.memory >= USUAL_MEMORY && params.passes >= 3, "{params:?}");
    }
}
