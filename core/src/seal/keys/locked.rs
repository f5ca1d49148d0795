//! The secrets of a key file sealed under the lock key of this device: its name, then the sealed bytes.

use std::sync::Arc;

use super::content::{Content, Kept, Secrets};
use super::disk::KeyFile;
use super::error::{Damage, KeyFileError};
use crate::clock::SystemClock;
use crate::file;
use crate::seal::lock::{LockKey, Runtime};
use crate::seal::{Document, KeyId, RecipientKey, RecipientKind};

/// Under which name the lock key seals them.
const NAME: &str = "account key";
const ID_BYTES: usize = 16;

impl KeyFile {
    /// Seals its secrets under the lock key, where they stand in the file. Whether they did.
    pub fn lock_with(&self, key: &LockKey) -> Result<bool, KeyFileError> {
        self.rewrite(|content| match &content.kept {
            Kept::Here(secrets) => seal(key, secrets).map(Some),
            _ => Ok(None),
        })
    }

    /// Puts its secrets into the file again, where they are sealed under the lock key.
    pub fn unlock_with(&self, key: &LockKey) -> Result<bool, KeyFileError> {
        self.rewrite(|content| match &content.kept {
            Kept::Locked(sealed) => {
                let secrets =
                    open(content.key_id, sealed, Some(key)).map_err(|damage| self.locked(damage))?;
                Ok(Some(Kept::Here(secrets)))
            }
            _ => Ok(None),
        })
    }

    /// Whether its secrets stand in the file for whoever has the file.
    pub fn is_plain(&self) -> Result<bool, KeyFileError> {
        Ok(self.read()?.is_some_and(|content| matches!(content.kept, Kept::Here(_))))
    }

    /// The account's key, and whom its recovery phrase stands for.
    pub fn recovery(&self) -> Result<Option<(KeyId, RecipientKey)>, KeyFileError> {
        let Some(content) = self.read()? else { return Ok(None) };
        let Ok(document) = Document::parse(&content.document) else { return Ok(None) };
        let found = document.recipients().iter().find(|one| one.kind == RecipientKind::Recovery);
        Ok(found.map(|recipient| (document.id(), recipient.key)))
    }

    /// Opens sealed secrets with the lock key that is unlocked in this session.
    pub(super) fn unlocked(&self, id: KeyId, sealed: &[u8]) -> Result<Secrets, KeyFileError> {
        open(id, sealed, None).map_err(|damage| self.locked(damage))
    }

    fn locked(&self, damage: Option<Damage>) -> KeyFileError {
        match damage {
            Some(damage) => KeyFileError::Damaged { path: self.path(), damage },
            None => KeyFileError::Locked,
        }
    }

    fn rewrite(
        &self,
        change: impl FnOnce(&Content) -> Result<Option<Kept>, KeyFileError>,
    ) -> Result<bool, KeyFileError> {
        let _lock = self.lock()?;
        let Some(content) = self.read()? else { return Ok(false) };
        let Some(kept) = change(&content)? else { return Ok(false) };
        let text = Content { kept, ..content }.to_text();
        file::replace(&self.path(), text.as_bytes()).map_err(|source| self.not_kept(source))?;
        Ok(true)
    }
}

fn seal(key: &LockKey, secrets: &Secrets) -> Result<Kept, KeyFileError> {
    let sealed = key.seal_bytes(NAME, &secrets.to_bytes()).ok_or(KeyFileError::Locked)?;
    Ok(Kept::Locked([key.id().as_bytes().as_slice(), &sealed].concat()))
}

/// Secrets sealed under the lock key of this id, which has to be unlocked.
pub(super) fn sealed_under(id: &str, secrets: &Secrets) -> Result<Kept, KeyFileError> {
    seal(&unlocked(id).ok_or(KeyFileError::Locked)?, secrets)
}

/// Whether the lock key of this id sealed it.
pub(super) fn is_under(id: &str, sealed: &[u8]) -> bool {
    id.parse::<KeyId>().is_ok_and(|id| sealed.starts_with(id.as_bytes()))
}

/// None: the key is not at hand, or is another's.
fn open(id: KeyId, sealed: &[u8], key: Option<&LockKey>) -> Result<Secrets, Option<Damage>> {
    let found = match key {
        Some(key) => key.clone(),
        None => lock_key(sealed).ok_or(None)?,
    };
    let (_, bytes) = sealed.split_at_checked(ID_BYTES).ok_or(Some(Damage::Form))?;
    let bytes = found.open_bytes(NAME, bytes).ok_or(None)?;
    Secrets::parse(id, &bytes).map_err(Some)
}

/// The lock key that sealed this, where it is unlocked in this session.
fn lock_key(sealed: &[u8]) -> Option<LockKey> {
    let bytes: [u8; ID_BYTES] = sealed.get(..ID_BYTES)?.try_into().ok()?;
    unlocked(&KeyId::from_bytes(bytes).to_string())
}

fn unlocked(id: &str) -> Option<LockKey> {
    Runtime::from_env(Arc::new(SystemClock)).find(id).ok()?.map(|(key, _)| key)
}
