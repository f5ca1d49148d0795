//! The document in which an account says how it is sealed. It travels as the record [`orkee_wire::KEYS_ID`], like any other.
//!
//! Three lines: a head that a server may read, a body with the recipients, and a tail that authenticates both. A document that was
//! parsed is still hostile; [`Document::open`] and [`Document::follow`] are the two ways to believe one. Every change makes a new
//! document with a higher number, which the backend's compare-and-set puts in the place of the one that it was made from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orkee_wire::MAX_KEYS_BYTES;
use ring::hmac;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::document_error::DocumentError;
use super::epochs::MAX_EPOCHS;
use super::older;
use super::recipient::decode;
use super::{AccountKey, Epochs, KeyId, Recipient, RecipientSecret};

/// The form of the document that this version writes.
const FORMAT: u32 = 1;

/// The most recipients.
pub(super) const MAX_RECIPIENTS: usize = 200;

/// The longest name of a tenant or of a device.
const MAX_TEXT: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    keys: u32,
    id: String,
    number: u64,
    seals: bool,
    epoch: u32,
    floor: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    sealings: u64,
}

fn is_zero(sealings: &u64) -> bool {
    *sealings == 0
}

/// The part of the head that every version has.
#[derive(Deserialize)]
struct AnyHead {
    keys: u32,
}

/// Who made an account's key, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// RFC 3339 UTC.
    pub at: String,
    /// The device's name.
    pub device: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    tenant: String,
    made: Made,
    recipients: Vec<Recipient>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    older: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    chain: Option<String>,
    mac: String,
}

/// A key document. What it says is believed once its keys vouch for it.
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Vec<u8>,
    /// How many of the bytes are authenticated: the first two lines.
    signed: usize,
    id: KeyId,
    head: Head,
    body: Body,
    chain: Option<[u8; 32]>,
    mac: [u8; 32],
    /// The number of the document that this one takes the place of, however many changes it is made by.
    before: u64,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Document {}

impl Document {
    /// The first document of an account. The recipients were made with the same epochs.
    pub fn new(
        tenant: &str,
        made: Made,
        recipients: Vec<Recipient>,
        epochs: &Epochs,
    ) -> Result<Self, DocumentError> {
        let head = Head {
            keys: FORMAT,
            id: epochs.id().to_string(),
            number: 1,
            seals: true,
            epoch: epochs.current().0,
            floor: 0,
            sealings: 0,
        };
        let body = Body { tenant: tenant.to_owned(), made, recipients, older: older::wrap(epochs) };
        Self::sign(head, body, epochs, 0)
    }

