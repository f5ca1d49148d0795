//! The copy in which rules are broken: the engine's crates in a workspace of their own, below `target`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, value};

use crate::run::Error;
use crate::setup::root;

/// The engine, and what it needs of this repository.
const CRATES: [&str; 2] = ["core", "wire"];

/// Makes the copy what the repository is now. What did not change is not touched, so that it need not be built again.
pub fn copy_to(folder: &Path) -> Result<(), Error> {
    write(&folder.join("Cargo.toml"), manifest()?.as_bytes())?;
    // Cargo takes out of it what these crates do not need.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    for name in CRATES {
        write(&folder.join(name).join("Cargo.toml"), &fs::read(root().join(name).join("Cargo.toml"))?)?;
        let (from, to) = (root().join(name).join("src"), folder.join(name).join("src"));
        let wanted = files_below(&from)?;
        for file in files_below(&to)?.difference(&wanted) {
            fs::remove_file(to.join(file))?;
        }
        for file in &wanted {
            write(&to.join(file), &fs::read(from.join(file))?)?;
        }
    }
    Ok(())
}

/// The workspace's manifest with these crates alone. Lines in a backtrace are of no use here, and cost time.
fn manifest() -> Result<String, Error> {
    let mut manifest: DocumentMut = fs::read_to_string(root().join("Cargo.toml"))?.parse()?;
    manifest["workspace"]["members"] = value(CRATES.into_iter().collect::<toml_edit::Array>());
    for key in ["exclude", "default-members"] {
        manifest["workspace"][key] = toml_edit::Item::None;
    }
    manifest["profile"]["dev"]["debug"] = value(false);
    Ok(manifest.to_string())
}

/// Writes a file, unless it is just that already.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, content)?)
}

/// Files by their paths from `folder` on; none where there is no such folder.
fn files_below(folder: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let mut found = BTreeSet::new();
    if !folder.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if entry.file_type()?.is_dir() {
            found.extend(files_below(&entry.path())?.into_iter().map(|below| name.join(below)));
        } else {
            found.insert(name);
        }
    }
    Ok(found)
}
