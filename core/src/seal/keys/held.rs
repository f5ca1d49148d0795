//! What is held of an account's keys, and what a key document that arrives changes of it.

use std::cmp::Ordering;

use orkee_wire::{Envelope, EnvelopeHead};

use super::keep::State;
use super::{KeyError, Met, Standing};
use crate::seal::{Document, DocumentError, Epochs};

/// What is done with another document of the number that was adopted: two devices wrote it, and one of them was not taken, unless the
/// account was put back in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forks {
    Refused,
    Followed,
}

/// The newest document that was adopted, and the keys that go with it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) document: Document,
    pub(super) epochs: Epochs,
}

impl Held {
    /// None: the account does not have the document yet, which is no more than a plan.
    pub(super) fn of(state: &State) -> Result<Option<Self>, KeyError> {
        if !state.is_confirmed {
            return Ok(None);
        }
        Ok(Some(Self { document: Document::parse(&state.document)?, epochs: state.secrets.epochs.clone() }))
    }

    pub(super) fn standing(&self) -> Standing {
        let seals = self.document.seals();
        Standing {
            number: self.document.number(),
            seals,
            epoch: self.document.epoch(),
            floor: if seals { self.document.floor() } else { 0 },
            has_key: true,
        }
    }
}

impl State {
    /// Takes a document over if it is newer, and ours. Whether anything changed.
    pub(super) fn meet(&mut self, payload: &[u8], forks: Forks) -> Result<(Met, bool), KeyError> {
        let theirs = Document::parse(payload)?;
        if theirs.id() != self.key_id {
            return Err(match self.is_confirmed {
                true => KeyError::OtherKey,
                // The account has never heard of ours.
                false => sealed_by(&theirs),
            });
        }
        let ours = Document::parse(&self.document)?;
        let is_news = !std::mem::replace(&mut self.is_confirmed, true);
        match theirs.number().cmp(&ours.number()) {
            Ordering::Less => return Ok((Met::Older(theirs.number()), is_news)),
            Ordering::Equal if payload == self.document => {
                return Ok((if is_news { Met::Newer(self.standing()?) } else { Met::Same }, is_news));
            }
            Ordering::Equal if forks == Forks::Refused => {
                return Err(KeyError::Forked { number: ours.number() });
            }
            Ordering::Equal | Ordering::Greater => {}
        }
        // A holder of the key may have made it, before it heard of ours: whoever carries documents could choose among all of those.
        if theirs.epoch() < ours.epoch() || theirs.is_laxer_than(&ours) {
            return Err(KeyError::Tampered);
        }
        self.adopt(&theirs)?;
        self.document = payload.to_vec();
        Ok((Met::Newer(self.standing()?), true))
    }

    /// The keys of a document that is newer than ours, once it is sure that a holder of our key wrote it.
    fn adopt(&mut self, theirs: &Document) -> Result<(), KeyError> {
        let secrets = &mut self.secrets;
        secrets.epochs =
            theirs.follow(&secrets.epochs, Some(&secrets.device)).map_err(|error| match error {
                DocumentError::NoRecipient => KeyError::Removed,
                _ => KeyError::Tampered,
            })?;
        Ok(())
    }

    fn standing(&self) -> Result<Standing, KeyError> {
        Ok(Held::of(self)?.map(|held| held.standing()).unwrap_or_default())
    }
}

/// The error of a device that has no key, for a document of an account that has one.
pub(super) fn sealed_by(document: &Document) -> KeyError {
    let made = document.made();
    KeyError::AccountSealed { by: made.device.clone(), at: made.at.clone() }
}

/// The payload of a key document's envelope.
pub(super) fn payload(envelope: &[u8]) -> Result<&[u8], KeyError> {
    let parsed = Envelope::parse(envelope).map_err(|_| KeyError::Tampered)?;
    parsed.payload.ok_or(KeyError::Gone)
}

/// The envelope in which a document travels: a record like any other.
pub fn document_envelope(document: &Document, device: &str, at: &str, author: Option<&str>) -> Vec<u8> {
    let head = EnvelopeHead {
        v: EnvelopeHead::FORMAT,
        ancestry: [(format!("keys-{}", document.id()), document.number())].into(),
        device: device.to_owned(),
        at: at.to_owned(),
        author: author.map(ToOwned::to_owned),
        deleted: false,
        seal: None,
    };
    Envelope { head, payload: Some(document.bytes()) }.to_bytes()
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
