//! The lock that every process takes before it changes the token file, and the note that a refresh leaves in it.
//!
//! The kernel holds the lock and frees it with its process. The file's content is for people and for the next holder: the pid of
//! the process that has the lock, and, from before a refresh token is sent until its successor is safe, the mark of that token.
//! A holder that finds such a mark knows that a refresh was cut off.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use toml_edit::{DocumentMut, Item, value};

use super::Notice;
use super::error::AuthError;
use super::file::{FileError, Folder};
use crate::net::Secret;

const NAME: &str = "auth.lock";
/// Every note is this long, so that one write replaces all of the one before, and a kill leaves the one or the other. Nor does a
/// disk that has become full stop it: the room is there.
const NOTE_BYTES: usize = 256;
const POLL: Duration = Duration::from_millis(20);
const TELL_AFTER: Duration = Duration::from_secs(1);
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// Held while the token file is changed.
pub(super) struct Lock {
    file: File,
    interrupted: Option<Mark>,
}

/// A refresh that began: of which token, and when. The token itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    token: String,
    at: Timestamp,
}

impl Lock {
    /// Waits for the lock: tells about it after a second, gives up after thirty.
    pub(super) async fn acquire(
        folder: &Folder,
        notices: &(dyn Fn(Notice) + Sync),
    ) -> Result<Self, LockError> {
        let mut file = folder.lock_file(NAME)?;
        let start = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) if is_in_place(&file)? => break,
                // Somebody removed it, and the next process would lock another one.
                Ok(()) => {
                    file = folder.lock_file(NAME)?;
                    continue;
                }
                Err(TryLockError::Error(error)) => return Err(LockError::File(error.into())),
                Err(TryLockError::WouldBlock) => {}
            }
            if start.elapsed() >= GIVE_UP_AFTER {
                return Err(LockError::Held { pid: read(&file).0 });
            }
            if !told && start.elapsed() >= TELL_AFTER {
                told = true;
                notices(Notice::WaitingForLock { pid: read(&file).0 });
            }
            tokio::time::sleep(POLL).await;
        }
        let (_, interrupted) = read(&file);
        let lock = Self { file, interrupted };
        lock.write(lock.interrupted.as_ref()).map_err(|error| LockError::File(error.into()))?;
        Ok(lock)
    }

    /// When a refresh of this token began that nobody finished.
    pub(super) fn interrupted(&self, refresh_token: &Secret) -> Option<Timestamp> {
        self.interrupted.as_ref().filter(|mark| mark.token == fingerprint(refresh_token)).map(|mark| mark.at)
    }

    /// Notes, durably, that this token is about to be sent.
    pub(super) fn begin(&self, refresh_token: &Secret, at: Timestamp) -> io::Result<()> {
        // An older mark of the same token stays: that is when it may have been spent.
        let at = self.interrupted(refresh_token).unwrap_or(at);
        self.write(Some(&Mark { token: fingerprint(refresh_token), at }))
    }

    /// The refresh is over, one way or the other.
    pub(super) fn finish(&self) -> io::Result<()> {
        self.write(None)
    }

    fn write(&self, mark: Option<&Mark>) -> io::Result<()> {
        let mut document = DocumentMut::new();
        document["pid"] = value(i64::from(std::process::id()));
        if let Some(mark) = mark {
            document["refresh_of"] = value(mark.token.as_str());
            document["refresh_at"] = value(mark.at.to_string());
        }
        let mut note = document.to_string();
        note.extend(std::iter::repeat_n('\n', NOTE_BYTES.saturating_sub(note.len())));
        self.file.write_all_at(note.as_bytes(), 0)?;
        self.file.set_len(note.len() as u64)?;
        if mark.is_some() { self.file.sync_all() } else { Ok(()) }
    }
}

/// Why there is no lock.
pub(super) enum LockError {
    Held { pid: Option<u32> },
    File(FileError),
}

impl From<FileError> for LockError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl LockError {
    /// With the folder that the lock is in.
    pub(super) fn at(self, root: &std::path::Path) -> AuthError {
        match self {
            Self::Held { pid } => AuthError::Locked { pid },
            // A folder that cannot be written is told from a lock file that somebody tampered with.
            Self::File(FileError::Io(source)) => AuthError::Unwritable { path: root.join(NAME), source },
            Self::File(source) => AuthError::File { path: root.join(NAME), source },
        }
    }
}

