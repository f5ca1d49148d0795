//! The lock of whoever changes what is installed. The kernel holds it and frees it with its process.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::RegistryError;
use crate::file;

const POLL: Duration = Duration::from_millis(20);
/// A change takes milliseconds: nobody is asked and nothing is compiled under the lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// Held while the grants file and the components are changed.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock beside the grants file, not for ever.
    pub(super) fn acquire(grants: &Path) -> Result<Self, RegistryError> {
        Self::within(grants, PATIENCE)
    }

    fn within(grants: &Path, patience: Duration) -> Result<Self, RegistryError> {
        let path = grants.with_extension("lock");
        if let Some(folder) = path.parent() {
            file::private_folder(folder).map_err(RegistryError::io(folder))?;
        }
        let opened = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = opened.map_err(RegistryError::io(&path))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(RegistryError::io(path)(error)),
                Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                    return Err(RegistryError::Busy);
                }
                Err(TryLockError::WouldBlock) => thread::sleep(POLL),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_somebody_keeps_is_not_waited_for_for_ever_and_one_that_is_freed_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let grants = folder.path().join("plugins/grants.toml");
        let kept = Lock::acquire(&grants).unwrap();
        assert!(matches!(Lock::within(&grants, Duration::from_millis(50)), Err(RegistryError::Busy)));
        let waiting = thread::spawn(move || Lock::acquire(&grants).map(drop));
        thread::sleep(Duration::from_millis(50));
        drop(kept);
        waiting.join().unwrap().unwrap();
    }
}
