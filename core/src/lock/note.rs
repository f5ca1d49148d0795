//! What the holder of a lock writes into its file. It is believed as far as courtesy goes: nothing depends on it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek};
use std::path::Path;

/// Of what a holder wrote, the bytes that are read.
const MOST: u64 = 1024;

/// Who holds a lock, as far as that process said so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// Its process id.
    pub pid: Option<u32>,
    /// For what it holds it.
    pub purpose: String,
}

impl Note {
    /// The note of whoever holds the lock at `path`; none where nobody does. Makes no file.
    pub fn of(path: &Path) -> Option<Self> {
        let mut file = OpenOptions::new().read(true).open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Self::read(&mut file)),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// Whether there is such a process: that it has ended says that the lock is another's, or nobody's in a moment.
    pub(super) fn is_there(&self) -> bool {
        let process = self.pid.and_then(|pid| rustix::process::Pid::from_raw(pid.try_into().ok()?));
        process.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
    }

    pub(super) fn read(file: &mut File) -> Self {
        let mut text = String::new();
        if file.rewind().is_err() || file.take(MOST).read_to_string(&mut text).is_err() {
            return Self::default();
        }
        let (pid, purpose) = text.split_once(' ').unwrap_or((&text, ""));
        Self { pid: pid.trim().parse().ok(), purpose: purpose.to_owned() }
    }

    /// What this process writes.
    pub(super) fn ours(purpose: &str) -> String {
        format!("{} {purpose}", std::process::id()).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_note_names_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.lock");
        for text in ["", "-1", "99999999999999 x", "\u{0}\u{1}", "somebody"] {
            std::fs::write(&path, text).unwrap();
            let mut file = File::open(&path).unwrap();
            assert_eq!(Note::read(&mut file).pid, None, "{text:?}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(Note::read(&mut File::open(&path).unwrap()), Note::default());
    }
}
