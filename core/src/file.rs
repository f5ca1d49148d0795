//! Files that only their owner may read: private folders, atomic replacement.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Makes `path` and its missing parents, 0700. A folder that is already there keeps its mode.
pub fn private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Replaces the file at `path` by `content`, 0600: a reader, or a crash, sees the old bytes or the new ones, whole.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(content), |error| error)
}

/// As [`replace`], by what `write` writes. If that fails, the file is as it was.
pub fn replace_with<T, E>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
    failed: impl Fn(io::Error) -> E,
) -> Result<T, E> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new()
        .prefix(".orkee-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(&failed)?;
    let mut buffer = io::BufWriter::new(file);
    let written = write(&mut buffer)?;
    let keep = || {
        let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        fs::File::open(folder)?.sync_all()
    };
    keep().map(|()| written).map_err(failed)
}
