//! An account's key, one an epoch, and the name by which the account's keys are known through all epochs.

use std::fmt;
use std::str::FromStr;

use ring::hkdf;
use thiserror::Error;
use zeroize::Zeroizing;

use super::secret::secret;

secret!(
    /// The key of one epoch of an account. It is wiped when it is dropped, and has no form that can be printed.
    AccountKey
);

impl AccountKey {
    /// A few characters that two people can compare to see that they hold the same key. They tell nothing else of it.
    pub fn check_value(&self) -> String {
        let check = self.derive(&[b"orkee check value"]);
        hex::encode(&check[..8])
    }

    /// A key for another purpose, which `info` names.
    pub(super) fn derive(&self, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        derive(b"orkee account key", self.0.as_slice(), info)
    }
}

/// 32 bytes of HKDF with SHA-256.
pub(super) fn derive(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let filled = extracted.expand(info, hkdf::HKDF_SHA256).and_then(|all| all.fill(bytes.as_mut_slice()));
    if filled.is_err() {
        // HKDF refuses more than 255 blocks; this asks for one.
        std::process::abort();
    }
    bytes
}

/// Bytes from the system's random source.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // The kernel's source fails only where the process may not use it at all; a guessable key is no way on.
        std::process::abort();
    }
    bytes
}

/// Names an account's keys through all epochs. It is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// A new one, from the system's random source.
    pub fn generate() -> Self {
        Self(random())
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A text that names no account's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key id is 32 hexadecimal digits, in lower case")]
pub struct KeyIdError;

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| KeyIdError)?;
        // One id has one text: the document that names it is authenticated as text.
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(KeyIdError);
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_text() {
        let id = KeyId::generate();
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        for wrong in ["", "0", &"0".repeat(31), &"0".repeat(33), &"A".repeat(32), &"g".repeat(32)] {
            assert_eq!(wrong.parse::<KeyId>(), Err(KeyIdError), "{wrong}");
        }
    }

    #[test]
    fn the_check_values_of_two_keys_differ() {
        let key = AccountKey::generate();
        assert_eq!(key.check_value(), AccountKey::from_bytes(*key.expose()).check_value());
        assert_ne!(key.check_value(), AccountKey::generate().check_value());
    }
}
