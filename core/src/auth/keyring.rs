//! Sign-ins in the keyring of the operating system, for who asks for it.
//!
//! The token file then holds what is no secret, and the name of the entry with the rest. Changed secrets get an entry of a new
//! name, and the file names it from the moment at which it is replaced: a crash leaves the old sign-in or the new one, and at worst an
//! entry that nobody names. There is no way back to the file that is not asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::document::Document;
use super::section::Section;
use crate::keyring::{self, KeyringError};
use crate::net::Secret;

/// Where sign-ins are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretStore {
    /// In the token file.
    #[default]
    File,
    /// In the keyring of the operating system; the token file has what is no secret.
    Keyring,
}

/// The secrets of one section.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    pub(super) token: Option<Secret>,
    pub(super) refresh_token: Option<Secret>,
}

/// As they stand in an entry.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    token: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    refresh_token: Option<std::borrow::Cow<'a, str>>,
}

impl Secrets {
    fn is_empty(&self) -> bool {
        self.token.is_none() && self.refresh_token.is_none()
    }

    fn is_same(&self, other: &Self) -> bool {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|s| Zeroizing::new(s.expose().to_owned()));
        text(&self.token) == text(&other.token) && text(&self.refresh_token) == text(&other.refresh_token)
    }
}

/// The entries of a keyring, as this process knows them: what has a name never changes.
#[derive(Clone, Default)]
pub(super) struct Vault {
    store: SecretStore,
    known: Arc<Mutex<HashMap<String, Secrets>>>,
}

/// A section, and the entry that the token file names for it.
pub(super) type Named = (Section, String);

/// An entry that was made before anything was sent whose outcome it has to hold. Dropped unused, it is gone.
pub(super) struct Reserved {
    vault: Vault,
    name: Option<String>,
}

impl Vault {
    pub(super) fn new(store: SecretStore) -> Self {
        Self { store, ..Self::default() }
    }

    /// Proves that an entry can be made, by making one.
    pub(super) fn reserve(&self) -> Result<Reserved, KeyringError> {
        let name = match self.store {
            SecretStore::File => None,
            SecretStore::Keyring => Some(keyring::new_name()),
        };
        if let Some(name) = &name {
            self.write(name, &Secrets::default())?;
        }
        Ok(Reserved { vault: self.clone(), name })
    }

    /// Moves the secrets of a document that is about to be written to where they belong. Returns the entries that nobody needs after that.
    pub(super) fn keep(
        &self,
        document: &mut Document,
        named: &[Named],
        mut reserved: Reserved,
    ) -> Result<(Vec<Named>, Vec<String>), KeyringError> {
        let mut kept = Vec::new();
        for section in document.sections() {
            // Nobody wanted to know what is in it, so it is as it was.
            if let Some(name) = document.entry(&section) {
                kept.push((section, name));
                continue;
            }
            let secrets = document.secrets(&section);
            if self.store == SecretStore::File || secrets.is_empty() {
                continue;
            }
            let before = named.iter().find(|(other, _)| *other == section).map(|(_, name)| name.clone());
            let is_there = |name: &String| self.known().get(name).is_some_and(|s| s.is_same(&secrets));
            let name = match before.filter(is_there) {
                Some(name) => name,
                None => {
                    let name = reserved.name.take().unwrap_or_else(keyring::new_name);
                    self.write(&name, &secrets)?;
                    name
                }
            };
            document.name(&section, &name);
            kept.push((section, name));
        }
        let is_kept = |name: &String| kept.iter().any(|(_, other)| other == name);
        let stale = named.iter().map(|(_, name)| name.clone()).filter(|name| !is_kept(name)).collect();
        Ok((kept, stale))
    }

    /// Removes entries that nobody names any more. One that cannot be removed is an entry too many, and no harm.
    pub(super) fn forget(&self, stale: &[String]) {
        for name in stale {
            self.known().remove(name);
            keyring::forget(name);
        }
    }

    /// What an entry holds. None: there is none of this name.
    pub(super) fn read(&self, name: &str) -> Result<Option<Secrets>, KeyringError> {
        if let Some(secrets) = self.known().get(name) {
            return Ok(Some(secrets.clone()));
        }
        let Some(bytes) = keyring::get(name)? else { return Ok(None) };
        let Stored { token, refresh_token } =
            serde_json::from_slice(&bytes).map_err(|_| KeyringError::Damaged)?;
        let secret =
            |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| Secret::new(text.into_owned()));
        let secrets = Secrets { token: secret(token), refresh_token: secret(refresh_token) };
        self.known().insert(name.to_owned(), secrets.clone());
        Ok(Some(secrets))
    }

    fn write(&self, name: &str, secrets: &Secrets) -> Result<(), KeyringError> {
        let text =
            |secret: &'_ Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned().into());
        let stored = Stored { token: text(&secrets.token), refresh_token: text(&secrets.refresh_token) };
        let bytes = Zeroizing::new(serde_json::to_vec(&stored).map_err(|_| KeyringError::Damaged)?);
        keyring::set(name, &bytes)?;
        self.known().insert(name.to_owned(), secrets.clone());
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Secrets>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.vault.forget(&[name]);
        }
    }
}
