//! A record's file: one line with its revision, then the envelope, byte for byte.

use orkee_provider_sdk::{Failure, Stored};

/// Of one envelope.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

const MAGIC: &str = "orkee-record 1 ";
const RANDOM: usize = 16;

/// A text that no other write has: a revision, a tag.
pub(crate) fn fresh() -> Result<String, Failure> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Backend(format!("no randomness: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether it is of the form that [`fresh`] gives.
pub(crate) fn is_fresh(text: &str) -> bool {
    text.len() == RANDOM * 2 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The file's content.
pub(crate) fn packed(revision: &str, envelope: &[u8]) -> Vec<u8> {
    [MAGIC.as_bytes(), revision.as_bytes(), b"\n", envelope].concat()
}

/// What the file holds. None where it is none of ours.
pub(crate) fn unpacked(mut file: Vec<u8>) -> Option<Stored> {
    let end = MAGIC.len() + RANDOM * 2;
    let revision = std::str::from_utf8(file.get(..end)?).ok()?.strip_prefix(MAGIC)?.to_owned();
    if !is_fresh(&revision) || file.get(end) != Some(&b'\n') {
        return None;
    }
    file.drain(..=end);
    Some(Stored { revision, envelope: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_comes_back_byte_for_byte() {
        for envelope in [&b""[..], b"\n\n", b"\xff\x00", b"orkee-record 1 x\n"] {
            let revision = fresh().unwrap();
            let stored = unpacked(packed(&revision, envelope)).unwrap();
            assert_eq!((stored.revision, stored.envelope.as_slice()), (revision, envelope));
        }
    }

    #[test]
    fn two_writes_of_the_same_envelope_have_different_revisions() {
        assert_ne!(fresh().unwrap(), fresh().unwrap());
    }

    #[test]
    fn a_file_of_somebody_elses_is_no_record() {
        let good = packed(&fresh().unwrap(), b"x");
        for cut in 0..good.len() - 1 {
            assert!(unpacked(good[..cut].to_vec()).is_none(), "{cut}");
        }
        for stranger in [
            &b"<html>"[..],
            b"orkee-record 2 0123456789abcdef0123456789abcdef\n",
            b"orkee-record 1 0123456789ABCDEF0123456789abcdef\n",
        ] {
            assert!(unpacked(stranger.to_vec()).is_none());
        }
    }
}