/// Whether the file that was opened is still the one that others find.
fn is_in_place(file: &File) -> Result<bool, FileError> {
    Ok(file.metadata()?.nlink() > 0)
}

/// What the lock file says. Anything that cannot be read says nothing: it may be written this moment.
fn read(file: &File) -> (Option<u32>, Option<Mark>) {
    let mut text = String::new();
    let mut file = file;
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(4096).read_to_string(&mut text));
    let Some(document) = read.ok().and_then(|_| text.parse::<DocumentMut>().ok()) else {
        return (None, None);
    };
    let pid = document.get("pid").and_then(Item::as_integer).and_then(|pid| u32::try_from(pid).ok());
    let text = |key: &str| document.get(key).and_then(Item::as_str);
    let mark = text("refresh_of").zip(text("refresh_at").and_then(|at| at.parse().ok()));
    (pid, mark.map(|(token, at)| Mark { token: token.to_owned(), at }))
}

fn fingerprint(token: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn quiet(_: Notice) {}

    async fn acquire(folder: &Folder) -> Lock {
        Lock::acquire(folder, &quiet).await.ok().unwrap()
    }

    #[tokio::test]
    async fn the_lock_names_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let _lock = acquire(&folder).await;
        assert_eq!(read(&folder.lock_file(NAME).unwrap()).0, Some(std::process::id()));
    }

    #[tokio::test(start_paused = true)]
    async fn a35_a_held_lock_is_told_after_a_second_and_given_up_after_thirty() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let _held = acquire(&folder).await;
        let (start, told) = (Instant::now(), Mutex::new(Vec::new()));
        let second =
            Lock::acquire(&folder, &|notice| told.lock().unwrap().push((start.elapsed(), notice))).await;
        assert!(matches!(second, Err(LockError::Held { pid: Some(pid) }) if pid == std::process::id()));
        assert_eq!(start.elapsed().as_secs(), 30);
        let told = told.into_inner().unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0.as_secs(), 1);
    }

    #[tokio::test]
    async fn a39_a_refresh_that_was_cut_off_is_known_to_the_next_holder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let (token, at) = (Secret::new("orkee_refresh_canary"), "2025-01-01T10:00:00Z".parse().unwrap());
        acquire(&folder).await.begin(&token, at).unwrap();

        let lock = acquire(&folder).await;
        assert_eq!(lock.interrupted(&token), Some(at));
        assert_eq!(lock.interrupted(&Secret::new("another")), None);
        assert!(!std::fs::read_to_string(dir.path().join(NAME)).unwrap().contains("canary"));
        lock.finish().unwrap();
        drop(lock);
        assert_eq!(acquire(&folder).await.interrupted(&token), None);
    }

    #[tokio::test]
    async fn a_note_replaces_a_longer_one_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        std::fs::write(dir.path().join(NAME), "pid = 1\n# ".to_owned() + &"x".repeat(2 * NOTE_BYTES))
            .unwrap();
        let lock = acquire(&folder).await;
        let token = Secret::new("orkee_refresh");
        let at = "2025-01-01T10:00:00Z".parse().unwrap();
        for mark in [None, Some(Mark { token: fingerprint(&token), at }), None] {
            lock.write(mark.as_ref()).unwrap();
            assert_eq!(read(&lock.file), (Some(std::process::id()), mark));
            assert_eq!(lock.file.metadata().unwrap().len(), NOTE_BYTES as u64);
        }
    }

    #[tokio::test]
    async fn a_lock_file_that_somebody_removed_lets_no_second_process_in() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let gone = folder.lock_file(NAME).unwrap();
        gone.lock().unwrap();
        let waiting = tokio::spawn({
            let folder = folder.clone();
            async move { Lock::acquire(&folder, &quiet).await.ok().unwrap() }
        });
        tokio::time::sleep(POLL * 3).await;
        std::fs::remove_file(dir.path().join(NAME)).unwrap();
        drop(gone);
        let lock = waiting.await.unwrap();
        assert!(is_in_place(&lock.file).unwrap());
        assert!(folder.lock_file(NAME).unwrap().try_lock().is_err());
    }
}
