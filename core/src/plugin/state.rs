//! A plugin's own small memory: one file for each plugin and tenant, so that no tenant reaches another's.
//!
//! Each change rewrites the file under a lock; it is small by its limit.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::limits::Limit;
use crate::file;

/// The state of one plugin for one tenant.
#[derive(Debug)]
pub(super) struct StateStore {
    path: PathBuf,
    limit: u64,
    /// The calls of this process take turns; the lock file is for other processes.
    turn: Mutex<()>,
}

/// A change that was not made.
#[derive(Debug)]
pub(super) enum StateError {
    /// It would grow beyond the limit.
    Full(Limit),
    /// The file cannot be read or written.
    Io(io::Error),
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    /// Key → value in hexadecimal.
    entries: BTreeMap<String, String>,
}

impl StateStore {
    /// The state of `plugin` for `tenant` below `folder`; none is the personal account.
    pub(super) fn new(folder: &Path, plugin: &str, tenant: Option<&str>, limit: u64) -> Self {
        let tenant = tenant.map_or("personal".to_owned(), |tenant| format!("tenant-{}", file_name(tenant)));
        let path = folder.join(file_name(plugin)).join(format!("{tenant}.json"));
        Self { path, limit, turn: Mutex::new(()) }
    }

    /// A value.
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        let _turn = self.take_turn();
        Ok(self.read()?.entries.get(key).and_then(|value| hex::decode(value).ok()))
    }

    /// Sets or removes a value.
    pub(super) fn put(&self, key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
        let _turn = self.take_turn();
        let _lock = self.lock()?;
        let mut content = self.read()?;
        match value {
            Some(value) => content.entries.insert(key.to_owned(), hex::encode(value)),
            None => content.entries.remove(key),
        };
        let bytes: usize = content.entries.iter().map(|(key, value)| key.len() + value.len() / 2).sum();
        if bytes as u64 > self.limit {
            return Err(StateError::Full(Limit::State(self.limit)));
        }
        let text = serde_json::to_vec(&content).map_err(|e| StateError::Io(e.into()))?;
        file::replace(&self.path, &text).map_err(StateError::Io)
    }

    fn read(&self) -> Result<Content, StateError> {
        match fs::read(&self.path) {
            // A damaged file is an empty one: by contract, what is in here can be made anew.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Content::default()),
            Err(error) => Err(StateError::Io(error)),
        }
    }

    fn lock(&self) -> Result<File, StateError> {
        let locked = || {
            self.path.parent().map_or(Ok(()), file::private_folder)?;
            let lock = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(self.path.with_extension("lock"))?;
            lock.lock()?;
            Ok(lock)
        };
        locked().map_err(StateError::Io)
    }

    fn take_turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A name as one part of a path: as it is where that is safe and cannot be mistaken for another's, else in hexadecimal.
fn file_name(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) {
        true => name.to_owned(),
        false => format!("x_{}", hex::encode(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p17_tenants_and_plugins_have_states_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let of = |plugin, tenant| StateStore::new(folder.path(), plugin, tenant, 100);
        of("p", None).put("k", Some(b"mine")).unwrap();
        of("p", Some("acme")).put("k", Some(b"theirs")).unwrap();
        assert_eq!(of("p", None).get("k").unwrap().unwrap(), b"mine");
        assert_eq!(of("p", Some("acme")).get("k").unwrap().unwrap(), b"theirs");
        for (plugin, tenant) in
            [("p", Some("personal")), ("p", Some("../p/personal")), ("q", None), ("p", Some("ACME"))]
        {
            assert_eq!(of(plugin, tenant).get("k").unwrap(), None, "{plugin} {tenant:?}");
        }
    }

    #[test]
    fn p25_state_beyond_its_limit_is_refused_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateStore::new(folder.path(), "p", None, 10);
        state.put("k", Some(b"12345")).unwrap();
        assert!(matches!(state.put("l", Some(b"1234567")), Err(StateError::Full(Limit::State(10)))));
        assert_eq!(state.get("k").unwrap().unwrap(), b"12345");
        state.put("k", None).unwrap();
        assert_eq!(state.get("k").unwrap(), None);
    }

    #[test]
    fn a_damaged_state_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateStore::new(folder.path(), "p", None, 10);
        state.put("k", Some(b"1")).unwrap();
        fs::write(folder.path().join("p/personal.json"), b"{").unwrap();
        assert_eq!(state.get("k").unwrap(), None);
        state.put("k", Some(b"2")).unwrap();
        assert_eq!(state.get("k").unwrap().unwrap(), b"2");
    }
}
