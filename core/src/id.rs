//! Random names. One place makes them; randomness is a parameter where a test has to replay it.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Makes names.
pub trait Ids: Send + Sync {
    /// `len` characters of 0-9A-Za-z.
    fn random(&self, len: usize) -> String;
}

/// Names from the system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn random(&self, len: usize) -> String {
        random(len)
    }
}

/// `len` characters of 0-9A-Za-z from the system's random source.
pub fn random(len: usize) -> String {
    let mut id = String::with_capacity(len);
    while id.len() < len {
        let mut bytes = [0u8; 32];
        if getrandom::fill(&mut bytes).is_err() {
            // The kernel's source fails only where the process may not use it at all; there is no safe way on.
            std::process::abort();
        }
        id.extend(characters(&bytes).take(len - id.len()));
    }
    id
}

/// Characters of 0-9A-Za-z, one for most of the bytes, all equally likely where the bytes are.
pub(crate) fn characters(bytes: &[u8]) -> impl Iterator<Item = char> {
    // Values from 248 on are dropped: 256 is no multiple of 62.
    bytes.iter().filter(|b| **b < 248).map(|b| char::from(ALPHABET[usize::from(b % 62)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_length_asked_for_and_only_letters_and_digits() {
        for len in [0, 1, 8, 32, 33, 200] {
            let name = random(len);
            assert_eq!(name.len(), len);
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
        }
        assert_ne!(random(16), random(16));
    }
}
