//! What a key file says, and its text.
//!
//! The last line is a checksum of all before it: a file that was cut off, or changed by something that is no Orkee, is told from one
//! whose key does not fit.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml_edit::{DocumentMut, Item, value};
use zeroize::Zeroizing;

use super::error::Damage;
use crate::seal::{AccountKey, Epochs, KeyId, Phrase, RecipientSecret};

/// The form that this version writes.
const FORMAT: i64 = 1;
const HEAD: &str = "# The key of your sealed projects: whoever has this file can read them.\n\
                    # Managed by `orkee cloud key`. Do not edit.\n\n";
const CHECKSUM: &str = "checksum = \"";

/// A key file, read.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) key_id: KeyId,
    /// Where the account is, as the store names it.
    pub(super) remote: String,
    /// The account has it. Before that it is one that `key init` made, and seals nothing.
    pub(super) is_confirmed: bool,
    /// This device seals all records anew up to this epoch, and raises the floor then.
    pub(super) reseal_to: Option<u32>,
    /// The newest key document that was met, as it came.
    pub(super) document: Vec<u8>,
    pub(super) kept: Kept,
}

/// Where the secrets of a key file are.
#[derive(Clone)]
pub(super) enum Kept {
    /// In the file.
    Here(Secrets),
    /// In an entry of the keyring.
    Keyring(String),
    /// In the file, sealed under the lock key of this device.
    Locked(Vec<u8>),
}

/// What nobody else may have.
#[derive(Clone)]
pub(super) struct Secrets {
    /// What the account's key is wrapped for on this device.
    pub(super) device: RecipientSecret,
    /// The account's key of each epoch.
    pub(super) epochs: Epochs,
    /// The recovery phrase, from when it was made until it was shown.
    pub(super) phrase: Option<Phrase>,
}

/// As they stand in a file or an entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    device: Zeroizing<String>,
    /// That of epoch 1 first.
    epochs: Vec<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phrase: Option<Zeroizing<String>>,
}

impl Secrets {
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let text = |bytes: &[u8; 32]| Zeroizing::new(BASE64.encode(bytes));
        let stored = Stored {
            device: text(self.device.expose()),
            epochs: self.epochs.keys().iter().map(|key| text(key.expose())).collect(),
            phrase: self.phrase.as_ref().map(|phrase| text(phrase.expose())),
        };
        // Texts always have a JSON form.
        Zeroizing::new(serde_json::to_vec(&stored).unwrap_or_default())
    }

    pub(super) fn parse(id: KeyId, bytes: &[u8]) -> Result<Self, Damage> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|_| Damage::Form)?;
        let key = |text: &Zeroizing<String>| key_of(text).map(|key| AccountKey::from_bytes(*key));
        let keys = stored.epochs.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            device: RecipientSecret::from_bytes(*key_of(&stored.device)?),
            epochs: Epochs::from_keys(id, keys).ok_or(Damage::Form)?,
            phrase: match &stored.phrase {
                None => None,
                Some(bits) => Some(Phrase::from_bytes(*key_of(bits)?)),
            },
        })
    }
}

