//! A record's version in the form in which it travels, made from the store's columns and read back.

use orkee_wire::{Envelope, EnvelopeError};
use thiserror::Error;

use crate::project::{Payload, PayloadError, ProjectId};
use crate::seal::SealError;
use crate::store::{RawVersion, Version};

/// The envelope of a stored version, which in a team says whose account brings it. The ancestry is spliced in as the JSON that it is stored as, and the payload copied once.
pub(crate) fn write(version: &RawVersion, author: Option<&str>) -> Result<Vec<u8>, serde_json::Error> {
    assemble(version, author, None, version.payload.as_deref().unwrap_or_default().as_bytes())
}

/// The same, with what stands in the place of the payload; a tombstone, which has none, is sealed in its head.
pub(crate) fn assemble(
    version: &RawVersion,
    author: Option<&str>,
    seal: Option<&str>,
    payload: &[u8],
) -> Result<Vec<u8>, serde_json::Error> {
    let names = version.device.len() + version.at.len() + version.ancestry.len();
    let mut bytes = Vec::with_capacity(payload.len() + names + seal.map_or(64, |seal| 80 + seal.len()));
    bytes.extend_from_slice(b"{\"v\":1,\"ancestry\":");
    bytes.extend_from_slice(version.ancestry.as_bytes());
    bytes.extend_from_slice(b",\"device\":");
    serde_json::to_writer(&mut bytes, &version.device)?;
    bytes.extend_from_slice(b",\"at\":");
    serde_json::to_writer(&mut bytes, &version.at)?;
    if let Some(author) = author {
        bytes.extend_from_slice(b",\"author\":");
        serde_json::to_writer(&mut bytes, author)?;
    }
    if version.payload.is_none() {
        bytes.extend_from_slice(b",\"deleted\":true");
    }
    if let Some(seal) = seal {
        bytes.extend_from_slice(b",\"seal\":");
        serde_json::to_writer(&mut bytes, seal)?;
    }
    bytes.extend_from_slice(b"}\n");
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// Why a version that arrived cannot be used.
#[derive(Debug, Error)]
pub(crate) enum Unreadable {
    /// The backend's id is not a project's.
    #[error("its id is not one of a project")]
    Id,
    /// The envelope.
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    /// The payload is no text.
    #[error("its payload is not text")]
    NotText,
    /// The payload is no project.
    #[error("its payload is no project: {0}")]
    Payload(#[from] PayloadError),
    /// The payload cannot be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The payload belongs to another record.
    #[error("its payload is that of {0}")]
    OtherId(ProjectId),
}

/// Reads an envelope that arrived as a version of `id`, and that nobody sealed.
pub(crate) fn read(id: ProjectId, Envelope { head, payload }: Envelope<'_>) -> Result<Version, Unreadable> {
    let payload = match payload {
        None => None,
        Some(bytes) => Some(Payload::parse(std::str::from_utf8(bytes).map_err(|_| Unreadable::NotText)?)?),
    };
    match payload.as_ref().map(Payload::id) {
        Some(other) if other != id => Err(Unreadable::OtherId(other)),
        _ => Ok(Version {
            payload,
            ancestry: head.ancestry,
            device: head.device,
            at: head.at,
            author: head.author,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(payload: Option<&str>) -> RawVersion {
        RawVersion {
            ancestry: r#"{"w1":7,"w2":9}"#.to_owned(),
            device: "a \"quoted\" laptop".to_owned(),
            at: "2026-01-02T03:04:05.000Z".to_owned(),
            payload: payload.map(ToOwned::to_owned),
            author: None,
        }
    }

    fn read(id: ProjectId, bytes: &[u8]) -> Result<Version, Unreadable> {
        super::read(id, Envelope::parse(bytes)?)
    }

    #[test]
    fn what_is_written_can_be_read() {
        let id: ProjectId = "abcd1234".parse().unwrap();
        let version = read(id, &write(&raw(Some(r#"{"id":"abcd1234","name":"A"}"#)), None).unwrap()).unwrap();
        assert_eq!(version.ancestry, [("w1".to_owned(), 7), ("w2".to_owned(), 9)].into());
        assert_eq!(version.device, "a \"quoted\" laptop");
        assert_eq!(version.payload.unwrap().name(), "A");
        let tombstone = read(id, &write(&raw(None), Some("ann@\"a\"")).unwrap()).unwrap();
        assert_eq!((tombstone.payload, tombstone.author.as_deref()), (None, Some("ann@\"a\"")));
    }

    #[test]
    fn a_payload_of_another_record_is_refused() {
        let id: ProjectId = "other123".parse().unwrap();
        let bytes = write(&raw(Some(r#"{"id":"abcd1234","name":"A"}"#)), None).unwrap();
        assert!(matches!(read(id, &bytes), Err(Unreadable::OtherId(_))));
        assert!(matches!(read(id, b"no line"), Err(Unreadable::Envelope(_))));
        assert!(matches!(read(id, &write(&raw(Some("[]")), None).unwrap()), Err(Unreadable::Payload(_))));
    }
}
