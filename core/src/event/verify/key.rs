//! What a receiver checks with: the shared secret, or the public half of a key pair.

use base64::prelude::{BASE64_STANDARD, Engine};
use ring::{hmac, signature};

use super::{V1, V1A};
use crate::net::Secret;
use crate::plugin::{Algorithm, KeyError, SigningKey};

/// In front of a public key in base64, as Standard Webhooks writes it.
const PUBLIC: &str = "whpk_";
const PRIVATE: &str = "whsk_";
const PUBLIC_BYTES: usize = 32;

/// A key that signatures are checked with.
#[derive(Debug, Clone)]
pub struct VerifyingKey(Material);

#[derive(Debug, Clone)]
enum Material {
    /// The text of the secret is kept, for it may have been used in a wrong way ([`super::explain`]).
    Shared(hmac::Key, Secret),
    Public([u8; PUBLIC_BYTES]),
}

impl VerifyingKey {
    /// Reads `whsec_…` (the shared secret), `whpk_…` (a public key) or `whsk_…` (a private one, of which the public half is used).
    /// What is refused is not repeated.
    pub fn parse(name: &str, secret: &Secret) -> Result<Self, KeyError> {
        let text = secret.expose().trim();
        let wrong = |why| KeyError { name: name.to_owned(), why };
        if let Some(encoded) = text.strip_prefix(PUBLIC) {
            let bytes =
                BASE64_STANDARD.decode(encoded).map_err(|_| wrong("it is not base64 behind its prefix"))?;
            let bytes = bytes.try_into().map_err(|_| wrong("it has not 32 bytes"))?;
            return Ok(Self(Material::Public(bytes)));
        }
        let secret = Secret::new(text);
        if text.starts_with(PRIVATE) {
            let pair = SigningKey::new(name, Algorithm::Ed25519, &secret)?;
            let public = pair.public().and_then(|public| public.try_into().ok());
            return Ok(Self(Material::Public(public.ok_or_else(|| wrong("it is no key pair"))?)));
        }
        let key = SigningKey::new(name, Algorithm::HmacSha256, &secret)?;
        let key = key.shared().ok_or_else(|| wrong("it is no shared secret"))?;
        Ok(Self(Material::Shared(key, secret)))
    }

    /// Of the signatures that it can check.
    pub(super) fn version(&self) -> &'static str {
        match self.0 {
            Material::Shared(..) => V1,
            Material::Public(_) => V1A,
        }
    }

    pub(super) fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            // Compares in constant time.
            Material::Shared(key, _) => hmac::verify(key, message, signature).is_ok(),
            Material::Public(key) => {
                signature::UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).is_ok()
            }
        }
    }

    /// The keys that come of a shared secret by taking its text for its bytes, with and without the prefix.
    pub(super) fn undecoded(&self) -> Vec<Self> {
        let Material::Shared(_, secret) = &self.0 else { return Vec::new() };
        let text = secret.expose();
        let without = text.split_once('_').map_or(text, |(_, encoded)| encoded);
        let key = |bytes: &str| hmac::Key::new(hmac::HMAC_SHA256, bytes.as_bytes());
        [text, without].map(|bytes| Self(Material::Shared(key(bytes), secret.clone()))).to_vec()
    }
}
