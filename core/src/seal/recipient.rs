//! For whom an account's key is wrapped: the recovery phrase, a passphrase, each device.
//!
//! A recipient is an X25519 key pair. Wrapping (HPKE, RFC 9180, base mode) needs the public half alone, so that a device can start a
//! new epoch for all others. Since anybody can wrap something for a public key, a recipient also keeps a *proof*: its own mark on the
//! account's key as it was when the recipient was added. Who made a later key without knowing that one cannot satisfy it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::derive;
use super::passphrase::{Params, Stretched};
use super::secret::secret;
use super::{AccountKey, Epochs, KeyId, Phrase};

/// An encapsulated key, the account's key, a tag.
const WRAPPED_BYTES: usize = 32 + 32 + 16;

/// The longest name, or provider's id, of a device.
const MAX_NAME: usize = 200;

secret!(
    /// The private half of a recipient. It is wiped when it is dropped, and has no form that can be printed.
    RecipientSecret
);

impl RecipientSecret {
    /// A secret from what a person keeps; `from` says of what kind that is.
    pub(super) fn derived(from: &[u8], secret: &[u8]) -> Self {
        Self(derive(from, secret, &[b"orkee recipient"]))
    }

    /// The public half.
    pub fn key(&self) -> RecipientKey {
        RecipientKey(
            self.private()
                .map(|private| X25519HkdfSha256::sk_to_pk(&private).to_bytes().into())
                .unwrap_or_default(),
        )
    }

    fn private(&self) -> Option<<X25519HkdfSha256 as Kem>::PrivateKey> {
        // Any 32 bytes are a private key of X25519.
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(self.0.as_slice()).ok()
    }

    /// What this recipient says of an account's key that it knows to be the right one.
    fn prove(&self, id: KeyId, epoch: u32, key: &AccountKey) -> hmac::Tag {
        hmac::sign(&self.proof_key(), &proven(id, epoch, key))
    }

    fn proof_key(&self) -> hmac::Key {
        hmac::Key::new(
            hmac::HMAC_SHA256,
            derive(b"orkee recipient", self.0.as_slice(), &[b"orkee proof"]).as_slice(),
        )
    }
}

fn proven(id: KeyId, epoch: u32, key: &AccountKey) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&b"orkee proof\0"[..], id.as_bytes(), &epoch.to_be_bytes(), key.expose()].concat())
}

/// The public half of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecipientKey([u8; 32]);

impl RecipientKey {
    fn wrap(&self, id: KeyId, epoch: u32, kind: RecipientKind, key: &AccountKey) -> Option<Wrapped> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.0).ok()?;
        let (encapsulated, sealed) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &public,
                &info(id, epoch, kind),
                key.expose(),
                &[],
            )
            .ok()?;
        let mut bytes = [0; WRAPPED_BYTES];
        bytes[..32].copy_from_slice(&encapsulated.to_bytes());
        bytes[32..].copy_from_slice(sealed.get(..WRAPPED_BYTES - 32)?);
        Some(Wrapped(bytes))
    }
}

impl fmt::Display for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl FromStr for RecipientKey {
    type Err = NotBytes;

    fn from_str(text: &str) -> Result<Self, NotBytes> {
        Ok(Self(decode(text)?))
    }
}

impl TryFrom<String> for RecipientKey {
    type Error = NotBytes;

    fn try_from(text: String) -> Result<Self, NotBytes> {
        text.parse()
    }
}

impl From<RecipientKey> for String {
    fn from(key: RecipientKey) -> Self {
        key.to_string()
    }
}

/// An account's key, wrapped for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Wrapped([u8; WRAPPED_BYTES]);

impl TryFrom<String> for Wrapped {
    type Error = NotBytes;

    fn try_from(text: String) -> Result<Self, NotBytes> {
        Ok(Self(decode(&text)?))
    }
}

impl From<Wrapped> for String {
    fn from(wrapped: Wrapped) -> Self {
        STANDARD.encode(wrapped.0)
    }
}

fn info(id: KeyId, epoch: u32, kind: RecipientKind) -> Vec<u8> {
    [&b"orkee account key\0"[..], id.as_bytes(), &epoch.to_be_bytes(), kind.name().as_bytes()].concat()
}

/// Who holds a recipient's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipientKind {
    /// The 24 words.
    Recovery,
    /// A passphrase that somebody remembers.
    Passphrase,
    /// A device.
    Device,
}

impl RecipientKind {
    /// As the document writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Passphrase => "passphrase",
            Self::Device => "device",
        }
    }
}

/// Which key a recipient knew for the right one when it was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    epoch: u32,
    tag: String,
}

