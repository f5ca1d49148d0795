//! What is inside the ciphertext: the payload, made smaller where that helps, and padded so that its size tells little.

use super::SealError;
use crate::project::check::MAX_PAYLOAD;

/// Sizes are multiples of this.
pub(super) const STEP: usize = 256;

/// The payload as it is.
const PLAIN: u8 = 0;

/// The bytes before the payload: how it is packed, its packed length.
const HEAD_BYTES: usize = 1 + 4;

/// Appends a payload's packed and padded form.
pub(super) fn pack(payload: &[u8], to: &mut Vec<u8>) -> Result<(), SealError> {
    let start = to.len();
    to.push(PLAIN);
    to.extend_from_slice(&u32::try_from(payload.len()).map_err(|_| SealError::TooLarge)?.to_be_bytes());
    to.extend_from_slice(payload);
    let padded = (to.len() - start).next_multiple_of(STEP);
    to.resize(start + padded, 0);
    Ok(())
}

/// The payload of a packed form.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (head, rest) = packed.split_at_checked(HEAD_BYTES).ok_or(SealError::Packing)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let (body, padding) = rest.split_at_checked(length).ok_or(SealError::Packing)?;
    if padding.len() >= STEP || padding.iter().any(|b| *b != 0) {
        return Err(SealError::Packing);
    }
    match head[0] {
        PLAIN if body.len() > MAX_PAYLOAD => Err(SealError::TooLarge),
        PLAIN => Ok(body.to_vec()),
        _ => Err(SealError::Packing),
    }
}
