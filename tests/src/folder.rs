//! Folders: a private one, on disk or in memory; a content that is kept and brought back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Makes a folder that its owner alone can look into.
pub fn private_folder(path: &Path) {
    fs::create_dir_all(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

/// A folder in memory that is one user's alone, as a session has one.
pub fn session() -> tempfile::TempDir {
    let mode = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(mode).tempdir_in("/dev/shm").unwrap()
}

/// Replaces a folder's content by that of another.
pub fn replace(to: &Path, from: &Path) {
    let _ = fs::remove_dir_all(to);
    copy(from, to);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
