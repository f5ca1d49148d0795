//! The key file on disk: read only if nobody else can have read or made it, replaced as a whole, under a lock.

use std::fs::TryLockError;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::content::{Content, Kept, Secrets};
use super::error::KeyFileError;
use super::fresh::Fresh;
use super::keep::{Keep, State};
use super::locked::{is_under, sealed_under};
use super::{KeyError, Keys};
use crate::auth::{FileError, Folder};
use crate::file;
use crate::home::Home;
use crate::keyring::{self, KeyringError};
use crate::seal::Document;
use crate::store::lock_of;

/// One lock for all key files: they change seldom.
const LOCK: &str = "keys.lock";
const POLL: Duration = Duration::from_millis(10);
/// Whoever holds the lock may have to wait for a keyring.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// How the secrets of a key file are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// In the file, which only its owner can read.
    File,
    /// In the keyring of the operating system.
    Keyring,
    /// In the file, sealed with the fields that this device has locked.
    Locked,
}

impl Keeping {
    fn of(kept: &Kept) -> Self {
        match kept {
            Kept::Here(_) => Self::File,
            Kept::Keyring(_) => Self::Keyring,
            Kept::Locked(_) => Self::Locked,
        }
    }

    /// The word for it, for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
            Self::Locked => "locked",
        }
    }
}

/// The place of the key of one account and tenant on this device.
#[derive(Debug, Clone)]
pub struct KeyFile {
    folder: PathBuf,
    /// Says whether secrets of this device are locked.
    database: PathBuf,
    name: String,
    /// The account that it has to be of, where one is asked for.
    remote: Option<String>,
}

