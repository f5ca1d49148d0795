//! Secrets that the server hands out: random, told once, kept as a hash.
//!
//! A token carries 250 random bits, so a plain SHA-256 of it is enough to keep; passwords, which people choose, go through
//! Argon2id (`password.rs`).

use orkee_core::id;
use sha2::{Digest, Sha256};

/// Characters of a secret: 42 × log2(62) = 250 bits.
const SECRET_LEN: usize = 42;

/// A secret on its way to whoever it belongs to. Shown by [`Secret::expose`] alone.
pub(crate) struct Secret(String);

/// What is kept of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SecretHash(pub(crate) [u8; 32]);

impl Secret {
    /// A new one that begins with `prefix`.
    pub(crate) fn new(prefix: &str) -> Self {
        Self(format!("{prefix}{}", id::random(SECRET_LEN)))
    }

    /// The secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What to keep of it.
    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl SecretHash {
    /// Of a secret that somebody brought.
    pub(crate) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }
}