fn key_of(text: &str) -> Result<Zeroizing<[u8; 32]>, Damage> {
    let bytes = Zeroizing::new(BASE64.decode(text).map_err(|_| Damage::Form)?);
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(Damage::Form);
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

impl Content {
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let mut toml = DocumentMut::new();
        toml["format"] = value(FORMAT);
        toml["key_id"] = value(self.key_id.to_string());
        toml["remote"] = value(&self.remote);
        toml["confirmed"] = value(self.is_confirmed);
        if let Some(epoch) = self.reseal_to {
            toml["reseal_to"] = value(i64::from(epoch));
        }
        toml["document"] = value(BASE64.encode(&self.document));
        match &self.kept {
            Kept::Here(secrets) => toml["secrets"] = value(BASE64.encode(&*secrets.to_bytes())),
            Kept::Keyring(entry) => toml["keyring"] = value(entry),
            Kept::Locked(sealed) => toml["locked"] = value(BASE64.encode(sealed)),
        }
        let mut text = Zeroizing::new(format!("{HEAD}{toml}"));
        let sum = checksum(&text);
        text.push_str(&format!("{CHECKSUM}{sum}\"\n"));
        text
    }

    pub(super) fn parse(text: &str) -> Result<Self, Damage> {
        let (before, sum) = text.rsplit_once(CHECKSUM).ok_or(Damage::CutOff)?;
        let sum = sum.strip_suffix("\"\n").ok_or(Damage::CutOff)?;
        if sum != checksum(before) {
            return Err(Damage::Checksum);
        }
        let toml: DocumentMut = before.parse().map_err(|_| Damage::Form)?;
        let number = |key: &str| toml.get(key).and_then(Item::as_integer);
        let text = |key: &str| toml.get(key).and_then(Item::as_str);
        match number("format") {
            Some(FORMAT) => {}
            Some(other) => return Err(Damage::Format(other)),
            None => return Err(Damage::Form),
        }
        let bytes = |key: &str| text(key).and_then(|text| BASE64.decode(text).ok().map(Zeroizing::new));
        let key_id: KeyId = text("key_id").and_then(|id| id.parse().ok()).ok_or(Damage::Form)?;
        let kept = if let Some(secrets) = bytes("secrets") {
            Kept::Here(Secrets::parse(key_id, &secrets)?)
        } else if let Some(entry) = text("keyring") {
            Kept::Keyring(entry.to_owned())
        } else if let Some(sealed) = bytes("locked") {
            Kept::Locked(sealed.to_vec())
        } else {
            return Err(Damage::Form);
        };
        let reseal_to = match number("reseal_to") {
            None => None,
            Some(epoch) => Some(u32::try_from(epoch).map_err(|_| Damage::Form)?),
        };
        Ok(Self {
            key_id,
            remote: text("remote").ok_or(Damage::Form)?.to_owned(),
            is_confirmed: toml.get("confirmed").and_then(Item::as_bool).ok_or(Damage::Form)?,
            reseal_to,
            document: bytes("document").ok_or(Damage::Form)?.to_vec(),
            kept,
        })
    }
}

fn checksum(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        let id = KeyId::from_bytes([7; 16]);
        let keys = [1, 2].map(|n| AccountKey::from_bytes([n; 32]));
        Content {
            key_id: id,
            remote: "ann@a at \"https://a\" through x".to_owned(),
            is_confirmed: true,
            reseal_to: Some(2),
            document: b"{}\n{}\n{}".to_vec(),
            kept: Kept::Here(Secrets {
                device: RecipientSecret::from_bytes([9; 32]),
                epochs: Epochs::from_keys(id, keys.to_vec()).unwrap(),
                phrase: Some(Phrase::from_bytes([3; 32])),
            }),
        }
    }

    #[test]
    fn a_key_file_is_read_as_it_was_written() {
        let text = content().to_text();
        let back = Content::parse(&text).unwrap();
        assert_eq!(back.to_text(), text);
        let Kept::Here(secrets) = back.kept else { panic!("kept elsewhere") };
        assert_eq!(secrets.epochs.get(2), Some(&AccountKey::from_bytes([2; 32])));
        assert_eq!(secrets.phrase.unwrap().expose(), &[3; 32]);
        for kept in [Kept::Keyring("orkee x".to_owned()), Kept::Locked(vec![1, 2, 3])] {
            let text = Content { kept, ..content() }.to_text();
            assert_eq!(Content::parse(&text).unwrap().to_text(), text);
        }
    }

    #[test]
    fn k25_a_key_file_that_was_cut_off_or_changed_is_told_wherever_it_was() {
        let text = content().to_text();
        for end in 0..text.len() {
            assert!(matches!(Content::parse(&text[..end]), Err(Damage::CutOff)), "cut at {end}");
        }
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            if let Ok(changed) = std::str::from_utf8(&bytes) {
                assert!(Content::parse(changed).is_err(), "changed at {at}");
            }
        }
    }

    #[test]
    fn k25_a_key_file_of_a_newer_version_says_so() {
        let text = content().to_text();
        let before = text.rsplit_once(CHECKSUM).unwrap().0.replace("format = 1", "format = 2");
        let newer = format!("{before}{CHECKSUM}{}\"\n", checksum(&before));
        assert!(matches!(Content::parse(&newer), Err(Damage::Format(2))));
    }
}
