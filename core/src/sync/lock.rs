//! One sync at a time, across all processes of this home folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::home::Home;

/// Held while a sync runs; let go when it is dropped or the process ends.
#[derive(Debug)]
pub struct SyncLock {
    _file: File,
}

/// No sync can start now.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process is at it.
    #[error("another sync is running{}", holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// Its process id, where it left one.
        holder: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}", path.display())]
    Unusable {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Diagnostic for LockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "E-SYNC-004",
            Self::Unusable { .. } => "E-SYNC-005",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Timeout
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } => {
                Some("wait for it to end; your edits are kept and go out with the next sync".to_owned())
            }
            Self::Unusable { .. } => Some("check that the home folder can be written".to_owned()),
        }
    }
}

impl SyncLock {
    /// Takes the lock, or says who holds it. Does not wait.
    pub fn acquire(home: &Home) -> Result<Self, LockError> {
        let path = home.sync_lock();
        let unusable = |source| LockError::Unusable { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { holder: holder(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let pid = std::process::id().to_string();
        // Only a courtesy to whoever finds it held: a disk that takes no byte more does not stop the sync here.
        let _ = file
            .rewind()
            .and_then(|()| file.write_all(pid.as_bytes()))
            .and_then(|()| file.set_len(pid.len() as u64));
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_sync_is_told_who_holds_the_lock_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        let first = SyncLock::acquire(&home).unwrap();
        let error = SyncLock::acquire(&home).unwrap_err();
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        assert_eq!(error.kind().exit_code(), 7);
        drop(first);
        SyncLock::acquire(&home).unwrap();
    }
}
