//! Whose turn it is to write.
//!
//! SQLite's write lock is not fair: a process that writes one transaction after another, as a sync does, takes the lock again
//! before one that sleeps between two tries wakes up. So a writer first takes the *turn*, a lock on a file beside the
//! database, keeps it while it waits for the write lock, and gives it back when it has that. Whoever writes again has to
//! take the turn first, and so lets the one go ahead that waits. The turn orders writers and protects nothing.

use std::fs::{File, OpenOptions};
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

    /// Waits for the turn. Where the file cannot be made, the folder is read-only, which the write will tell.
    pub(super) fn take(&mut self, deadline: Instant) -> Result<Held<'_>, StoreError> {
        if self.file.is_none() {
            let options = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path);
            self.file = options.ok();
        }
        let Some(file) = &self.file else { return Ok(Held(None)) };
        while file.try_lock().is_err() {
            if Instant::now() >= deadline {
                return Err(StoreError::Locked);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(Held(Some(file)))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Unlocking an open file cannot fail; closing it would unlock it, too.
        let _ = self.0.map(File::unlock);
    }
}
