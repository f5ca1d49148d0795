//! Random names. One place makes them.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `len` characters of 0-9A-Za-z from the system's random source.
pub fn random(len: usize) -> String {
    let mut id = String::with_capacity(len);
    while id.len() < len {
        let mut bytes = [0u8; 32];
        if getrandom::fill(&mut bytes).is_err() {
            // The kernel's source fails only where the process may not use it at all; there is no safe way on.
            std::process::abort();
        }
        // Values from 248 on are dropped: 256 is no multiple of 62.
        id.extend(bytes.iter().filter(|b| **b < 248).take(len - id.len()).map(|b| char::from(ALPHABET[usize::from(b % 62)])));
    }
    id
}
