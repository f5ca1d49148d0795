//! What can be seen of a sealed record without a key: that it is one, and of which epoch. `docs/sealing.md` has the whole form.

/// The id of the record in which an account says how it is sealed. No project has it.
pub const KEYS_ID: &str = "00orkee0";

/// The largest key document: that of the most recipients and epochs, with the longest names. Devices write none that is larger, and no
/// backend has to take one.
pub const MAX_KEYS_BYTES: usize = 256 << 10;

/// What every sealed payload begins with. Its first byte begins no text, so that no plain payload is taken for a sealed one.
pub const MAGIC: [u8; 4] = [0xA7, b'o', b'r', b'k'];

/// The format that this version writes.
pub const FORMAT: u8 = 1;

/// The bytes before the ciphertext: magic, format, epoch, nonce.
pub const HEAD_BYTES: usize = 4 + 1 + 4 + 24;

/// The bytes that authenticate the rest, at the end.
pub const TAG_BYTES: usize = 16;

/// Whether a payload says of itself that it is sealed. Whether it is genuine, only a holder of the key knows.
pub fn is_sealed(payload: &[u8]) -> bool {
    payload.starts_with(&MAGIC)
}

/// The epoch that a sealed payload of this version's format says it is of.
pub fn epoch(payload: &[u8]) -> Option<u32> {
    let head = payload.get(..HEAD_BYTES)?;
    if !is_sealed(head) || head[4] != FORMAT {
        return None;
    }
    Some(u32::from_be_bytes([head[5], head[6], head[7], head[8]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_payload_tells_its_epoch_and_nothing_else_does() {
        let sealed = [&MAGIC[..], &[FORMAT], &7u32.to_be_bytes(), &[0; 24]].concat();
        assert!(is_sealed(&sealed) && std::str::from_utf8(&sealed).is_err());
        assert_eq!(epoch(&sealed), Some(7));
        assert_eq!(epoch(&sealed[..HEAD_BYTES - 1]), None);
        let later = [&MAGIC[..], &[FORMAT + 1], &[0; 28]].concat();
        assert_eq!((is_sealed(&later), epoch(&later)), (true, None));
        for plain in [&b""[..], b"{\"id\":\"a\"}", &MAGIC[..3]] {
            assert!(!is_sealed(plain) && epoch(plain).is_none());
        }
    }
}
