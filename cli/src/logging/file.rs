//! The log's file, which any number of processes write at once, for as long as they live: when it has grown, whoever writes next sets it
//! aside and begins another, and no line is lost by that.
//!
//! A line is written under a lock on the very file that it goes into, after a look whether that still is the one that others find; and
//! only whoever holds that lock may set the file aside. So nobody writes into one that is about to be removed. A process that
//! keeps the lock is not waited for: the line then goes where it can.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orkee_core::file::private_folder;

/// A file that would grow beyond this is set aside before the next line.
pub(super) const LARGEST: u64 = 5 * 1024 * 1024;
/// How many files there are, the newest included.
const FILES: u32 = 3;
/// No command waits longer for another that writes a line.
const PATIENCE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(1);

/// Every file of the log at `path` that there is: the one that is written, and those that were set aside.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    std::iter::once(path.to_owned())
        .chain((1..FILES).map(|n| aside(path, n)))
        .filter(|file| file.exists())
        .collect()
}

/// An open log.
pub(super) struct LogFile {
    path: PathBuf,
    largest: u64,
    file: File,
}

/// The lock on a file is held.
struct Held<'a>(&'a File);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl LogFile {
    /// Opens the log at `path`, made with its folder if it is not there.
    pub(super) fn open(path: PathBuf, largest: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        let file = open(&path)?;
        Ok(Self { path, largest, file })
    }

    /// Writes a line, which ends with its line break.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let held = lock(&self.file, deadline);
            let in_place = is_in_place(&self.file, &self.path);
            let length = self.file.metadata()?.len();
            let is_full = length > 0 && length + line.len() as u64 > self.largest;
            // Without the lock, it stays as it is: another process is at it.
            if in_place && (!is_full || held.is_none()) {
                return append(&self.file, line, held.is_some().then_some(length));
            }
            if in_place {
                set_aside(&self.path)?;
            }
            let next = open(&self.path)?;
            drop(held);
            self.file = next;
        }
    }
}

/// One write: lines of processes without the lock do not mix either. Of a line that did not fit on the disk, nothing stays.
fn append(mut file: &File, line: &str, length: Option<u64>) -> io::Result<()> {
    let written = file.write_all(line.as_bytes());
    if let (Err(_), Some(length)) = (&written, length) {
        let _ = file.set_len(length);
    }
    written
}

fn open(path: &Path) -> io::Result<File> {
    // Without NONBLOCK, a pipe in its place would wait for a reader.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")),
    }
}

/// The lock; none where it cannot be had in time.
fn lock(file: &File, deadline: Instant) -> Option<Held<'_>> {
    loop {
        match file.try_lock() {
            Ok(()) => return Some(Held(file)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(POLL),
            Err(_) => return None,
        }
    }
}

/// Whether the file that is open is the one that others find.
fn is_in_place(file: &File, path: &Path) -> bool {
    let (Ok(own), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (own.dev(), own.ino()) == (there.dev(), there.ino())
}

/// Gives each file the next number; the oldest one goes. Under the lock on the newest.
fn set_aside(path: &Path) -> io::Result<()> {
    for n in (1..FILES - 1).rev() {
        match fs::rename(aside(path, n), aside(path, n + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, aside(path, 1))
}

fn aside(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn lines(path: &Path) -> Vec<String> {
        let mut files = files(path);
        files.reverse();
        let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn d42_a_log_that_grows_is_set_aside_while_it_is_written_and_three_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/orkee.log");
        let mut log = LogFile::open(path.clone(), 1000).unwrap();
        for n in 0..100 {
            log.write(&format!("{n:0>99}\n")).unwrap();
        }
        assert_eq!(files(&path).len(), 3);
        assert!(files(&path).iter().all(|file| fs::metadata(file).unwrap().len() == 1000));
        assert_eq!(lines(&path), (70..100).map(|n| format!("{n:0>99}")).collect::<Vec<_>>());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn d43_writers_that_set_a_log_aside_at_once_lose_no_line_and_mix_none() {
        const WRITERS: usize = 6;
        const EACH: usize = 150;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.log");
        // Lines have 20 bytes: the three files hold all of them, and are set aside once or twice meanwhile.
        let largest = (WRITERS * EACH * 20 / 2) as u64;
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let path = path.clone();
                scope.spawn(move || {
                    // Each its own open file, as processes have.
                    let mut log = LogFile::open(path, largest).unwrap();
                    for n in 0..EACH {
                        log.write(&format!("writer {writer} line {n:04}\n")).unwrap();
                    }
                });
            }
        });
        let mut found = lines(&path);
        let expected = (0..WRITERS).flat_map(|w| (0..EACH).map(move |n| format!("writer {w} line {n:04}")));
        let mut expected: Vec<_> = expected.collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert!(files(&path).len() > 1, "it was never set aside");
    }

    #[test]
    fn a_log_that_was_removed_is_made_again_and_one_whose_lock_is_kept_is_written_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.log");
        let mut log = LogFile::open(path.clone(), 100).unwrap();
        log.write("one\n").unwrap();
        fs::remove_file(&path).unwrap();
        log.write("two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        let kept = open(&path).unwrap();
        kept.lock().unwrap();
        let began = Instant::now();
        log.write(&format!("{}\n", "x".repeat(200))).unwrap();
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(fs::read_to_string(&path).unwrap().len(), 4 + 201);
    }

    #[test]
    fn a_pipe_or_a_folder_in_its_place_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.log");
        fs::create_dir(&path).unwrap();
        assert!(LogFile::open(path.clone(), 100).is_err());
        fs::remove_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if made.is_ok_and(|status| status.success()) {
            assert!(LogFile::open(path, 100).is_err());
        }
    }
}
