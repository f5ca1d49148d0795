//! What is inside the ciphertext: the payload, made smaller, and padded so that its size tells little.
//!
//! A record is too small to have much in common with itself, so the compressor is given a dictionary of what projects have in common
//! with each other. `tests/vectors/dictionary.py` makes one; each is a part of the form and never changes. What was packed with the first
//! is still read.

use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{CParameter, get_frame_content_size};

use super::SealError;
use crate::project::check::MAX_PAYLOAD;

/// Sizes are multiples of this.
pub(super) const STEP: usize = 256;

/// The payload as it is.
const PLAIN: u8 = 0;

/// One frame of Zstandard, with the first dictionary. Nothing is packed so any more.
const ZSTD_1: u8 = 1;

/// One frame of Zstandard, with the second.
const ZSTD_2: u8 = 2;

/// The bytes before the payload: how it is packed, its packed length.
const HEAD_BYTES: usize = 1 + 4;

static DICTIONARY_1: &[u8] = include_bytes!("projects-1.dict");
static DICTIONARY_2: &[u8] = include_bytes!("projects-2.dict");

/// The next that packs better takes twice as long. It is no part of the form.
const LEVEL: i32 = 3;

static TO_PACK: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY_2, LEVEL));
static TO_UNPACK_1: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_1));
static TO_UNPACK_2: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_2));

type Unpacker = Option<Decompressor<'static>>;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(packer().ok());
    static UNPACKER_1: RefCell<Unpacker> = RefCell::new(Decompressor::with_prepared_dictionary(&TO_UNPACK_1).ok());
    static UNPACKER_2: RefCell<Unpacker> = RefCell::new(Decompressor::with_prepared_dictionary(&TO_UNPACK_2).ok());
}

fn packer() -> std::io::Result<Compressor<'static>> {
    let mut packer = Compressor::with_prepared_dictionary(&TO_PACK)?;
    packer.set_parameter(CParameter::ContentSizeFlag(true))?;
    // The byte before the frame says which dictionary it is, and the tag around it that nothing was changed.
    packer.set_parameter(CParameter::DictIdFlag(false))?;
    packer.set_parameter(CParameter::ChecksumFlag(false))?;
    Ok(packer)
}

/// Appends a payload's packed and padded form.
pub(super) fn pack(payload: &[u8], to: &mut Vec<u8>) -> Result<(), SealError> {
    let start = to.len();
    let body = start + HEAD_BYTES;
    // What does not become smaller has no room here, and stays as it is.
    to.resize(body + payload.len(), 0);
    let packed =
        PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress_to_buffer(payload, &mut to[body..]).ok());
    let length = match packed {
        Some(length) => length,
        None => {
            to[body..].copy_from_slice(payload);
            payload.len()
        }
    };
    to[start] = if packed.is_some() { ZSTD_2 } else { PLAIN };
    to[start + 1..body]
        .copy_from_slice(&u32::try_from(length).map_err(|_| SealError::TooLarge)?.to_be_bytes());
    // Nothing of the compressor's scratch is sent along.
    to.truncate(body + length);
    to.resize(start + (HEAD_BYTES + length).next_multiple_of(STEP), 0);
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
        ZSTD_1 => UNPACKER_1.with_borrow_mut(|unpacker| inflate(unpacker, body)),
        ZSTD_2 => UNPACKER_2.with_borrow_mut(|unpacker| inflate(unpacker, body)),
        _ => Err(SealError::Packing),
    }
}

/// A frame says how much it holds, and no more than that is made room for.
fn inflate(unpacker: &mut Unpacker, frame: &[u8]) -> Result<Vec<u8>, SealError> {
    let size = get_frame_content_size(frame).ok().flatten().ok_or(SealError::Packing)?;
    let size = usize::try_from(size).ok().filter(|size| *size <= MAX_PAYLOAD).ok_or(SealError::TooLarge)?;
    let mut payload = Vec::with_capacity(size);
    let unpacker = unpacker.as_mut().ok_or(SealError::Packing)?;
    let length = unpacker.decompress_to_buffer(frame, &mut payload).map_err(|_| SealError::Packing)?;
    if length == size { Ok(payload) } else { Err(SealError::Packing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(how: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![how];
        bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(STEP), 0);
        bytes
    }

    #[test]
    fn what_is_packed_is_found_again_whatever_it_is() {
        let noise: Vec<u8> = (0..5000).map(|_| super::super::key::random::<1>()[0]).collect();
        let text = b"{\"id\":\"abcd1234\",\"name\":\"A\",\"status\":\"planning\"}".repeat(40);
        for (payload, how) in [
            (&b""[..], PLAIN),
            (b"x", PLAIN),
            (&noise, PLAIN),
            (&text, ZSTD_2),
            (&vec![b' '; MAX_PAYLOAD], ZSTD_2),
        ] {
            let mut bytes = b"before".to_vec();
            pack(payload, &mut bytes).unwrap();
            assert_eq!((bytes[6], (bytes.len() - 6) % STEP), (how, 0));
            assert_eq!(unpack(&bytes[6..]).unwrap(), payload);
        }
    }

    #[test]
    fn k04_a_packed_form_that_would_unpack_without_bounds_is_refused() {
        for how in [ZSTD_1, ZSTD_2] {
            let bomb = zstd::bulk::compress(&vec![0; 50 << 20], 3).unwrap();
            assert_eq!(unpack(&packed(how, &bomb)), Err(SealError::TooLarge));
            // A frame that says less than it holds, or does not say how much.
            let mut liar = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
            let at = liar.windows(4).position(|w| w == (1u32 << 20).to_le_bytes()).unwrap();
            liar[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
            assert_eq!(unpack(&packed(how, &liar)), Err(SealError::Packing));
            let silent = zstd::stream::encode_all(&b"a text of unknown length"[..], 3).unwrap();
            assert_eq!(unpack(&packed(how, &silent)), Err(SealError::Packing));
        }
    }

    #[test]
    fn k04_a_packed_form_that_is_not_one_is_refused() {
        assert_eq!(unpack(&packed(3, b"x")), Err(SealError::Packing));
        assert_eq!(unpack(&packed(ZSTD_2, b"no frame")), Err(SealError::Packing));
        assert_eq!(unpack(&[]), Err(SealError::Packing));
        let mut long = packed(PLAIN, b"x");
        long[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(unpack(&long), Err(SealError::Packing));
        let mut dirty = packed(PLAIN, b"x");
        dirty[255] = 1;
        assert_eq!(unpack(&dirty), Err(SealError::Packing));
        let padded = [packed(PLAIN, b"x"), vec![0; STEP]].concat();
        assert_eq!(unpack(&padded), Err(SealError::Packing));
    }

    proptest::proptest! {
        #[test]
        fn k04_no_bytes_make_unpacking_fail(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600), how in 0u8..4) {
            let _ = unpack(&bytes);
            let _ = unpack(&packed(how, &bytes));
        }
    }
}
