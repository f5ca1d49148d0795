//! The keys of the epochs before the newest one, sealed under the newest: who is given that one can open all of an account's past.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::random;
use super::{AccountKey, Epochs, KeyId};

const NONCE_BYTES: usize = 24;

/// The older keys in base64, none for a first epoch.
pub(super) fn wrap(epochs: &Epochs) -> Option<String> {
    let (epoch, current) = epochs.current();
    let (_, older) = epochs.keys().split_last()?;
    if older.is_empty() {
        return None;
    }
    let keys: Zeroizing<Vec<u8>> = Zeroizing::new(older.iter().flat_map(|key| *key.expose()).collect());
    let nonce: [u8; NONCE_BYTES] = random();
    let payload = Payload { msg: &keys, aad: &bound(epochs.id(), epoch) };
    let sealed = cipher(current).encrypt(&XNonce::from(nonce), payload).ok()?;
    Some(STANDARD.encode([&nonce[..], &sealed].concat()))
}

/// All keys up to an epoch's, whose own is `current`. None if the others are not sealed under it.
pub(super) fn unwrap(id: KeyId, epoch: u32, current: AccountKey, older: Option<&str>) -> Option<Epochs> {
    let mut keys = match (older, epoch) {
        (None, 1) => Vec::new(),
        (Some(text), 2..) => {
            let bytes = STANDARD.decode(text).ok()?;
            let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
            let payload = Payload { msg: sealed, aad: &bound(id, epoch) };
            let bytes = Zeroizing::new(cipher(&current).decrypt(&XNonce::from(*nonce), payload).ok()?);
            let (keys, rest) = bytes.as_chunks::<32>();
            if !rest.is_empty() || keys.len() + 1 != epoch as usize {
                return None;
            }
            keys.iter().map(|bytes| AccountKey::from_bytes(*bytes)).collect()
        }
        _ => return None,
    };
    keys.push(current);
    Epochs::from_keys(id, keys)
}

fn cipher(current: &AccountKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*current.derive(&[b"orkee older keys"])).into())
}

fn bound(id: KeyId, epoch: u32) -> Vec<u8> {
    [&b"orkee older keys\0"[..], id.as_bytes(), &epoch.to_be_bytes()].concat()
}
