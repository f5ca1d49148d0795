//! A plugin's own small memory: one file for each plugin and tenant, so that no tenant reaches another's.
//!
//! Each change rewrites the file under a lock, which is waited for without holding the thread and not for long; reading needs
//! none, since the file is replaced as a whole. It is small by its limit.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::Limit;
use crate::file;

/// How long another process may keep a change waiting; its own takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(5);

/// The state of one plugin for one tenant.
#[derive(Debug, Clone)]
pub(super) struct StateStore {
    path: PathBuf,
    limit: u64,
}

/// A change that was not made.
#[derive(Debug)]
pub(super) enum StateError {
    /// It would grow beyond the limit.
    Full(Limit),
    /// Another call or process has been changing it for too long.
    Busy,
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
        Self { path, limit }
    }

    /// A value.
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.read()?.entries.get(key).and_then(|value| hex::decode(value).ok()))
    }

    /// Sets or removes a value.
    pub(super) async fn put(&self, key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
        let _lock = self.lock().await?;
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

    /// Nobody else changes the file until this is dropped.
    async fn lock(&self) -> Result<File, StateError> {
        let lock = self.lock_file().map_err(StateError::Io)?;
        let taken = async {
            loop {
                match lock.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                    Err(TryLockError::Error(error)) => return Err(StateError::Io(error)),
                }
            }
        };
        tokio::time::timeout(PATIENCE, taken).await.unwrap_or(Err(StateError::Busy))?;
        Ok(lock)
    }

    fn lock_file(&self) -> io::Result<File> {
        self.path.parent().map_or(Ok(()), file::private_folder)?;
        let mut options = File::options();
        options.create(true).truncate(false).write(true).open(self.path.with_extension("lock"))
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

    #[tokio::test]
    async fn p17_tenants_and_plugins_have_states_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let of = |plugin, tenant| StateStore::new(folder.path(), plugin, tenant, 100);
        of("p", None).put("k", Some(b"mine")).await.unwrap();
        of("p", Some("acme")).put("k", Some(b"theirs")).await.unwrap();
        assert_eq!(of("p", None).get("k").unwrap().unwrap(), b"mine");
        assert_eq!(of("p", Some("acme")).get("k").unwrap().unwrap(), b"theirs");
        for (plugin, tenant) in
            [("p", Some("personal")), ("p", Some("../p/personal")), ("q", None), ("p", Some("ACME"))]
        {
            assert_eq!(of(plugin, tenant).get("k").unwrap(), None, "{plugin} {tenant:?}");
        }
    }

    #[tokio::test]
    async fn p25_state_beyond_its_limit_is_refused_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateStore::new(folder.path(), "p", None, 10);
        state.put("k", Some(b"12345")).await.unwrap();
        assert!(matches!(state.put("l", Some(b"1234567")).await, Err(StateError::Full(Limit::State(10)))));
        assert_eq!(state.get("k").unwrap().unwrap(), b"12345");
        state.put("k", None).await.unwrap();
        assert_eq!(state.get("k").unwrap(), None);
    }

    #[tokio::test]
    async fn a_damaged_state_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateStore::new(folder.path(), "p", None, 10);
        state.put("k", Some(b"1")).await.unwrap();
        fs::write(folder.path().join("p/personal.json"), b"{").unwrap();
        assert_eq!(state.get("k").unwrap(), None);
        state.put("k", Some(b"2")).await.unwrap();
        assert_eq!(state.get("k").unwrap().unwrap(), b"2");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn changes_beside_each_other_are_all_made() {
        let folder = tempfile::tempdir().unwrap();
        let changes = (0..20).map(|n| {
            let state = StateStore::new(folder.path(), "p", None, 9999);
            tokio::spawn(async move { state.put(&n.to_string(), Some(b"1")).await })
        });
        for change in futures_util::future::join_all(changes).await {
            change.unwrap().unwrap();
        }
        let state = StateStore::new(folder.path(), "p", None, 9999);
        assert!((0..20).all(|n| state.get(&n.to_string()).unwrap().is_some()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_somebody_keeps_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateStore::new(folder.path(), "p", None, 10);
        state.put("k", Some(b"1")).await.unwrap();
        let kept = state.lock().await.unwrap();
        assert!(matches!(state.put("k", Some(b"2")).await, Err(StateError::Busy)));
        assert_eq!(state.get("k").unwrap().unwrap(), b"1", "reading waits for nobody");
        drop(kept);
        state.put("k", Some(b"2")).await.unwrap();
    }
}
