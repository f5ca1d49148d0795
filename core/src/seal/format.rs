//! The sealed form of one version of a record.
//!
//! What has to stay readable beside the ciphertext (whose record it is, what it contains, which device wrote it and when) is bound
//! to it, so that no payload can be moved to another record, account or place in a history, and no tombstone be made up.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use orkee_wire::sealed::{FORMAT, HEAD_BYTES, MAGIC, TAG_BYTES, is_sealed};
use thiserror::Error;

use super::key::random;
use super::pack;
use super::{AccountKey, KeyId};
use crate::diagnostic::{Diagnostic, Kind};
use crate::project::check::MAX_PAYLOAD;

/// The largest sealed payload: the largest project, its packing, the padding and what is around it.
const MAX_SEALED: usize = MAX_PAYLOAD + 1024;

/// Where a sealed version belongs. Sealing binds all of it, and opening fails where any of it differs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The account's keys.
    pub key_id: KeyId,
    /// The tenant, as the account's key document names it.
    pub tenant: &'a str,
    /// The record.
    pub record: &'a str,
    /// What the version contains, as JSON with sorted keys and no blanks.
    pub ancestry: &'a str,
    /// The device that wrote it.
    pub device: &'a str,
    /// When it was written.
    pub at: &'a str,
    /// In a team: whose account brings it.
    pub author: Option<&'a str>,
    /// Whether it says that the record was deleted.
    pub is_tombstone: bool,
}

/// Why a version cannot be sealed or opened. The sentence is the reason under which a record is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// Plain, where the account is sealed.
    #[error("it is not sealed, though the account is")]
    Plain,
    /// Cut off.
    #[error("its sealed form is cut off")]
    Truncated,
    /// Written by a newer version.
    #[error("its sealed form has format {0}, this version reads {FORMAT}")]
    Format(u8),
    /// Of an epoch whose key is not here.
    #[error("it is sealed under epoch {0} of the account's key, which this device does not hold")]
    UnknownEpoch(u32),
    /// Of an epoch that the account has left behind.
    #[error("it is sealed under epoch {epoch}, and the account accepts none below {floor}")]
    BelowFloor {
        /// Its epoch.
        epoch: u32,
        /// The lowest that is accepted.
        floor: u32,
    },
    /// Not what was sealed at this place: a changed byte, another record's, another account's.
    #[error("it was changed, or sealed for another record, account or version")]
    Changed,
    /// Genuine, but packed in a way that this version does not know, or not packed correctly.
    #[error("it is genuine, but packed in a way that this version does not read")]
    Packing,
    /// More than a record may have.
    #[error("it is larger than a record may be")]
    TooLarge,
}

impl Diagnostic for SealError {
    fn code(&self) -> &'static str {
        match self {
            Self::Plain | Self::BelowFloor { .. } => "E-KEY-001",
            Self::Truncated | Self::Changed => "E-KEY-002",
            Self::Format(_) | Self::Packing => "E-KEY-003",
            Self::UnknownEpoch(_) => "E-KEY-004",
            Self::TooLarge => "E-KEY-005",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Partial
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Format(_) | Self::Packing => Some("update Orkee on this device".to_owned()),
            Self::UnknownEpoch(_) => Some("run `orkee cloud key recover`".to_owned()),
            _ => None,
        }
    }
}

/// Seals a payload, which is empty for a tombstone.
pub fn seal(key: &AccountKey, epoch: u32, place: &Place<'_>, payload: &[u8]) -> Result<Vec<u8>, SealError> {
    seal_with(key, epoch, place, payload, random())
}

/// Seals under a nonce that must never have been used with this key.
fn seal_with(
    key: &AccountKey,
    epoch: u32,
    place: &Place<'_>,
    payload: &[u8],
    nonce: [u8; 24],
) -> Result<Vec<u8>, SealError> {
    if payload.len() > MAX_PAYLOAD {
        return Err(SealError::TooLarge);
    }
    let mut sealed = Vec::with_capacity(payload.len() + 512);
    sealed.extend_from_slice(&MAGIC);
    sealed.push(FORMAT);
    sealed.extend_from_slice(&epoch.to_be_bytes());
    sealed.extend_from_slice(&nonce);
    if !place.is_tombstone {
        pack::pack(payload, &mut sealed)?;
    }
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let bound = bound(epoch, place);
    let tag = cipher
        .encrypt_inout_detached(&XNonce::from(nonce), &bound, (&mut sealed[HEAD_BYTES..]).into())
        .map_err(|_| SealError::TooLarge)?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Opens what was sealed at a place, and says under which epoch it was. The payload of a tombstone is empty.
pub fn open<'k>(
    key: impl FnOnce(u32) -> Option<&'k AccountKey>,
    place: &Place<'_>,
    sealed: &[u8],
) -> Result<(Vec<u8>, u32), SealError> {
    if !is_sealed(sealed) {
        return Err(if MAGIC.starts_with(sealed) { SealError::Truncated } else { SealError::Plain });
    }
    match sealed.get(MAGIC.len()) {
        None => return Err(SealError::Truncated),
        Some(&FORMAT) => {}
        Some(other) => return Err(SealError::Format(*other)),
    }
    if sealed.len() > MAX_SEALED {
        return Err(SealError::TooLarge);
    }
    let (Some((head, rest)), Some(epoch)) =
        (sealed.split_at_checked(HEAD_BYTES), orkee_wire::sealed::epoch(sealed))
    else {
        return Err(SealError::Truncated);
    };
    let Some((body, tag)) = rest.split_last_chunk::<TAG_BYTES>() else { return Err(SealError::Truncated) };
    let Some(nonce) = head.last_chunk::<24>() else { return Err(SealError::Truncated) };
    // What was sealed has whole steps of padding; a cut shows even without the key.
    if place.is_tombstone != body.is_empty() || body.len() % pack::STEP != 0 {
        return Err(if place.is_tombstone { SealError::Changed } else { SealError::Truncated });
    }
    let key = key(epoch).ok_or(SealError::UnknownEpoch(epoch))?;
    let mut plain = body.to_vec();
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            &bound(epoch, place),
            plain.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| SealError::Changed)?;
    if place.is_tombstone {
        return Ok((Vec::new(), epoch));
    }
    Ok((pack::unpack(&plain)?, epoch))
}

/// What the tag covers beside the ciphertext.
fn bound(epoch: u32, place: &Place<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(b"orkee sealed record\0");
    bytes.push(FORMAT);
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.push(u8::from(place.is_tombstone));
    bytes.extend_from_slice(place.key_id.as_bytes());
    for text in [place.tenant, place.record, place.ancestry, place.device, place.at] {
        put(&mut bytes, text);
    }
    // An empty author is not the same as none.
    bytes.push(u8::from(place.author.is_some()));
    put(&mut bytes, place.author.unwrap_or_default());
    bytes
}

/// A text with its length before it, so that no two places give the same bytes.
fn put(bytes: &mut Vec<u8>, text: &str) {
    // A text of four gigabytes has no place in a record of one megabyte.
    bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
