//! Whose turn it is to write.
//!
//! SQLite's write lock is not fair: a process that writes one transaction after another, as a sync does, takes the lock again
//! before one that sleeps between two tries wakes up. So a writer first takes the *turn*, a lock on a file beside the
//! database, keeps it while it waits for the write lock, and gives it back when it has that. Whoever writes again has to
//! take the turn first, and so lets the one go ahead that waits. The turn orders writers and protects nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::StoreError;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// Tries again until the lock that is in the way is gone.
pub(super) fn insist<T>(
    deadline: Instant,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    loop {
        match attempt().map_err(StoreError::from) {
            Err(StoreError::Locked) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            result => return result,
        }
    }
}

/// The file beside a database.
pub(super) struct Turn {
    path: PathBuf,
    file: Option<File>,
}

/// The turn is ours until this is dropped.
pub(super) struct Held<'a>(Option<&'a File>);

impl Turn {
    /// For the database at `path`.
    pub(super) fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push("-turn");
        Self { path: name.into(), file: None }
    }

    /// Waits for the turn. Where the file cannot be made, the folder is read-only, which the write will tell; where the file
    /// system knows no such locks, writers go without an order.
    pub(super) fn take(&mut self, deadline: Instant) -> Result<Held<'_>, StoreError> {
        if self.file.is_none() {
            let options = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path);
            self.file = options.ok();
        }
        let Some(file) = &self.file else { return Ok(Held(None)) };
        Ok(Held(is_ours(deadline, || file.try_lock())?.then_some(file)))
    }
}

/// Waits while another has the lock. False: it cannot be had at all.
fn is_ours(
    deadline: Instant,
    mut attempt: impl FnMut() -> Result<(), TryLockError>,
) -> Result<bool, StoreError> {
    loop {
        match attempt() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(_)) => return Ok(false),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(StoreError::Locked),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Unlocking an open file cannot fail; closing it would unlock it, too.
        let _ = self.0.map(File::unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_waited_for_and_done_without_where_there_are_no_locks() {
        let mut held = 3;
        let freed = is_ours(Instant::now() + Duration::from_secs(60), || {
            held -= 1;
            if held > 0 { Err(TryLockError::WouldBlock) } else { Ok(()) }
        });
        assert!(freed.unwrap());
        let kept = is_ours(Instant::now(), || Err(TryLockError::WouldBlock));
        assert!(matches!(kept, Err(StoreError::Locked)));
        let unsupported = || Err(TryLockError::Error(std::io::ErrorKind::Unsupported.into()));
        assert!(!is_ours(Instant::now(), unsupported).unwrap());
    }
}