    /// Reads a document. It is of the right form and within all bounds, but nobody has vouched for it.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        if bytes.len() > MAX_KEYS_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let mut lines = bytes.split(|b| *b == b'\n');
        let (Some(head), Some(body), Some(tail), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            // A newer form may have any number of lines.
            return Err(newer(bytes).unwrap_or(DocumentError::Form("it has not three lines")));
        };
        if let Some(error) = newer(head) {
            return Err(error);
        }
        let signed = head.len() + body.len() + 2;
        let head: Head = serde_json::from_slice(head).map_err(|_| DocumentError::Form("its head"))?;
        let body: Body = serde_json::from_slice(body).map_err(|_| DocumentError::Form("its body"))?;
        let tail: Tail = serde_json::from_slice(tail).map_err(|_| DocumentError::Form("its tail"))?;
        let id = head.id.parse().map_err(|_| DocumentError::Form("its key id"))?;
        check(&head, &body)?;
        let chain =
            tail.chain.map(|text| decode(&text)).transpose().map_err(|_| DocumentError::Form("its tail"))?;
        let mac = decode(&tail.mac).map_err(|_| DocumentError::Form("its tail"))?;
        if chain.is_some() != (head.epoch > 1) {
            return Err(DocumentError::Form("its tail"));
        }
        let before = head.number;
        Ok(Self { bytes: bytes.to_vec(), signed, id, head, body, chain, mac, before })
    }

    fn sign(head: Head, body: Body, epochs: &Epochs, before: u64) -> Result<Self, DocumentError> {
        let id = epochs.id();
        check(&head, &body)?;
        let form = |_| DocumentError::Form("its text");
        let mut bytes = serde_json::to_vec(&head).map_err(form)?;
        bytes.push(b'\n');
        serde_json::to_writer(&mut bytes, &body).map_err(form)?;
        bytes.push(b'\n');
        let signed = bytes.len();
        let (epoch, current) = epochs.current();
        let chain = epochs.get(epoch - 1).map(|before| tag(&chain_key(before), &[&bytes]));
        let mac = tag(&mac_key(current), &[&bytes, chain.as_ref().map_or(&[], |chain| &chain[..])]);
        let tail = Tail { chain: chain.map(|tag| STANDARD.encode(tag)), mac: STANDARD.encode(mac) };
        serde_json::to_writer(&mut bytes, &tail).map_err(form)?;
        if bytes.len() > MAX_KEYS_BYTES {
            return Err(DocumentError::TooLarge);
        }
        Ok(Self { bytes, signed, id, head, body, chain, mac, before })
    }

    /// As it travels.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// By which name the account's keys are known.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// One more than that of the document in whose place it came.
    pub fn number(&self) -> u64 {
        self.head.number
    }

    /// Whether records are to be sealed. Not so: the account went back to plain ones.
    pub fn seals(&self) -> bool {
        self.head.seals
    }

    /// The newest epoch.
    pub fn epoch(&self) -> u32 {
        self.head.epoch
    }

    /// The lowest epoch that is accepted; 0 as long as plain records are.
    pub fn floor(&self) -> u32 {
        self.head.floor
    }

    /// How often the account was sealed again after it had gone back to plain records.
    pub fn sealings(&self) -> u64 {
        self.head.sealings
    }

    /// Whether it accepts what the other does not any more, though the account was not sealed again in between. A holder of the key
    /// may have made both, but the one that came to stand later is not this.
    pub fn is_laxer_than(&self, other: &Self) -> bool {
        let standing = |head: &Head| (head.sealings, !head.seals, head.floor);
        standing(&self.head) < standing(&other.head)
    }

    /// The tenant, as every sealed record binds it.
    pub fn tenant(&self) -> &str {
        &self.body.tenant
    }

    /// Who made the account's key.
    pub fn made(&self) -> &Made {
        &self.body.made
    }

    /// For whom the key is wrapped.
    pub fn recipients(&self) -> &[Recipient] {
        &self.body.recipients
    }

    /// Believes a document because of a recipient's secret: whoever made it knew the key that this recipient was added with.
    pub fn open(&self, secret: &RecipientSecret) -> Result<Epochs, DocumentError> {
        let key = secret.key();
        let mut found = DocumentError::NoRecipient;
        for recipient in self.body.recipients.iter().filter(|recipient| recipient.key == key) {
            match self.unwrap(recipient, secret) {
                Some(epochs) if recipient.vouches_for(secret, &epochs) => return Ok(epochs),
                _ => found = DocumentError::Changed,
            }
        }
        Err(found)
    }

    /// Believes a document because of keys that are held already, and returns all that it has. A newer epoch needs this
    /// device's secret, too.
    pub fn follow(&self, held: &Epochs, secret: Option<&RecipientSecret>) -> Result<Epochs, DocumentError> {
        if self.id != held.id() {
            return Err(DocumentError::OtherKey { ours: held.id(), theirs: self.id });
        }
        let (epoch, current) = held.current();
        if let Some(key) = held.get(self.head.epoch) {
            self.check_mac(key)?;
            let behind = DocumentError::EpochBehind { ours: epoch, theirs: self.head.epoch };
            return if self.head.epoch == epoch { Ok(held.clone()) } else { Err(behind) };
        }
        // The chain reaches one epoch back: beyond it, only a key that is wrapped for this device can show anything.
        if self.head.epoch == epoch + 1 {
            let chain = self.chain.as_ref().ok_or(DocumentError::Changed)?;
            hmac::verify(&chain_key(current), self.signed_bytes(), chain)
                .map_err(|_| DocumentError::Changed)?;
        }
        let secret = secret.ok_or(DocumentError::NoRecipient)?;
        let key = secret.key();
        let mine = self
            .body
            .recipients
            .iter()
            .find(|recipient| recipient.key == key)
            .ok_or(DocumentError::NoRecipient)?;
        self.unwrap(mine, secret).filter(|epochs| held.is_beginning_of(epochs)).ok_or(DocumentError::Changed)
    }

    fn unwrap(&self, recipient: &Recipient, secret: &RecipientSecret) -> Option<Epochs> {
        let current = recipient.unwrap(self.id, self.head.epoch, secret)?;
        self.check_mac(&current).ok()?;
        older::unwrap(self.id, self.head.epoch, current, self.body.older.as_deref())
    }

    fn check_mac(&self, key: &AccountKey) -> Result<(), DocumentError> {
        let wanted =
            tag(&mac_key(key), &[self.signed_bytes(), self.chain.as_ref().map_or(&[], |chain| &chain[..])]);
        if bool::from(wanted.ct_eq(&self.mac)) { Ok(()) } else { Err(DocumentError::Changed) }
    }

    fn signed_bytes(&self) -> &[u8] {
        &self.bytes[..self.signed]
    }

    /// With one recipient more, in the place of one of the same id or key.
    pub fn with_recipient(&self, epochs: &Epochs, recipient: Recipient) -> Result<Self, DocumentError> {
        self.changed(epochs, |_, body| {
            body.recipients.retain(|other| other.id != recipient.id && other.key != recipient.key);
            body.recipients.push(recipient);
        })
    }

    /// Without a recipient. It still knows this epoch's key: only a new epoch shuts it out.
    pub fn without(&self, epochs: &Epochs, id: &str) -> Result<Self, DocumentError> {
        self.changed(epochs, |_, body| body.recipients.retain(|recipient| recipient.id != id))
    }

    /// With the lowest epoch that is accepted from now on.
    pub fn with_floor(&self, epochs: &Epochs, floor: u32) -> Result<Self, DocumentError> {
        self.changed(epochs, |head, _| head.floor = floor)
    }

    /// The account goes back to plain records.
    pub fn unsealed(&self, epochs: &Epochs) -> Result<Self, DocumentError> {
        self.changed(epochs, |head, _| (head.seals, head.floor) = (false, 0))
    }

    /// The account seals its records again, and accepts plain ones until the floor is raised.
    pub fn sealed_again(&self, epochs: &Epochs) -> Result<Self, DocumentError> {
        self.changed(epochs, |head, _| {
            (head.seals, head.floor) = (true, 0);
            head.sealings += u64::from(!self.head.seals);
        })
    }

    /// A new epoch, its key wrapped for all recipients that there are.
    pub fn next_epoch(&self, epochs: &Epochs) -> Result<(Self, Epochs), DocumentError> {
        let next = epochs.with_next().ok_or(DocumentError::Full)?;
        let anew = self
            .body
            .recipients
            .iter()
            .map(|recipient| recipient.wrapped_anew(&next))
            .collect::<Option<Vec<_>>>();
        let recipients = anew.ok_or(DocumentError::Form("a recipient's key"))?;
        let document = self.changed(&next, |head, body| {
            head.epoch = next.current().0;
            body.recipients = recipients;
            body.older = older::wrap(&next);
        })?;
        Ok((document, next))
    }

    fn changed(
        &self,
        epochs: &Epochs,
        change: impl FnOnce(&mut Head, &mut Body),
    ) -> Result<Self, DocumentError> {
        if self.id != epochs.id() {
            return Err(DocumentError::OtherKey { ours: epochs.id(), theirs: self.id });
        }
        let (mut head, mut body) = (self.head.clone(), self.body.clone());
        head.number = self.before.checked_add(1).ok_or(DocumentError::Full)?;
        change(&mut head, &mut body);
        if head.epoch != epochs.current().0 {
            return Err(DocumentError::EpochBehind { ours: epochs.current().0, theirs: head.epoch });
        }
        if body.recipients.len() > MAX_RECIPIENTS {
            return Err(DocumentError::Full);
        }
        Self::sign(head, body, epochs, self.before)
    }
}

