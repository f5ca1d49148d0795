//! The key document, as far as the server reads it: what its first line says of the space's records. That it is genuine, and what the
//! rest of it says, is for devices to see; `docs/sealing.md` has all of it.

use orkee_wire::MAX_KEYS_BYTES;
use serde::Deserialize;
use thiserror::Error;

use crate::storage::Sealing;

/// Why something under the key document's id is none.
#[derive(Debug, Error)]
pub(crate) enum KeysError {
    /// More than any document has.
    #[error("the id is for the space's key document, which has {MAX_KEYS_BYTES} bytes at most")]
    TooLarge,
    /// Its first line is not one of a document's.
    #[error("the id is for the space's key document, and this is none")]
    Head(#[source] serde_json::Error),
}

#[derive(Deserialize)]
struct Head {
    #[expect(dead_code, reason = "its format, without which it is no key document")]
    keys: u32,
    seals: bool,
    floor: u32,
}

/// What a document says of the space's records.
pub(super) fn read(document: &[u8]) -> Result<Sealing, KeysError> {
    if document.len() > MAX_KEYS_BYTES {
        return Err(KeysError::TooLarge);
    }
    let line = document.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let head: Head = serde_json::from_slice(line).map_err(KeysError::Head)?;
    Ok(Sealing { seals: head.seals, floor: head.floor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_documents_first_line_is_read_whatever_else_it_says() {
        let document = br#"{"keys":1,"id":"00","number":3,"seals":true,"epoch":2,"floor":1,"later":[]}
{"tenant":"personal"}
{"chain":null,"mac":"x"}"#;
        assert_eq!(read(document).unwrap(), Sealing { seals: true, floor: 1 });
        assert!(!read(br#"{"keys":7,"seals":false,"floor":2}"#).unwrap().seals);
    }

    #[test]
    fn what_is_no_key_document_is_none() {
        for other in [
            &b""[..],
            b"{}",
            b"{\"seals\":true,\"floor\":1}",
            b"{\"keys\":1,\"seals\":1,\"floor\":1}",
            b"\xa7ork",
        ] {
            assert!(matches!(read(other), Err(KeysError::Head(_))), "{}", other.escape_ascii());
        }
        let large = [br#"{"keys":1,"seals":true,"floor":0}"#.as_slice(), &[b'\n'; MAX_KEYS_BYTES]].concat();
        assert!(matches!(read(&large), Err(KeysError::TooLarge)));
    }
}
