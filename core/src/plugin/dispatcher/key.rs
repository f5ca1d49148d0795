//! Keys that deliveries are signed with, in the form in which Standard Webhooks writes them.

use std::fmt;

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine};
use ring::{hmac, signature};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::net::Secret;

/// Bytes that a key for HMAC may have.
const HMAC_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Of an Ed25519 key: the seed, and the public half that may stand behind it.
const SEED_BYTES: usize = 32;
const PAIR_BYTES: usize = 64;

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256. The secret is `whsec_` and 24 to 64 bytes in base64, shared with the receiver.
    HmacSha256,
    /// Ed25519. The secret is `whsk_` and in base64 the seed of 32 bytes, alone or with the public key behind it.
    Ed25519,
}

impl Algorithm {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::HmacSha256 => "whsec_",
            Self::Ed25519 => "whsk_",
        }
    }
}

/// A key that a dispatcher can sign with and never sees.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    secret: Secret,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hmac(hmac::Key),
    Ed25519(std::sync::Arc<signature::Ed25519KeyPair>),
}

/// A secret is none that signs. It is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the signing key `{name}` cannot be used: {why}")]
pub struct KeyError {
    /// Which key.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl SigningKey {
    /// Reads a secret, under the name that a dispatcher uses for it.
    pub fn new(name: impl Into<String>, algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        let name = name.into();
        match material(algorithm, secret) {
            Ok(material) => Ok(Self { name, secret: secret.clone(), material }),
            Err(why) => Err(KeyError { name, why }),
        }
    }

    /// What a dispatcher calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Hmac(_) => Algorithm::HmacSha256,
            Material::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    pub(in crate::plugin) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The public half of an Ed25519 key.
    pub fn public(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Hmac(_) => None,
            Material::Ed25519(pair) => Some(signature::KeyPair::public_key(pair.as_ref()).as_ref()),
        }
    }

    /// The key of HMAC, to check with.
    #[cfg(feature = "event")]
    pub(crate) fn shared(&self) -> Option<hmac::Key> {
        match &self.material {
            Material::Hmac(key) => Some(key.clone()),
            Material::Ed25519(_) => None,
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.material {
            Material::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Material::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {})", self.name, self.algorithm().as_str())
    }
}

fn material(algorithm: Algorithm, secret: &Secret) -> Result<Material, &'static str> {
    let encoded = secret.expose().strip_prefix(algorithm.prefix()).ok_or(match algorithm {
        Algorithm::HmacSha256 => "it does not begin with `whsec_`",
        Algorithm::Ed25519 => "it does not begin with `whsk_`",
    })?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| "it is not base64 behind its prefix")?);
    match (algorithm, bytes.len()) {
        (Algorithm::HmacSha256, length) if HMAC_BYTES.contains(&length) => {
            Ok(Material::Hmac(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
        }
        (Algorithm::HmacSha256, _) => Err("it has not 24 to 64 bytes"),
        (Algorithm::Ed25519, SEED_BYTES | PAIR_BYTES) => {
            let (seed, public) = bytes.split_at(SEED_BYTES);
            let pair = match public {
                [] => signature::Ed25519KeyPair::from_seed_unchecked(seed),
                public => signature::Ed25519KeyPair::from_seed_and_public_key(seed, public),
            };
            let pair = pair.map_err(|_| "its two halves do not belong together")?;
            Ok(Material::Ed25519(std::sync::Arc::new(pair)))
        }
        (Algorithm::Ed25519, _) => Err("it has neither 32 nor 64 bytes"),
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::KeyPair;

    use super::*;

    fn key(algorithm: Algorithm, secret: &str) -> Result<SigningKey, KeyError> {
        SigningKey::new("k", algorithm, &Secret::new(secret))
    }

    #[test]
    fn a_signature_is_that_of_the_specifications_example() {
        let key = key(Algorithm::HmacSha256, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let message = br#"msg_27UH4WbU6Z5A5EzD8u03UvzRbpk.1649367553.{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(STANDARD.encode(key.sign(message)), "tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn an_ed25519_key_signs_with_its_seed_with_and_without_the_public_half() {
        let seed = [7; SEED_BYTES];
        let pair = signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let whole = [&seed[..], pair.public_key().as_ref()].concat();
        for bytes in [&seed[..], &whole] {
            let key = key(Algorithm::Ed25519, &format!("whsk_{}", STANDARD.encode(bytes))).unwrap();
            assert_eq!(key.sign(b"message"), pair.sign(b"message").as_ref());
        }
        let other = format!("whsk_{}", STANDARD.encode([7; PAIR_BYTES]));
        assert!(key(Algorithm::Ed25519, &other).unwrap_err().why.contains("belong together"));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for (algorithm, secret, why) in [
            (Algorithm::HmacSha256, "C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned(), "`whsec_`"),
            (Algorithm::HmacSha256, "whsec_?canary?".to_owned(), "base64"),
            (Algorithm::HmacSha256, format!("whsec_{}", STANDARD.encode([0; 23])), "24 to 64"),
            (Algorithm::HmacSha256, format!("whsec_{}", STANDARD.encode([0; 65])), "24 to 64"),
            (Algorithm::Ed25519, format!("whsec_{}", STANDARD.encode([0; 32])), "`whsk_`"),
            (Algorithm::Ed25519, format!("whsk_{}", STANDARD.encode([0; 33])), "32 nor 64"),
        ] {
            let error = key(algorithm, &secret).unwrap_err();
            assert!(error.why.contains(why), "{error}");
            assert!(!error.to_string().contains(&secret[6..]), "{error}");
        }
    }
}
