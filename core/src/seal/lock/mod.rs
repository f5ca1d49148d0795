//! Sealed on this device: the lock key, which seals chosen fields of the store and the account's keys, who can open it, and where
//! it is while the device is unlocked.
//!
//! The lock key is made once and never stands on a disk but sealed: for a passphrase, and for the recovery phrase of each account whose
//! key is here. While it is unlocked it is in `XDG_RUNTIME_DIR`, which is memory and ends with the session, until a time.
//!
//! A text's nonce is a keyed digest of the text and of what it is bound to. So one text has one sealed form, which is all that somebody
//! who reads the file learns: that a field of a record has the value again that it had. Nothing can be learnt from a repeated nonce.

mod error;
mod holders;
mod runtime;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use ring::hmac;
use zeroize::Zeroizing;

pub use error::LockError;
pub use holders::Holders;
pub use runtime::{Runtime, Until};

use super::KeyId;
use super::key::{derive, random};
use crate::store::{FieldSeal, LockKeys};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const DOMAIN: &[u8] = b"orkee at rest\0";

/// The key that seals what is locked on this device. It is wiped when it is dropped.
#[derive(Clone)]
pub struct LockKey {
    id: KeyId,
    bytes: Zeroizing<[u8; 32]>,
    seal: Zeroizing<[u8; 32]>,
    nonce: hmac::Key,
}

impl LockKey {
    /// A new one, from the system's random source.
    pub fn generate() -> Self {
        Self::from_bytes(KeyId::generate(), Zeroizing::new(random()))
    }

    /// The key of this id with these bytes.
    pub fn from_bytes(id: KeyId, bytes: Zeroizing<[u8; 32]>) -> Self {
        let part = |info: &[u8]| derive(b"orkee lock key", bytes.as_slice(), &[info]);
        let nonce = hmac::Key::new(hmac::HMAC_SHA256, part(b"nonce").as_slice());
        Self { id, seal: part(b"seal"), nonce, bytes }
    }

    /// What it is called.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Its bytes, to be sealed for a holder or kept in memory, never printed.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Seals bytes that are kept under a name. None: they are too many.
    pub fn seal_bytes(&self, name: &str, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal_at(&self.bound("", name), plain)
    }

    /// What was sealed under this name; none: by another key, under another name, or it was changed.
    pub fn open_bytes(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.open_at(&self.bound("", name), sealed)
    }

    fn bound(&self, record: &str, field: &str) -> Vec<u8> {
        let mut bound = [DOMAIN, self.id.as_bytes()].concat();
        for text in [record, field] {
            // Lengths in front, so that no two pairs are one text.
            bound.extend((text.len() as u64).to_be_bytes());
            bound.extend(text.as_bytes());
        }
        bound
    }

    fn seal_at(&self, bound: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mut context = hmac::Context::with_key(&self.nonce);
        context.update(&(bound.len() as u64).to_be_bytes());
        context.update(bound);
        context.update(plain);
        let digest = context.sign();
        let nonce: [u8; NONCE_BYTES] = digest.as_ref().get(..NONCE_BYTES)?.try_into().ok()?;
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + TAG_BYTES);
        sealed.extend(nonce);
        sealed.extend(plain);
        let tag = self
            .cipher()
            .encrypt_inout_detached(&XNonce::from(nonce), bound, (&mut sealed[NONCE_BYTES..]).into())
            .ok()?;
        sealed.extend(tag);
        Some(sealed)
    }

    fn open_at(&self, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
        let (text, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let tag: [u8; TAG_BYTES] = tag.try_into().ok()?;
        let mut plain = Zeroizing::new(text.to_vec());
        self.cipher()
            .decrypt_inout_detached(&XNonce::from(nonce), bound, plain.as_mut_slice().into(), &Tag::from(tag))
            .ok()?;
        Some(plain)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key: &[u8; 32] = &self.seal;
        XChaCha20Poly1305::new(key.into())
    }
}

impl std::fmt::Debug for LockKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LockKey({})", self.id)
    }
}

impl FieldSeal for LockKey {
    fn seal(&self, record: &str, field: &str, plain: &[u8]) -> Option<String> {
        Some(URL_SAFE_NO_PAD.encode(self.seal_at(&self.bound(record, field), plain)?))
    }

    fn open(&self, record: &str, field: &str, sealed: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        self.open_at(&self.bound(record, field), &sealed).map(|plain| plain.to_vec())
    }
}

/// A key that was just typed: for the command that asked for it alone.
impl LockKeys for LockKey {
    fn key(&self, id: &str) -> Option<Arc<dyn FieldSeal>> {
        (id == self.id.to_string()).then(|| Arc::new(self.clone()) as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_in_its_place_alone_and_by_its_key_alone() {
        let (key, other) = (LockKey::generate(), LockKey::generate());
        let sealed = key.seal("aaaaaaaa", "description", b"words").unwrap();
        assert_eq!(key.open("aaaaaaaa", "description", &sealed).unwrap(), b"words");
        assert_eq!(key.open("bbbbbbbb", "description", &sealed), None);
        assert_eq!(key.open("aaaaaaaa", "devScript", &sealed), None);
        assert_eq!(key.open("aaaaaaaadescriptio", "n", &sealed), None);
        assert_eq!(other.open("aaaaaaaa", "description", &sealed), None);
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert_eq!(key.open("aaaaaaaa", "description", &URL_SAFE_NO_PAD.encode(&bytes)), None, "{at}");
            assert_eq!(
                key.open("aaaaaaaa", "description", &URL_SAFE_NO_PAD.encode(&bytes[..at])),
                None,
                "{at}"
            );
        }
    }

    #[test]
    fn one_text_has_one_sealed_form_and_another_text_shares_no_nonce_with_it() {
        let key = LockKey::generate();
        let seal = |record, text: &[u8]| key.seal(record, "description", text).unwrap();
        assert_eq!(seal("aaaaaaaa", b"words"), seal("aaaaaaaa", b"words"));
        let nonce = |sealed: String| sealed[..32].to_owned();
        assert_ne!(nonce(seal("aaaaaaaa", b"words")), nonce(seal("bbbbbbbb", b"words")));
        assert_ne!(nonce(seal("aaaaaaaa", b"words")), nonce(seal("aaaaaaaa", b"sword")));
        assert_eq!(key.open_bytes("a", &key.seal_bytes("a", b"").unwrap()).unwrap().as_slice(), b"");
    }
}
