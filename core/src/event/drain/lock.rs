//! One drain in the background at a time, across all processes of a home folder.
//!
//! The lock saves processes, and protects nothing: that each attempt is made once is the leases' part. A drain that was asked for by
//! name goes on beside the one in the background.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;

use crate::home::Home;

/// Held while a drain runs in the background; let go when it is dropped or the process ends.
#[derive(Debug)]
pub struct DrainLock {
    _file: File,
}

impl DrainLock {
    /// Takes the lock. None: a drain is at it. Where the file system knows no locks, every drain has it.
    pub fn acquire(home: &Home) -> std::io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(home.webhook_lock())?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Self { _file: file })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_drain_has_the_lock_and_the_next_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        let first = DrainLock::acquire(&home).unwrap();
        assert!(first.is_some() && DrainLock::acquire(&home).unwrap().is_none());
        drop(first);
        assert!(DrainLock::acquire(&home).unwrap().is_some());
    }
}
