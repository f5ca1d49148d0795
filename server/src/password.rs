//! Passwords: Argon2id, with the parameters that OWASP names as a minimum and the library as its default.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};

/// What registration asks for at least; NIST SP 800-63B says 8.
pub(crate) const MIN_LEN: usize = 8;
/// Longer ones are refused, so that hashing cannot be made slow.
pub(crate) const MAX_LEN: usize = 512;

/// Hashes a password into a PHC string.
pub(crate) fn hash(password: &str) -> Result<String, Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
}

/// Whether a password is the one that `stored` was made of. Without `stored` it takes as long, and is not.
pub(crate) fn matches(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let phc = stored.unwrap_or_else(|| NOBODY.get_or_init(|| hash("nobody's").unwrap_or_default()));
    let good = PasswordHash::new(phc)
        .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
    good && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(matches("correct horse", Some(&stored)));
        assert!(!matches("Correct horse", Some(&stored)));
        assert!(!matches("nobody's", None));
        assert!(!matches("", Some("not a hash")));
    }
}