/// One for whom the account's key is wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Who it is.
    pub kind: RecipientKind,
    /// Names it within the document: `recovery`, `passphrase`, or a device's random name.
    pub id: String,
    /// A device's name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the provider calls the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Its public half.
    pub key: RecipientKey,
    wrapped: Wrapped,
    proof: Proof,
    /// Of a passphrase: how it is stretched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretch: Option<Params>,
    /// When it was added, RFC 3339 UTC.
    pub added: String,
}

impl Recipient {
    /// The holder of the phrase.
    pub fn recovery(epochs: &Epochs, phrase: &Phrase, added: &str) -> Self {
        Self::new(epochs, RecipientKind::Recovery, "recovery".to_owned(), &phrase.recipient(), added)
    }

    /// The holder of a passphrase, which was stretched beforehand.
    pub fn passphrase(epochs: &Epochs, stretched: &Stretched, added: &str) -> Self {
        let kind = RecipientKind::Passphrase;
        let recipient = Self::new(epochs, kind, "passphrase".to_owned(), &stretched.recipient(), added);
        Self { stretch: Some(stretched.params().clone()), ..recipient }
    }

    /// A device, by a name for people and what its provider calls it, which are cut to what a document may hold.
    pub fn device(
        epochs: &Epochs,
        secret: &RecipientSecret,
        name: &str,
        device: Option<&str>,
        added: &str,
    ) -> Self {
        let id = format!("d-{}", crate::id::random(10));
        let short =
            |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_NAME / 4).collect::<String>();
        Self {
            name: Some(short(name)),
            device: device.map(short),
            ..Self::new(epochs, RecipientKind::Device, id, secret, added)
        }
    }

    fn new(epochs: &Epochs, kind: RecipientKind, id: String, secret: &RecipientSecret, added: &str) -> Self {
        let (epoch, current) = epochs.current();
        let key = secret.key();
        // Wrapping fails for public keys of small order alone, which no secret gives.
        let wrapped = key.wrap(epochs.id(), epoch, kind, current).unwrap_or(Wrapped([0; WRAPPED_BYTES]));
        let tag = STANDARD.encode(secret.prove(epochs.id(), epoch, current));
        let proof = Proof { epoch, tag };
        Self {
            kind,
            id,
            name: None,
            device: None,
            key,
            wrapped,
            proof,
            stretch: None,
            added: added.to_owned(),
        }
    }

    /// The same recipient, for the newest of the epochs. None if its public key is not one.
    pub(super) fn wrapped_anew(&self, epochs: &Epochs) -> Option<Self> {
        let (epoch, current) = epochs.current();
        Some(Self { wrapped: self.key.wrap(epochs.id(), epoch, self.kind, current)?, ..self.clone() })
    }

    /// The account's key of an epoch, if it was wrapped for this secret.
    pub(super) fn unwrap(&self, id: KeyId, epoch: u32, secret: &RecipientSecret) -> Option<AccountKey> {
        let (encapsulated, sealed) = self.wrapped.0.split_at(32);
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
        let bytes = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &secret.private()?,
            &encapsulated,
            &info(id, epoch, self.kind),
            sealed,
            &[],
        );
        let bytes = Zeroizing::new(bytes.ok()?);
        Some(AccountKey::from_bytes(bytes.as_slice().try_into().ok()?))
    }

    /// Whether these are keys of the account that this recipient was added to.
    pub(super) fn vouches_for(&self, secret: &RecipientSecret, epochs: &Epochs) -> bool {
        let (Some(key), Ok(tag)) = (epochs.get(self.proof.epoch), decode::<32>(&self.proof.tag)) else {
            return false;
        };
        hmac::verify(&secret.proof_key(), &proven(epochs.id(), self.proof.epoch, key), &tag).is_ok()
    }

    /// Whether every part has a form and a size that a document may hold.
    pub(super) fn is_well_formed(&self, epoch: u32) -> bool {
        let named = |text: &String| text.len() <= MAX_NAME && !text.chars().any(char::is_control);
        let id = !self.id.is_empty()
            && self.id.len() <= 64
            && self.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        id && self.name.as_ref().is_none_or(named)
            && self.device.as_ref().is_none_or(named)
            && named(&self.added)
            && (1..=epoch).contains(&self.proof.epoch)
            && decode::<32>(&self.proof.tag).is_ok()
            && (self.kind == RecipientKind::Passphrase) == self.stretch.is_some()
            && self.stretch.as_ref().is_none_or(Params::is_bounded)
    }
}

/// A text that is not the base64 of as many bytes as are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not the base64 of as many bytes as it has to be")]
pub struct NotBytes;

pub(super) fn decode<const N: usize>(text: &str) -> Result<[u8; N], NotBytes> {
    // The engine's own check would allocate as much as the text says.
    if text.len() != N.div_ceil(3) * 4 {
        return Err(NotBytes);
    }
    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NotBytes)
}