/// What is wrong with a document whose first line says another form than this version's.
fn newer(bytes: &[u8]) -> Option<DocumentError> {
    let line = bytes.split(|b| *b == b'\n').next()?;
    let AnyHead { keys } = serde_json::from_slice(line).ok()?;
    (keys != FORMAT).then_some(DocumentError::Format(keys))
}

fn check(head: &Head, body: &Body) -> Result<(), DocumentError> {
    let text = |text: &str| text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
    let epochs = 1..=MAX_EPOCHS as u32;
    if head.number == 0
        || !epochs.contains(&head.epoch)
        || head.floor > head.epoch
        || head.sealings >= head.number
    {
        return Err(DocumentError::Form("its numbers"));
    }
    if !text(&body.tenant) || !text(&body.made.at) || !text(&body.made.device) {
        return Err(DocumentError::Form("its names"));
    }
    let recipients = &body.recipients;
    let ids: std::collections::BTreeSet<&str> =
        recipients.iter().map(|recipient| recipient.id.as_str()).collect();
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS || ids.len() != recipients.len() {
        return Err(DocumentError::Form("its recipients"));
    }
    match recipients.iter().all(|recipient| recipient.is_well_formed(head.epoch)) {
        true => Ok(()),
        false => Err(DocumentError::Form("a recipient")),
    }
}

fn mac_key(key: &AccountKey) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.derive(&[b"orkee key document mac"]).as_slice())
}

fn chain_key(key: &AccountKey) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.derive(&[b"orkee key document chain"]).as_slice())
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
