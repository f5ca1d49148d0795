//! The secret of an endpoint, in the form of Standard Webhooks.

use base64::prelude::{BASE64_STANDARD, Engine};
use zeroize::Zeroizing;

use super::EventError;
use crate::net::Secret;
use crate::plugin::{Algorithm, SigningKey};

const PREFIX: &str = "whsec_";

/// Bytes of one that is made here.
const BYTES: usize = 32;

/// `whsec_` and 24 to 64 bytes in base64. It cannot be printed; [`WebhookSecret::secret`] gives it out, to be stored or shown once.
#[derive(Debug, Clone)]
pub struct WebhookSecret(Secret);

impl WebhookSecret {
    /// A new one: 32 bytes from the system's random source.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0u8; BYTES]);
        if getrandom::fill(bytes.as_mut_slice()).is_err() {
            // The kernel's source fails only where the process may not use it at all; there is no safe way on.
            std::process::abort();
        }
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(bytes.as_slice()));
        Self(Secret::new([PREFIX, encoded.as_str()].concat()))
    }

    /// One that comes from elsewhere. What is refused is not repeated.
    pub fn import(text: &str) -> Result<Self, EventError> {
        let secret = Secret::new(text.trim());
        SigningKey::new("imported", Algorithm::HmacSha256, &secret)
            .map_err(|error| EventError::Secret { why: error.why })?;
        Ok(Self(secret))
    }

    /// The secret itself.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}
