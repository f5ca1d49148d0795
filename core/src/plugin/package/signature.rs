//! Ed25519 (RFC 8032) over a packed component.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::PackageError;
use crate::net::Secret;

/// The first byte of a signature's section.
const FORMAT: u8 = 1;
const KEY: usize = 32;
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const PREFIX: &str = "ed25519:";

/// Who signed: what is remembered of an author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; KEY]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64_STANDARD.encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = PackageError;

    fn from_str(text: &str) -> Result<Self, PackageError> {
        let wrong = PackageError::Key("it is not `ed25519:` and 32 bytes in base64");
        let bytes = text.strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(wrong)
    }
}

/// A publisher's own key, with which it signs.
#[derive(Debug)]
pub struct PublisherKey(Ed25519KeyPair);

impl PublisherKey {
    /// Reads a PKCS #8 key in PEM (RFC 7468, RFC 8410), as OpenSSL writes it.
    pub fn from_pem(pem: &str) -> Result<Self, PackageError> {
        let body = pem.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(body, _)| body);
        let body = body.ok_or(PackageError::Key("it is no private key in PEM"))?;
        let text: String = body.split_whitespace().collect();
        let der = BASE64_STANDARD.decode(text).map_err(|_| PackageError::Key("its PEM is damaged"))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        pair.map(Self).map_err(|_| PackageError::Key("it is no Ed25519 key"))
    }

    /// A new key, as PEM.
    pub fn generate() -> Result<Secret, PackageError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| PackageError::Key("the system gives no randomness"))?;
        let text = BASE64_STANDARD.encode(document.as_ref());
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
        Ok(Secret::new(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))))
    }

    /// What others know it by.
    pub fn public(&self) -> PublicKey {
        let mut key = [0; KEY];
        key.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(key)
    }

    /// The content of a signature's section.
    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(bytes);
        [&[FORMAT], self.0.public_key().as_ref(), signature.as_ref()].concat()
    }
}

/// Who signed `bytes`, given the content of the signature's section.
pub(super) fn verify(bytes: &[u8], section: &[u8]) -> Result<PublicKey, PackageError> {
    let Some((&FORMAT, rest)) = section.split_first() else {
        return Err(PackageError::Signature("it is of a kind that this Orkee does not know"));
    };
    let (key, signature) =
        rest.split_first_chunk::<KEY>().ok_or(PackageError::Signature("it is cut short"))?;
    let checked = UnparsedPublicKey::new(&ED25519, key).verify(bytes, signature);
    checked.map_err(|_| PackageError::Signature("it does not fit the file"))?;
    Ok(PublicKey(*key))
}
