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
use std::time::{Duration, Instant};

use crate::file;

/// Between two tries, where the lock is in nobody's hands yet or any more, or in those of somebody who only looks.
const LOOK: Duration = Duration::from_millis(2);
/// Nobody takes longer for that, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Held until it is dropped or the process ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock at `path` for this purpose, or says who holds it. Waits for no holder that says who it is; only until whoever looks
    /// for the holder has looked, whoever has just become it has said so, or what a holder that was killed had just started runs its own
    /// program. One that could not say so, or whose process cannot be seen from here (another container), is waited for as long: two
    /// seconds at most.
    pub fn acquire(path: &Path, purpose: &str) -> io::Result<Result<Self, Note>> {
        let mut file = open(path)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Ok(Self { file }.signed(purpose))),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Those who look share the lock with each other. A holder shares it with nobody.
            let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
            let holder = Note::read(&mut file);
            if (is_held && holder.is_there()) || Instant::now() >= deadline {
                return Ok(Err(holder));
            }
            file.unlock()?;
            std::thread::sleep(LOOK);
        }
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

impl Drop for FileLock {
    /// The note goes first: what the next holder finds there is never taken for its own. Unlocked by name, since a process that is being
    /// started somewhere here has this file open, too, until it runs its own program.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
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

    #[test]
    fn those_who_look_for_the_holder_keep_nobody_out_however_long_they_take() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.lock");
        let looks = open(&path).unwrap();
        looks.lock_shared().unwrap();
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| FileLock::acquire(&path, "").unwrap());
            std::thread::sleep(Duration::from_millis(100));
            drop(looks);
            taking.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_holder_that_has_not_signed_yet_is_not_taken_for_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.lock");
        drop(FileLock::acquire(&path, "before").unwrap().unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        let holds = open(&path).unwrap();
        holds.lock().unwrap();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| FileLock::acquire(&path, "").unwrap());
            std::thread::sleep(Duration::from_millis(100));
            let pid = std::process::id();
            std::fs::write(&path, format!("{pid} now")).unwrap();
            let told = asking.join().unwrap().unwrap_err();
            assert_eq!(told, Note { pid: Some(pid), purpose: "now".to_owned() });
        });
    }

    #[test]
    fn what_a_killed_holder_had_just_started_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.lock");
        let mut killed = std::process::Command::new("true").spawn().unwrap();
        killed.wait().unwrap();
        let started = open(&path).unwrap();
        started.lock().unwrap();
        std::fs::write(&path, killed.id().to_string()).unwrap();
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| FileLock::acquire(&path, "").unwrap());
            std::thread::sleep(Duration::from_millis(100));
            drop(started);
            taking.join().unwrap().unwrap();
        });
    }
}
