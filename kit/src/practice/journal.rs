//! The file of a practice backend: a line for each thing that happened, the newest last, each on disk before it is answered.
//!
//! A line that a crash cut off is dropped when the file is opened. The file is locked as long as it is used.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use orkee_core::diagnostic::{Diagnostic, Kind};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::store::{Commit, Snapshot, Store};

const VERSION: u32 = 1;
/// Longer than the first line, and than any other.
const MAX_LINES: (u64, u64) = (1 << 10, 1 << 30);

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entry {
    /// The first.
    Practice {
        version: u32,
        tag: String,
    },
    Commit(Commit),
    Prune {
        ids: Vec<String>,
    },
    /// From here on it holds this: a backup was put back.
    State(Snapshot),
}

/// The open file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Up to here it is whole.
    len: u64,
    /// It could not be brought back to its last whole line.
    broken: bool,
}

/// The file cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Somebody else uses it.
    #[error("another practice backend uses {}", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("{} is no file of a practice backend, or was changed: line {line} cannot be read", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// The disk's fault.
    #[error("cannot use the file {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Diagnostic for JournalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "E-KIT-003",
            Self::Unreadable { .. } => "E-KIT-004",
            Self::Io { .. } => "E-KIT-005",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Busy { .. } => Kind::Timeout,
            Self::Unreadable { .. } => Kind::Usage,
            Self::Io { .. } => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Busy { .. } => "end that one, or name another file".to_owned(),
            Self::Unreadable { .. } => "name another file; this one is left as it is".to_owned(),
            Self::Io { .. } => "check that the folder exists, is yours to write and has space".to_owned(),
        })
    }
}

impl Journal {
    /// Opens or makes a file, and reads what it holds.
    pub(super) fn open(path: PathBuf) -> Result<(Self, Store), JournalError> {
        let failed = |source| JournalError::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(JournalError::Busy { path });
        }
        let (store, len) = replay(&path, &file)?;
        let mut journal = Self { path: path.clone(), file, len, broken: false };
        journal.cut().map_err(failed)?;
        let store = match store {
            Some(store) => store,
            None => {
                let store = Store::new();
                journal.append(&Entry::Practice { version: VERSION, tag: store.own_tag().to_owned() })?;
                // The file's name is on disk, too.
                let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
                store
            }
        };
        Ok((journal, store))
    }

    /// Writes a line. If that fails, the file is as it was.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        let written = self.write(entry);
        if written.is_err() {
            self.broken = self.cut().is_err();
        }
        written.map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier change to it failed half-way"));
        }
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.len += line.len() as u64;
        Ok(())
    }

    /// Drops what is behind the last whole line.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        Ok(())
    }
}

/// What a file holds, and how many of its bytes are whole lines.
fn replay(path: &Path, file: &File) -> Result<(Option<Store>, u64), JournalError> {
    let unreadable = |line| JournalError::Unreadable { path: path.to_owned(), line };
    let mut reader = BufReader::new(file);
    let (mut store, mut len, mut line) = (None, 0, Vec::new());
    for number in 1.. {
        line.clear();
        let max = if number == 1 { MAX_LINES.0 } else { MAX_LINES.1 };
        let read = io::Read::take(&mut reader, max).read_until(b'\n', &mut line);
        let read = read.map_err(|source| JournalError::Io { path: path.to_owned(), source })? as u64;
        let Some(text) = line.strip_suffix(b"\n") else {
            // What a crash cut off began like one of ours.
            let is_ours =
                read < max && if number == 1 { is_start(&line) } else { line.is_empty() || line[0] == b'{' };
            return if is_ours { Ok((store, len)) } else { Err(unreadable(number)) };
        };
        let entry = serde_json::from_slice(text).map_err(|_| unreadable(number))?;
        store = Some(happen(store, entry).ok_or_else(|| unreadable(number))?);
        len += read;
    }
    Ok((store, len))
}

/// Whether a first line that was cut off is the beginning of a journal's.
fn is_start(line: &[u8]) -> bool {
    let start = br#"{"practice":{"version":1,"tag":""#;
    start.starts_with(line) || line.starts_with(start)
}

/// What is held after a line. None: this cannot have happened.
fn happen(before: Option<Store>, entry: Entry) -> Option<Store> {
    match (entry, before) {
        (Entry::Practice { version: VERSION, tag }, None) => Some(Store::with_tag(tag)),
        (Entry::Practice { .. }, _) | (_, None) => None,
        (Entry::State(state), Some(mut store)) => {
            store.put_back(&state);
            state.is_sound().then_some(store)
        }
        (Entry::Prune { ids }, Some(mut store)) => {
            store.prune(&ids);
            Some(store)
        }
        (Entry::Commit(commit), Some(mut store)) => {
            let is_next = commit.number == store.head().number + 1;
            store.apply(commit);
            is_next.then_some(store)
        }
    }
}

/// Bytes as base64 in JSON.
pub(super) mod base64_bytes {
    use base64::prelude::{BASE64_STANDARD, Engine};
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in super::super) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        BASE64_STANDARD.decode(text).map(Bytes::from).map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
