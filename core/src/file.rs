//! Files that only their owner may read: private folders, atomic replacement.
//!
//! A new file is written beside its place, under a name of its own, and locked until it is there. The lock ends with its
//! process: what a killed one left behind is known by it, and removed by the next that writes into the folder.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// How the names of unfinished files begin and end, and how many random characters are between.
const UNFINISHED: (&str, usize, &str) = (".orkee-", 16, ".part");
/// How often one that was taken for a leftover is begun again.
const TRIES: usize = 10;

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
    let folder = folder_of(path);
    let mut buffer = io::BufWriter::new(unfinished(folder).map_err(&failed)?);
    let written = write(&mut buffer)?;
    let keep = || {
        let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        fs::File::open(folder)?.sync_all()
    };
    keep().map(|()| written).map_err(failed)
}

/// As [`replace`], without waiting for the disk: for what nothing depends on. When the machine crashes, the file may be left empty.
pub fn replace_soon(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = unfinished(folder_of(path))?;
    file.write_all(content)?;
    file.persist(path).map(|_| ()).map_err(|e| e.error)
}

/// Makes the file at `path`, with `content`, 0600, unless there is one. Whether it did.
pub fn create(path: &Path, content: &[u8]) -> io::Result<bool> {
    let folder = folder_of(path);
    let mut file = unfinished(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => fs::File::open(folder)?.sync_all().map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file, 0600 and locked, in a folder without leftovers.
fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    let (prefix, random, suffix) = UNFINISHED;
    remove_leftovers(folder);
    for _ in 0..TRIES {
        let file = tempfile::Builder::new()
            .prefix(prefix)
            .rand_bytes(random)
            .suffix(suffix)
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        // Where there are no locks, nobody takes it for a leftover either.
        let _ = file.as_file().lock();
        if file.as_file().metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
    Err(io::Error::other("a new file is removed again and again"))
}

/// Removes what killed processes did not finish, and says what. That it cannot is no reason to write nothing.
pub fn remove_leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut left = leftovers_in(folder);
    // Each is open, and so locked, until it is gone.
    left.retain(|(path, _)| fs::remove_file(path).is_ok());
    left.into_iter().map(|(path, _)| path).collect()
}

/// What killed processes did not finish in this folder.
pub fn leftovers(folder: &Path) -> Vec<PathBuf> {
    leftovers_in(folder).into_iter().map(|(path, _)| path).collect()
}

fn leftovers_in(folder: &Path) -> Vec<(PathBuf, fs::File)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let unfinished = entries.filter(|entry| is_unfinished(&entry.file_name())).map(|entry| entry.path());
    let mut left: Vec<_> = unfinished
        .filter_map(|path| {
            let file = fs::File::open(&path).ok()?;
            file.try_lock().ok().map(|()| (path, file))
        })
        .collect();
    left.sort_by(|(one, _), (other, _)| one.cmp(other));
    left
}

fn is_unfinished(name: &OsStr) -> bool {
    let (prefix, random, suffix) = UNFINISHED;
    let between = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix));
    between.is_some_and(|text| text.len() == random && text.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_file_that_is_replaced_is_private_and_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        fs::write(&path, "old").unwrap();
        let fail = |out: &mut dyn Write| {
            out.write_all(b"half")?;
            Err::<(), _>(io::Error::other("stopped"))
        };
        assert!(replace_with(&path, fail, |error| error).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".orkee-0123456789abcdef.part");
        let others =
            [".orkee-backup", ".orkee-0123456789abcde.part", "x.part"].map(|n| folder.path().join(n));
        for path in others.iter().chain([&left]) {
            fs::write(path, "").unwrap();
        }
        assert_eq!(leftovers(folder.path()), std::slice::from_ref(&left));
        let under_way = unfinished(folder.path()).unwrap();
        replace(&folder.path().join("settings"), b"new").unwrap();
        assert!(!left.exists());
        assert_eq!(leftovers(folder.path()), Vec::<PathBuf>::new());
        assert!(under_way.path().exists() && others.iter().all(|path| path.exists()));
    }

    #[test]
    fn a_file_that_is_there_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(create(&path, b"first").unwrap());
        assert!(!create(&path, b"second").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_made_with_its_parents_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        private_folder(&path).unwrap();
        private_folder(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(folder.path().join("a")).unwrap().mode() & 0o777, 0o700);
    }
}
