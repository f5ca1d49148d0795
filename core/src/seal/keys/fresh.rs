//! Keys that come to this device: those of a new account, and those of one that has them already. Nothing is kept yet.

use super::KeyError;
use super::content::Secrets;
use super::keep::{InMemory, State};
use crate::seal::passphrase::Stretched;
use crate::seal::{Document, DocumentError, Epochs, Made, Phrase, Recipient, RecipientKey, RecipientSecret};

/// Who adds a device to an account's key, where and when.
#[derive(Debug, Clone)]
pub struct Joiner {
    /// Where the account is, as the store names it.
    pub remote: String,
    /// The device's name, for people.
    pub name: String,
    /// What the provider calls the device.
    pub device: Option<String>,
    /// RFC 3339 UTC.
    pub at: String,
}

/// Keys that are not kept yet.
#[derive(Clone)]
pub struct Fresh {
    pub(super) state: State,
    document: Document,
}

impl Fresh {
    /// The key of a new account, and its first document, which the account has to take before it counts.
    pub fn found(tenant: &str, by: &Joiner, passphrase: Option<&Stretched>) -> Result<Self, KeyError> {
        let (epochs, phrase, device) = (Epochs::generate(), Phrase::generate(), RecipientSecret::generate());
        let mut recipients = vec![
            Recipient::recovery(&epochs, &phrase, &by.at),
            Recipient::device(&epochs, &device, &by.name, by.device.as_deref(), &by.at),
        ];
        recipients.extend(passphrase.map(|stretched| Recipient::passphrase(&epochs, stretched, &by.at)));
        let made = Made { at: by.at.clone(), device: by.name.clone() };
        let document = Document::new(tenant, made, recipients, &epochs)?;
        let secrets = Secrets { device, epochs, phrase: Some(phrase) };
        let kept = document.bytes().to_vec();
        Ok(Self::of(by, document, kept, secrets, false))
    }

    /// The keys of an account that has them, by a recipient's secret. The document is the one that this device is to be added to.
    pub fn join(there: &Document, secret: &RecipientSecret, by: &Joiner) -> Result<Self, KeyError> {
        Self::join_with(there, there.open(secret)?, by, None)
    }

    /// The same, by the keys themselves, and in the place that this device had `before`. Another of the same name, or signed in with the
    /// same token, is another device.
    pub fn join_with(
        there: &Document,
        epochs: Epochs,
        by: &Joiner,
        before: Option<RecipientKey>,
    ) -> Result<Self, KeyError> {
        let epochs = there.follow(&epochs, None)?;
        let device = RecipientSecret::generate();
        let mut document = there.clone();
        for earlier in there.recipients().iter().filter(|other| Some(other.key) == before) {
            document = document.without(&epochs, &earlier.id)?;
        }
        let recipient = Recipient::device(&epochs, &device, &by.name, by.device.as_deref(), &by.at);
        let document = document.with_recipient(&epochs, recipient)?;
        // What is kept is what the account has: it has yet to take the device in.
        let secrets = Secrets { device, epochs, phrase: None };
        Ok(Self::of(by, document, there.bytes().to_vec(), secrets, true))
    }

    fn of(by: &Joiner, document: Document, kept: Vec<u8>, secrets: Secrets, is_confirmed: bool) -> Self {
        let state = State {
            key_id: document.id(),
            remote: by.remote.clone(),
            is_confirmed,
            reseal_to: None,
            document: kept,
            secrets,
        };
        Self { state, document }
    }

    /// The document that the account is to have.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The recovery phrase of a new account.
    pub fn phrase(&self) -> Option<&Phrase> {
        self.state.secrets.phrase.as_ref()
    }

    /// Keeps them in the memory of this process alone.
    pub fn keep_in_memory(self) -> Result<super::Keys, KeyError> {
        super::Keys::kept_by(Box::new(InMemory::new(self.state)))
    }
}

/// A document that this device had no part in, as it came from an account.
pub fn read(envelope: &[u8]) -> Result<Document, KeyError> {
    let document = Document::parse(super::held::payload(envelope)?);
    document.map_err(|error: DocumentError| error.into())
}