impl KeyFile {
    /// Of a tenant (empty: none) at the place that the store calls `remote`. Each place has a file of its own, so that no account's key
    /// is ever used, or replaced, for another's.
    pub fn of(home: &Home, tenant: &str, remote: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(remote).into();
        let mark: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let tenant = if tenant.is_empty() { "personal" } else { tenant };
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let tenant: String = tenant.chars().map(plain).collect();
        let name = format!("{tenant}-{mark}.toml");
        Self { remote: Some(remote.to_owned()), ..Self::named(home, name) }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Every key file of this device.
    pub fn all(home: &Home) -> Vec<Self> {
        let entries = std::fs::read_dir(home.keys()).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
        names.sort();
        names.into_iter().map(|name| Self::named(home, name)).collect()
    }

    fn named(home: &Home, name: String) -> Self {
        Self { folder: home.keys(), database: home.database(), name, remote: None }
    }

    /// What it holds; none: there is none.
    pub(super) fn read(&self) -> Result<Option<Content>, KeyFileError> {
        let path = self.path();
        if !self.folder.exists() {
            return Ok(None);
        }
        let folder = self.open()?;
        let Some(read) = folder.read_named(&self.name).map_err(|error| self.refused(&error))? else {
            return Ok(None);
        };
        if let Some(mode) = read.readable_by_others {
            return Err(KeyFileError::Mode { path, mode });
        }
        match Content::parse(&read.text) {
            Ok(content) => Ok(Some(content)),
            Err(damage) => Err(KeyFileError::Damaged { path, damage }),
        }
    }

    /// Whether what it holds is of the account that is asked for: a file can be copied, and nothing is ever sealed under a wrong key.
    pub(super) fn is_of(&self, content: &Content) -> bool {
        self.remote.as_ref().is_none_or(|remote| *remote == content.remote)
    }

    /// Reads the secrets from where they are.
    pub(super) fn state(&self, content: Content) -> Result<State, KeyFileError> {
        let damaged = |damage| KeyFileError::Damaged { path: self.path(), damage };
        let secrets = match &content.kept {
            Kept::Here(secrets) => secrets.clone(),
            Kept::Keyring(entry) => {
                let bytes =
                    keyring::get(entry).map_err(refused_by_keyring)?.ok_or(KeyFileError::EntryGone)?;
                Secrets::parse(content.key_id, &bytes).map_err(damaged)?
            }
            Kept::Locked(sealed) => match self.unlocked(content.key_id, sealed) {
                Err(KeyFileError::Locked) if self.lock_is_gone(sealed)? => {
                    return Err(KeyFileError::LockGone { path: self.path() });
                }
                secrets => secrets?,
            },
        };
        let Content { key_id, remote, is_confirmed, reseal_to, document, .. } = content;
        Ok(State { key_id, remote, is_confirmed, reseal_to, document, secrets })
    }

    /// Whether the lock that sealed this is not the device's any more: the database was replaced, or is gone.
    fn lock_is_gone(&self, sealed: &[u8]) -> Result<bool, KeyFileError> {
        Ok(lock_of(&self.database)?.is_none_or(|(id, _)| !is_under(&id, sealed)))
    }

    /// Keeps keys that came to this device, in the place of any others. They are durable before this returns.
    pub fn keep(&self, fresh: &Fresh, keeping: Keeping) -> Result<Keys, KeyError> {
        {
            let _lock = self.lock()?;
            self.write(&fresh.state, keeping)?;
        }
        Keys::open(self)
    }

    /// Keeps the secrets that are here in another way from now on. Whether it was another.
    pub fn keep_in(&self, keeping: Keeping) -> Result<bool, KeyError> {
        let _lock = self.lock()?;
        let content = self.read()?.ok_or(KeyError::Missing)?;
        if !self.is_of(&content) {
            return Err(KeyError::OtherKey);
        }
        if Keeping::of(&content.kept) == keeping {
            return Ok(false);
        }
        self.write(&self.state(content)?, keeping)?;
        Ok(true)
    }

    /// The newest document that was met, which is no secret; none: there is no file, or the account has not taken the key yet.
    pub fn document(&self) -> Result<Option<Document>, KeyError> {
        let content = self.read()?.filter(|content| content.is_confirmed);
        Ok(content.map(|content| Document::parse(&content.document)).transpose()?)
    }

    /// Whose account's key it is, and where, as the store names it; none: there is no file.
    pub fn account(&self) -> Result<Option<String>, KeyFileError> {
        Ok(self.read()?.map(|content| content.remote))
    }

    /// How its secrets are kept; none: there is no file.
    pub fn keeping(&self) -> Result<Option<Keeping>, KeyFileError> {
        Ok(self.read()?.map(|content| Keeping::of(&content.kept)))
    }

    /// Puts this in its place, secrets in the keyring where that is wished, else locked where the device is; what an older file named in
    /// the keyring is forgotten.
    pub(super) fn write(&self, state: &State, keeping: Keeping) -> Result<(), KeyFileError> {
        file::private_folder(&self.folder).map_err(|source| self.not_kept(source))?;
        let before = match self.read() {
            Ok(Some(Content { kept: Kept::Keyring(entry), .. })) => Some(entry),
            _ => None,
        };
        let kept = match keeping {
            Keeping::Keyring => {
                let entry = keyring::new_name();
                keyring::set(&entry, &state.secrets.to_bytes()).map_err(refused_by_keyring)?;
                Kept::Keyring(entry)
            }
            Keeping::File | Keeping::Locked => match lock_of(&self.database)? {
                Some((id, false)) => sealed_under(&id, &state.secrets)?,
                // There is no lock, or it is coming off.
                _ => Kept::Here(state.secrets.clone()),
            },
        };
        let State { key_id, remote, is_confirmed, reseal_to, document, .. } = state.clone();
        let content = Content { key_id, remote, is_confirmed, reseal_to, document, kept };
        let written = file::replace(&self.path(), content.to_text().as_bytes());
        if let (Err(_), Kept::Keyring(entry)) = (&written, &content.kept) {
            keyring::forget(entry);
        }
        written.map_err(|source| self.not_kept(source))?;
        if let Some(entry) = before {
            keyring::forget(&entry);
        }
        Ok(())
    }

    /// Takes it away, and its entry of the keyring. Whether there was one.
    pub fn remove(&self) -> Result<bool, KeyFileError> {
        if !self.folder.exists() {
            return Ok(false);
        }
        let _lock = self.lock()?;
        let content = self.read();
        let path = self.path();
        if !path.exists() {
            return Ok(false);
        }
        self.open()?.remove_named(&self.name).map_err(|source| self.not_kept(source))?;
        if let Ok(Some(Content { kept: Kept::Keyring(entry), .. })) = content {
            keyring::forget(&entry);
        }
        Ok(true)
    }

    /// Held while the file is read, changed and written: another process may do the same.
    pub(super) fn lock(&self) -> Result<std::fs::File, KeyFileError> {
        file::private_folder(&self.folder).map_err(|source| self.not_kept(source))?;
        let lock = self.open()?.lock_file(LOCK).map_err(|error| self.refused(&error))?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(source)) => return Err(self.not_kept(source)),
                Err(TryLockError::WouldBlock) if began.elapsed() >= GIVE_UP_AFTER => {
                    return Err(KeyFileError::Busy { path: self.path() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
            }
        }
    }

    fn open(&self) -> Result<Folder, KeyFileError> {
        Folder::open(&self.folder).map_err(|error| self.refused(&error))
    }

    pub(super) fn not_kept(&self, source: std::io::Error) -> KeyFileError {
        KeyFileError::NotKept { path: self.path(), source }
    }

    fn refused(&self, error: &FileError) -> KeyFileError {
        let why = match error {
            FileError::Content => "it does not have the form of a key file".to_owned(),
            other => other.to_string(),
        };
        KeyFileError::Unsafe { path: self.path(), why }
    }
}

fn refused_by_keyring(error: KeyringError) -> KeyFileError {
    KeyFileError::Keyring { why: error.to_string() }
}

/// A key file that is in use.
#[derive(Debug)]
pub(super) struct OnDisk(pub(super) KeyFile);

impl Keep for OnDisk {
    fn change(
        &self,
        change: &mut dyn FnMut(&mut State) -> Result<bool, KeyError>,
    ) -> Result<State, KeyError> {
        let _lock = self.0.lock()?;
        let content = self.0.read()?.ok_or(KeyError::Missing)?;
        if !self.0.is_of(&content) {
            return Err(KeyError::OtherKey);
        }
        let keeping = Keeping::of(&content.kept);
        let mut state = self.0.state(content)?;
        if change(&mut state)? {
            self.0.write(&state, keeping)?;
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::keys::Joiner;
    use crate::seal::keys::error::Damage;

    #[test]
    fn k87_secrets_of_one_accounts_key_file_are_not_taken_for_anothers() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        let [ours, theirs] = ["ann at a", "ben at b"].map(|remote| {
            let by = Joiner {
                remote: remote.to_owned(),
                name: "x".to_owned(),
                device: None,
                at: "2026".to_owned(),
            };
            let file = KeyFile::of(&home, "", remote);
            file.keep(&Fresh::found("", &by, None).unwrap(), Keeping::File).unwrap();
            file
        });
        let (ours_says, theirs_says) = (ours.read().unwrap().unwrap(), theirs.read().unwrap().unwrap());
        // As they would be if they were sealed, and nobody could see whose they are.
        let Kept::Here(Secrets { device, epochs, phrase }) = theirs_says.kept else {
            panic!("kept elsewhere")
        };
        let epochs = crate::seal::Epochs::from_keys(ours_says.key_id, epochs.keys().to_vec()).unwrap();
        let mixed = Content { kept: Kept::Here(Secrets { device, epochs, phrase }), ..ours_says };
        file::replace(&ours.path(), mixed.to_text().as_bytes()).unwrap();
        let refused = Keys::open(&ours).unwrap_err();
        let is_told = |error: &KeyError| {
            matches!(error, KeyError::File(KeyFileError::Damaged { damage: Damage::Keys, .. }))
        };
        assert!(is_told(&refused), "{refused}");
        assert!(Keys::open(&theirs).is_ok());
    }
}
