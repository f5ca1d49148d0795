//! The account's key document as a record: told from projects, and read alone.

use orkee_wire::{Envelope, EnvelopeHead, KEYS_ID, sealed};

use super::provider::{Mutation, Revision};

/// A mutation that changes nothing: its guard matches nothing, so that the backend answers with the key document that it has, if it has
/// one. It goes in a request with limit 0.
pub fn document_request() -> Mutation {
    let head = EnvelopeHead {
        v: EnvelopeHead::FORMAT,
        ancestry: [("keys".to_owned(), 0)].into(),
        device: "orkee".to_owned(),
        at: "1970-01-01T00:00:00.000Z".to_owned(),
        author: None,
        deleted: true,
        seal: None,
    };
    let envelope = Envelope { head, payload: None }.to_bytes();
    Mutation { id: KEYS_ID.to_owned(), guard: Some(Revision("0".to_owned())), envelope }
}

/// The epoch that an envelope says it is sealed under; 0: it is plain; none: it is sealed in a way that this version does not know.
/// Nothing vouches for it.
pub(crate) fn epoch_of(envelope: &[u8]) -> Option<u32> {
    let Some(end) = memchr(envelope) else { return Some(0) };
    match &envelope[end + 1..] {
        // What is no envelope at all was sealed by nobody.
        [] => match Envelope::parse(envelope) {
            Ok(tombstone) => epoch_of_seal(tombstone.head.seal),
            Err(_) => Some(0),
        },
        payload if sealed::is_sealed(payload) => sealed::epoch(payload),
        _ => Some(0),
    }
}

fn memchr(envelope: &[u8]) -> Option<usize> {
    envelope.iter().position(|byte| *byte == b'\n')
}

/// Of a tombstone, which is sealed in its head.
fn epoch_of_seal(seal: Option<String>) -> Option<u32> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let Some(seal) = seal else { return Some(0) };
    sealed::epoch(&STANDARD.decode(seal).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(format: u8, epoch: u32) -> Vec<u8> {
        [&sealed::MAGIC[..], &[format], &epoch.to_be_bytes(), &[7; 64]].concat()
    }

    fn envelope(payload: Option<&[u8]>, seal: Option<String>) -> Vec<u8> {
        let request = document_request().envelope;
        let head =
            EnvelopeHead { deleted: payload.is_none(), seal, ..Envelope::parse(&request).unwrap().head };
        Envelope { head, payload }.to_bytes()
    }

    #[test]
    fn an_envelope_tells_its_epoch_whether_it_is_a_project_or_a_tombstone() {
        use base64::Engine as _;
        let text = |bytes: &[u8]| Some(base64::engine::general_purpose::STANDARD.encode(bytes));
        assert_eq!(epoch_of(&envelope(Some(b"{}"), None)), Some(0));
        assert_eq!(epoch_of(&envelope(Some(&sealed(1, 3)), None)), Some(3));
        assert_eq!(epoch_of(&envelope(Some(&sealed(2, 3)), None)), None);
        assert_eq!(epoch_of(&envelope(None, None)), Some(0));
        assert_eq!(epoch_of(&envelope(None, text(&sealed(1, 9)))), Some(9));
        assert_eq!(epoch_of(&envelope(None, Some("!".to_owned()))), None);
        assert_eq!(epoch_of(b"no line"), Some(0));
        assert_eq!(epoch_of(b"no head\n"), Some(0));
    }
}
