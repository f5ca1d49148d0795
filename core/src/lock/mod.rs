//! Files that one process at a time holds, with a note of who it is.
//!
//! The lock is the system's: it ends with its process, however that ends, and a file that is left over means nothing. What stands in
//! the file is a courtesy to whoever finds it held: a [`Note`]. Who holds it really, whatever stands there, is a [`Holder`]: that is
//! for people who look for what hangs.

mod holder;
mod note;

pub use holder::Holder;
pub use note::Note;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::file;

/// Whoever looks for the holder has the lock himself for an instant: one that is found held is tried again so often, so much later.
const LOOKS: usize = 4;
const LOOK: Duration = Duration::from_millis(2);

/// Held until it is dropped or the process ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock at `path` for this purpose, or tells what its holder noted. Does not wait.
    pub fn acquire(path: &Path, purpose: &str) -> io::Result<Result<Self, Note>> {
        let mut file = open(path)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Ok(Ok(Self { file }.signed(purpose))),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(Err(Note::read(&mut file)))
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
        let note = Note::ours(purpose);
        let file = &mut self.file;
        let written = file.rewind().and_then(|()| file.write_all(note.as_bytes()));
        let _ = written.and_then(|()| file.set_len(note.len() as u64));
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
        assert_eq!(Note::of(&path), None);
        assert!(!path.exists());
        let first = FileLock::acquire(&path, "acme corp").unwrap().unwrap();
        let told = Note { pid: Some(std::process::id()), purpose: "acme corp".to_owned() };
        assert_eq!(FileLock::acquire(&path, "").unwrap().unwrap_err(), told);
        assert_eq!(Note::of(&path), Some(told));
        drop(first);
        assert_eq!(Note::of(&path), None);
        let second = FileLock::acquire(&path, "").unwrap().unwrap();
        assert_eq!(Note::of(&path).unwrap().purpose, "");
        drop(second);
        FileLock::wait(&path, "").unwrap();
    }
}
