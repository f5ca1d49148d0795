//! The components' files, each named by its digest, so that a file is either the one or not there.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::digest::ComponentDigest;
use super::error::RegistryError;
use crate::file;
use crate::plugin::built_for::BuiltFor;
use crate::plugin::limits::Limits;

/// `plugins/components/`.
#[derive(Debug, Clone)]
pub(super) struct Components {
    folder: PathBuf,
}

impl Components {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The component of this digest, which is checked.
    pub(super) fn read(&self, name: &str, digest: &ComponentDigest) -> Result<Vec<u8>, RegistryError> {
        let path = self.path(digest);
        let name = || name.to_owned();
        let bytes = match read_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RegistryError::Missing { name: name(), path });
            }
            other => other.map_err(RegistryError::io(&path))?,
        };
        match ComponentDigest::of(&bytes) {
            found if found == *digest => Ok(bytes),
            found => Err(RegistryError::Altered { name: name(), path, found }),
        }
    }

    /// Writes a component, unless it is there.
    pub(super) fn keep(
        &self,
        name: &str,
        digest: &ComponentDigest,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        if self.read(name, digest).is_ok() {
            return Ok(());
        }
        file::private_folder(&self.folder).map_err(RegistryError::io(&self.folder))?;
        let path = self.path(digest);
        file::replace(&path, bytes).map_err(RegistryError::io(path))
    }

    /// Removes every component but these. Only under the lock: another process may be about to name what it has just written.
    pub(super) fn sweep(&self, used: &BTreeSet<String>) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if path.extension().is_some_and(|e| e == "wasm") && !used.contains(stem) {
                // What cannot be removed now is tried again at the next change.
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// What a component says that it was built for. None: it says nothing, or is not there.
    pub(super) fn built_for(&self, digest: &ComponentDigest) -> Option<BuiltFor> {
        let path = self.path(digest);
        // Before it is opened: a pipe would wait there for somebody who writes.
        fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        BuiltFor::read(BufReader::new(File::open(path).ok()?)).ok()?
    }

    fn path(&self, digest: &ComponentDigest) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}

/// A component's file, or as much of what is there instead as tells the difference.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: a pipe would wait there for somebody who writes.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(Limits::default().component + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
