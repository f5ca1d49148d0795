//! Files that one process at a time holds, with a note of who it is.
//!
//! The lock is the system's: it ends with its process, however that ends, and a file that is left over means nothing. What stands in
//! the file is a courtesy to whoever finds it held: the process id, and a word for what it is held.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::file;

/// Of what a holder wrote, the bytes that are read.
const MOST: u64 = 1024;

/// Whoever looks for the holder has the lock himself for an instant: one that is found held is tried again so often, so much later.
const LOOKS: usize = 4;
const LOOK: Duration = Duration::from_millis(2);

/// Held until it is dropped or the process ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

/// Who holds a lock, as far as that process said so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: Option<u32>,
    /// For what it holds it.
    pub purpose: String,
}

impl FileLock {
    /// Takes the lock at `path` for this purpose, or says who holds it. Does not wait.
    pub fn acquire(path: &Path, purpose: &str) -> io::Result<Result<Self, Holder>> {
        let mut file = open(path)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Ok(Ok(Self { file }.signed(purpose))),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(Err(Holder::read(&mut file)))
    }

    /// Takes the lock at `path`, and waits for whoever holds it.
    pub fn wait(path: &Path, purpose: &str) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self { file }.signed(purpose))
    }

    fn signed(mut self, purpose: &str) -> Self {
        self.sign(purpose);
        self
    }

    /// It is held for this from here on. That the note cannot be written, since the disk takes no byte more, stops nobody.
    pub fn sign(&mut self, purpose: &str) {
        let note = format!("{} {purpose}", std::process::id());
        let note = note.trim_end();
        let file = &mut self.file;
        let written = file.rewind().and_then(|()| file.write_all(note.as_bytes()));
        let _ = written.and_then(|()| file.set_len(note.len() as u64));
    }
}

impl Holder {
    /// Who holds the lock at `path`; none where nobody does. Makes no file.
    pub fn of(path: &Path) -> Option<Self> {
        let mut file = OpenOptions::new().read(true).open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Self::read(&mut file)),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    fn read(file: &mut File) -> Self {
        let mut text = String::new();
        if file.take(MOST).read_to_string(&mut text).is_err() {
            return Self::default();
        }
        let (pid, purpose) = text.split_once(' ').unwrap_or((&text, ""));
        Self { pid: pid.trim().parse().ok(), purpose: purpose.to_owned() }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        file::private_folder(folder)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_says_who_it_is_and_for_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/one.lock");
        assert_eq!(Holder::of(&path), None);
        assert!(!path.exists());
        let first = FileLock::acquire(&path, "acme corp").unwrap().unwrap();
        let told = Holder { pid: Some(std::process::id()), purpose: "acme corp".to_owned() };
        assert_eq!(FileLock::acquire(&path, "").unwrap().unwrap_err(), told);
        assert_eq!(Holder::of(&path), Some(told));
        drop(first);
        assert_eq!(Holder::of(&path), None);
        let second = FileLock::acquire(&path, "").unwrap().unwrap();
        assert_eq!(Holder::of(&path).unwrap().purpose, "");
        drop(second);
        FileLock::wait(&path, "").unwrap();
    }

    #[test]
    fn what_is_no_note_names_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.lock");
        for text in ["", "-1", "99999999999999 x", "\u{0}\u{1}", "somebody"] {
            std::fs::write(&path, text).unwrap();
            let mut file = File::open(&path).unwrap();
            assert_eq!(Holder::read(&mut file).pid, None, "{text:?}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(Holder::read(&mut File::open(&path).unwrap()), Holder::default());
    }
}
