//! One sync at a time, across all processes of this home folder.
//!
//! A person waits for no other person's sync, and a little for one that nobody typed: those are short, and were not asked for.

use std::io;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::home::Home;
use crate::lock::{FileLock, Note};

/// What stands in the lock of a sync that nobody typed.
const AUTOMATIC: &str = "automatic";

/// How long a person waits for a sync that nobody typed.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// Held while a sync runs; let go when it is dropped or the process ends.
#[derive(Debug)]
pub struct SyncLock {
    _lock: FileLock,
}

/// No sync can start now.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process is at it.
    #[error("another sync is running{}", holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// Its process id, where it left one.
        holder: Option<u32>,
        /// It was not typed, and ends soon.
        automatic: bool,
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
    /// Takes the lock for what a person asked for, or says who holds it. Waits for a sync that nobody typed, and for no other.
    pub fn acquire(home: &Home) -> Result<Self, LockError> {
        Self::acquire_within(home, "", PATIENCE, |error| {
            matches!(error, LockError::Held { automatic: true, .. })
        })
    }

    /// Takes the lock for a sync that nobody typed, which waits so long for every other.
    pub fn acquire_unasked(home: &Home, patience: Duration) -> Result<Self, LockError> {
        Self::acquire_within(home, AUTOMATIC, patience, |error| matches!(error, LockError::Held { .. }))
    }

    fn acquire_within(
        home: &Home,
        purpose: &str,
        patience: Duration,
        waits_for: impl Fn(&LockError) -> bool,
    ) -> Result<Self, LockError> {
        let asked = Instant::now();
        let mut told = false;
        loop {
            let error = match Self::take(home, purpose) {
                Ok(lock) => return Ok(lock),
                Err(error) => error,
            };
            if !waits_for(&error) || asked.elapsed() >= patience {
                return Err(error);
            }
            if !std::mem::replace(&mut told, true) {
                tracing::debug!(target: "orkee::cloud", "waiting for a sync that nobody typed, or for one before this: {error}");
            }
            std::thread::sleep(POLL);
        }
    }

    fn take(home: &Home, purpose: &str) -> Result<Self, LockError> {
        let path = home.sync_lock();
        match FileLock::acquire(&path, purpose) {
            Ok(Ok(lock)) => Ok(Self { _lock: lock }),
            Ok(Err(Note { pid, purpose })) => {
                Err(LockError::Held { holder: pid, automatic: purpose == AUTOMATIC })
            }
            Err(source) => Err(LockError::Unusable { path, source }),
        }
    }
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
        assert!(matches!(
            SyncLock::acquire_unasked(&home, Duration::from_millis(1)),
            Err(LockError::Held { automatic: false, .. })
        ));
        drop(first);
        SyncLock::acquire(&home).unwrap();
    }

    #[test]
    fn a_person_waits_for_a_sync_that_nobody_typed_and_has_the_lock_then() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        let first = SyncLock::acquire_unasked(&home, Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| SyncLock::acquire(&home));
            std::thread::sleep(Duration::from_millis(60));
            assert!(!second.is_finished());
            drop(first);
            second.join().unwrap().unwrap();
        });
    }
}
