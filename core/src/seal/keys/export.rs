//! An account's key in a file that can be carried away: sealed by a passphrase, or, where somebody wants that, as it is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::diagnostic::{Diagnostic, Kind};
use crate::seal::passphrase::{Params, StretchError, Stretched};
use crate::seal::{self, AccountKey, Epochs, KeyId, Place};

const FORMAT: u32 = 1;

/// A file with an account's key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    orkee_key: u32,
    key_id: String,
    /// Where the account is, for people.
    account: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stretch: Option<Params>,
    /// In base64: sealed, where a passphrase is stretched.
    epochs: Zeroizing<String>,
}

/// Why an exported key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExportError {
    /// Something else.
    #[error("the file is no exported key, or it is cut off")]
    Form,
    /// Written by a newer version.
    #[error("the exported key has format {0}, this version reads 1")]
    Format(u32),
    /// It is sealed, and this does not open it.
    #[error("the passphrase does not open the exported key, or the file was changed")]
    Passphrase,
    /// How it is stretched.
    #[error(transparent)]
    Stretch(#[from] StretchError),
}

impl Diagnostic for ExportError {
    fn code(&self) -> &'static str {
        match self {
            Self::Form | Self::Format(_) => "E-KEY-037",
            Self::Passphrase => "E-KEY-038",
            Self::Stretch(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Stretch(error) => error.kind(),
            Self::Form | Self::Format(_) => Kind::Usage,
            Self::Passphrase => Kind::Auth,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Form => Some("`orkee cloud key export` writes such a file".to_owned()),
            Self::Format(_) => Some("update Orkee on this device".to_owned()),
            Self::Passphrase => Some("try it again; nothing was changed".to_owned()),
            Self::Stretch(error) => error.hint(),
        }
    }
}

impl Exported {
    /// With the keys sealed by a passphrase; without one, as they are.
    pub fn new(epochs: &Epochs, account: &str, passphrase: Option<&Stretched>) -> Result<Self, ExportError> {
        let keys = Zeroizing::new(epochs.keys().iter().flat_map(|key| *key.expose()).collect::<Vec<u8>>());
        let key_id = epochs.id();
        let held = match passphrase {
            None => keys,
            Some(stretched) => {
                let key = AccountKey::from_bytes(*stretched.expose());
                let sealed = seal::seal(&key, 1, &place(key_id), &keys).map_err(|_| ExportError::Form)?;
                Zeroizing::new(sealed)
            }
        };
        Ok(Self {
            orkee_key: FORMAT,
            key_id: key_id.to_string(),
            account: account.to_owned(),
            stretch: passphrase.map(|stretched| stretched.params().clone()),
            epochs: Zeroizing::new(BASE64.encode(&*held)),
        })
    }

    /// The text of a file.
    pub fn to_text(&self) -> Zeroizing<String> {
        // Texts and numbers always have a JSON form.
        let mut text = Zeroizing::new(serde_json::to_string_pretty(self).unwrap_or_default());
        text.push('\n');
        text
    }

    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, ExportError> {
        #[derive(Deserialize)]
        struct Any {
            orkee_key: u32,
        }
        let Any { orkee_key } = serde_json::from_str(text).map_err(|_| ExportError::Form)?;
        if orkee_key != FORMAT {
            return Err(ExportError::Format(orkee_key));
        }
        serde_json::from_str(text).map_err(|_| ExportError::Form)
    }

    /// Whether a passphrase is wanted.
    pub fn is_sealed(&self) -> bool {
        self.stretch.is_some()
    }

    /// The keys.
    pub fn open(&self, passphrase: &str) -> Result<Epochs, ExportError> {
        let id: KeyId = self.key_id.parse().map_err(|_| ExportError::Form)?;
        let held = Zeroizing::new(BASE64.decode(self.epochs.as_str()).map_err(|_| ExportError::Form)?);
        let keys = match &self.stretch {
            None => held,
            Some(params) => {
                let key = AccountKey::from_bytes(*params.stretch(passphrase)?.expose());
                let opened = seal::open(|_| Some(&key), &place(id), &held);
                Zeroizing::new(opened.map_err(|_| ExportError::Passphrase)?.0)
            }
        };
        let (keys, rest) = keys.as_chunks::<32>();
        let keys = keys.iter().map(|key| AccountKey::from_bytes(*key)).collect();
        Epochs::from_keys(id, keys).filter(|_| rest.is_empty()).ok_or(ExportError::Form)
    }
}

fn place(key_id: KeyId) -> Place<'static> {
    Place {
        key_id,
        tenant: "",
        record: "exported key",
        ancestry: "",
        device: "",
        at: "",
        author: None,
        is_tombstone: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exported_key_opens_by_its_passphrase_alone() {
        let epochs = Epochs::generate();
        let stretched = Params::least().stretch("correct horse battery").unwrap();
        let text = Exported::new(&epochs, "ann@a", Some(&stretched)).unwrap().to_text();
        let back = Exported::parse(&text).unwrap();
        assert!(back.is_sealed());
        assert_eq!(back.open("correct horse battery").unwrap(), epochs);
        assert_eq!(back.open("another"), Err(ExportError::Passphrase));
        let plain = Exported::new(&epochs, "ann@a", None).unwrap();
        assert!(!plain.is_sealed());
        assert_eq!(Exported::parse(&plain.to_text()).unwrap().open("").unwrap(), epochs);
    }

    #[test]
    fn what_is_no_exported_key_says_so() {
        let text = Exported::new(&Epochs::generate(), "ann@a", None).unwrap().to_text();
        for wrong in ["", "{}", "[]", &text[..text.len() / 2], &text.replace("key_id", "key")] {
            assert_eq!(Exported::parse(wrong).err(), Some(ExportError::Form), "{wrong}");
        }
        let newer = text.replace("\"orkee_key\": 1", "\"orkee_key\": 2");
        assert_eq!(Exported::parse(&newer).err(), Some(ExportError::Format(2)));
    }
}
