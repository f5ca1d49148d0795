//! Writing and reading versions in the form that an account has.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use orkee_wire::{Envelope, sealed};

use super::Opened;
use super::held::Held;
use crate::project::{Payload, ProjectId};
use crate::seal::{self, Place, SealError};
use crate::store::{RawVersion, Version};
use crate::sync::envelope::{self, Unreadable};

impl Held {
    /// The sealed envelope of a version, and its epoch.
    pub(super) fn seal(
        &self,
        id: ProjectId,
        version: &RawVersion,
        author: Option<&str>,
    ) -> Result<(Vec<u8>, u32), SealError> {
        let epoch = self.document.epoch();
        let key = self.epochs.get(epoch).ok_or(SealError::UnknownEpoch(epoch))?;
        let id = id.to_string();
        let place = Place {
            key_id: self.document.id(),
            tenant: self.document.tenant(),
            record: &id,
            ancestry: &version.ancestry,
            device: &version.device,
            at: &version.at,
            author,
            is_tombstone: version.payload.is_none(),
        };
        let payload = version.payload.as_deref().unwrap_or_default();
        let sealed = seal::seal(key, epoch, &place, payload.as_bytes())?;
        let written = match version.payload {
            Some(_) => envelope::assemble(version, author, None, &sealed),
            None => envelope::assemble(version, author, Some(&BASE64.encode(&sealed)), &[]),
        };
        // A device's name and a time always have a JSON form.
        Ok((written.unwrap_or_default(), epoch))
    }
}

/// Reads an envelope of either form. Without keys, one that is sealed is of an epoch that is not held.
pub(super) fn read(held: Option<&Held>, id: ProjectId, bytes: &[u8]) -> Result<Opened, Unreadable> {
    let Envelope { head, payload } = Envelope::parse(bytes)?;
    let form = match (payload, &head.seal) {
        (Some(payload), _) if sealed::is_sealed(payload) => payload.to_vec(),
        (None, Some(seal)) => BASE64.decode(seal).map_err(|_| SealError::Truncated)?,
        _ => {
            let version = envelope::read(id, Envelope { head, payload })?;
            let refused = held.is_some_and(|held| held.standing().floor > 0).then_some(SealError::Plain);
            return Ok(Opened { version, epoch: 0, refused });
        }
    };
    let Some(held) = held else {
        return Err(SealError::UnknownEpoch(sealed::epoch(&form).unwrap_or(0)).into());
    };
    let record = id.to_string();
    // It came as JSON with whatever blanks; what was sealed had none.
    let ancestry = serde_json::to_string(&head.ancestry).unwrap_or_default();
    let place = Place {
        key_id: held.document.id(),
        tenant: held.document.tenant(),
        record: &record,
        ancestry: &ancestry,
        device: &head.device,
        at: &head.at,
        author: head.author.as_deref(),
        is_tombstone: payload.is_none(),
    };
    let (opened, epoch) = seal::open(|epoch| held.epochs.get(epoch), &place, &form)?;
    let payload = match payload {
        None => None,
        Some(_) => Some(Payload::parse(std::str::from_utf8(&opened).map_err(|_| Unreadable::NotText)?)?),
    };
    if let Some(other) = payload.as_ref().map(Payload::id).filter(|other| *other != id) {
        return Err(Unreadable::OtherId(other));
    }
    let floor = held.standing().floor;
    let refused = (epoch < floor).then_some(SealError::BelowFloor { epoch, floor });
    let version =
        Version { payload, ancestry: head.ancestry, device: head.device, at: head.at, author: head.author };
    Ok(Opened { version, epoch, refused })
}
