//! Secrets that the server hands out: random, told once, kept as a hash.
//!
//! A token carries 250 random bits, so a plain SHA-256 of it is enough to keep; passwords, which people choose, go through
//! Argon2id (`password.rs`).

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of a secret: 42 × log2(62) = 250 bits.
const SECRET_LEN: usize = 42;

/// A secret on its way to whoever it belongs to. Shown by [`Secret::expose`] alone.
pub(crate) struct Secret(String);

/// What is kept of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SecretHash(pub(crate) [u8; 32]);

impl Secret {
    /// A new one that begins with `prefix`.
    pub(crate) fn new(prefix: &str) -> Self {
        Self(format!("{prefix}{}", random_name(SECRET_LEN)))
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

/// `len` random characters of 0-9A-Za-z.
pub(crate) fn random_name(len: usize) -> String {
    let mut name = String::with_capacity(len);
    while name.len() < len {
        let mut bytes = [0u8; 64];
        if getrandom::fill(&mut bytes).is_err() {
            // The kernel's source fails only where the process may not use it at all; there is no safe way on.
            std::process::abort();
        }
        // Values from 248 on are dropped: 256 is no multiple of 62.
        let usable = bytes.iter().filter(|b| **b < 248);
        name.extend(usable.take(len - name.len()).map(|b| char::from(ALPHABET[usize::from(b % 62)])));
    }
    name
}
