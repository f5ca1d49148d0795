//! The envelope of a record's version: a head in JSON on one line, then the payload's bytes.
//!
//! The host alone writes and reads it. The server reads the head, and writes envelopes for what its own API creates;
//! providers carry the bytes unread.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Writer → clock of that writer's last write that a version contains.
pub type Ancestry = BTreeMap<String, u64>;

/// An envelope, split but not copied.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<'a> {
    /// Who wrote this version, and what it contains.
    pub head: EnvelopeHead,
    /// The canonical JSON of a project, or its sealed form; none for a tombstone.
    pub payload: Option<&'a [u8]>,
}

/// The first line of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeHead {
    /// The format; this is 1.
    pub v: u32,
    /// What this version contains.
    pub ancestry: Ancestry,
    /// The name of the device that wrote it, for people.
    pub device: String,
    /// When it was written, RFC 3339 UTC.
    pub at: String,
    /// In a team: the address of the account that brought it there. The backend accepts no other's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The record was deleted; there is no payload.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Of a tombstone in a sealed account: what [`crate::sealed`] describes, over nothing, in base64. It shows that a holder of the
    /// account's key deleted the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// What is wrong with an envelope.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// No line end after the head.
    #[error("the envelope has no head line")]
    NoHead,
    /// The head is not JSON of the expected form.
    #[error("the envelope's head is not readable")]
    Head(#[source] serde_json::Error),
    /// Written by a newer version.
    #[error("the envelope has format {0}, this version reads 1")]
    Format(u32),
    /// `deleted` and a payload, or neither.
    #[error("the envelope is neither a payload nor a tombstone")]
    Payload,
}

impl EnvelopeHead {
    /// The format that this version writes.
    pub const FORMAT: u32 = 1;
}

impl<'a> Envelope<'a> {
    /// Splits an envelope's bytes. The payload is not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let end = bytes.iter().position(|b| *b == b'\n').ok_or(EnvelopeError::NoHead)?;
        let head: EnvelopeHead = serde_json::from_slice(&bytes[..end]).map_err(EnvelopeError::Head)?;
        if head.v != EnvelopeHead::FORMAT {
            return Err(EnvelopeError::Format(head.v));
        }
        let payload = &bytes[end + 1..];
        match (head.deleted, payload.is_empty()) {
            (true, true) => Ok(Self { head, payload: None }),
            (false, false) => Ok(Self { head, payload: Some(payload) }),
            _ => Err(EnvelopeError::Payload),
        }
    }

    /// The bytes that [`Envelope::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let payload = self.payload.unwrap_or_default();
        let mut bytes = serde_json::to_vec(&self.head).unwrap_or_default();
        bytes.reserve_exact(payload.len() + 1);
        bytes.push(b'\n');
        bytes.extend_from_slice(payload);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(deleted: bool) -> EnvelopeHead {
        EnvelopeHead {
            v: 1,
            ancestry: [("w1".to_owned(), 7)].into(),
            device: "laptop".to_owned(),
            at: "2026-01-02T03:04:05Z".to_owned(),
            author: None,
            deleted,
            seal: None,
        }
    }

    #[test]
    fn an_envelope_survives_the_round_trip_whatever_its_payload() {
        for payload in [None, Some(&b"{\"id\":\"a\"}"[..]), Some(&b"\n\n\x00\xff"[..])] {
            let bytes = Envelope { head: head(payload.is_none()), payload }.to_bytes();
            let back = Envelope::parse(&bytes).unwrap();
            assert_eq!(back.payload, payload);
            assert_eq!(back.head, head(payload.is_none()));
        }
    }

    #[test]
    fn a_head_with_more_than_this_version_knows_and_one_with_less_are_read() {
        let text =
            b"{\"v\":1,\"ancestry\":{},\"device\":\"d\",\"at\":\"t\",\"author\":\"ann@a\",\"mood\":[1]}\nx";
        assert_eq!(Envelope::parse(text).unwrap().head.author.as_deref(), Some("ann@a"));
        let text = b"{\"v\":1,\"ancestry\":{},\"device\":\"d\",\"at\":\"t\"}\nx";
        assert_eq!(Envelope::parse(text).unwrap().head.author, None);
    }

    #[test]
    fn what_is_neither_payload_nor_tombstone_is_refused() {
        let both = [serde_json::to_vec(&head(true)).unwrap(), b"\nx".to_vec()].concat();
        assert!(matches!(Envelope::parse(&both), Err(EnvelopeError::Payload)));
        let neither = [serde_json::to_vec(&head(false)).unwrap(), b"\n".to_vec()].concat();
        assert!(matches!(Envelope::parse(&neither), Err(EnvelopeError::Payload)));
        assert!(matches!(Envelope::parse(b"{}"), Err(EnvelopeError::NoHead)));
    }
}
