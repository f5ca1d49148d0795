//! Compression and encryption of a batch, under a key that everybody knows: the cost is what counts.

use std::error::Error;

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};

const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 24] = [9; 24];
const MAX_BATCH: usize = 64 << 20;

/// Nothing stays nothing, so that an empty push is an empty body.
pub(crate) fn seal(batch: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let packed = zstd::bulk::compress(batch, 3)?;
    cipher().encrypt(&XNonce::from(NONCE), packed.as_slice()).map_err(|_| "cannot seal".into())
}

pub(crate) fn unseal(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let packed = cipher().decrypt(&XNonce::from(NONCE), bytes).map_err(|_| "cannot open")?;
    Ok(zstd::bulk::decompress(&packed, MAX_BATCH)?)
}

fn cipher() -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&KEY.into())
}
