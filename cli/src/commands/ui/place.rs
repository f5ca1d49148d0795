//! The file that the store is: whether it is still the one that was opened. What is written into a file that was moved away, deleted or
//! replaced is lost, and SQLite says nothing of it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A database file, as it was when it was opened.
pub(super) struct Place {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Same,
    /// Another file stands in its place.
    Another,
    Gone,
}

impl Place {
    pub(super) fn of(path: PathBuf) -> io::Result<Self> {
        Ok(Self { file: file(&path)?, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn look(&self) -> Found {
        match file(&self.path) {
            Ok(file) if file == self.file => Found::Same,
            Ok(_) => Found::Another,
            Err(_) => Found::Gone,
        }
    }
}

fn file(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d73_a_file_that_is_gone_and_one_in_its_place_are_told_from_the_one_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.db");
        fs::write(&path, "one").unwrap();
        let place = Place::of(path.clone()).unwrap();
        assert_eq!(place.look(), Found::Same);
        fs::write(folder.path().join("other"), "two").unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        assert_eq!(place.look(), Found::Another);
        fs::remove_file(&path).unwrap();
        assert_eq!(place.look(), Found::Gone);
    }
}
