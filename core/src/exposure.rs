//! What other users of this machine could read or change in the home folder, or what is not its owner's at all.
//!
//! Every file is made 0600 and every folder 0700. A copy, an editor or another program may have made it otherwise since. What
//! stands in the folder and is not Orkee's is not looked at: its permissions are for whoever put it there.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A home folder has far fewer files; one that has more is looked at as far as this.
const MOST: usize = 20_000;
/// Folders within folders that are gone into.
const DEEPEST: usize = 6;

/// A file or folder that is not its owner's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// Which.
    pub path: PathBuf,
    /// Its permissions.
    pub mode: u32,
    /// It is a folder.
    pub is_folder: bool,
    /// What is wrong with it.
    pub how: How,
}

/// How something is not its owner's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It belongs to this user id.
    OtherOwner(u32),
    /// Others may change it.
    Writable,
    /// Others may read it.
    Readable,
    /// Others could read or change it, were the home folder not closed to them.
    Sheltered,
    /// It is the home folder, others may look into it or change it, and not all in it is Orkee's: whether they should is not ours to say.
    Shared,
}

/// What Orkee puts into the home folder.
const OURS: [&str; 10] =
    ["config.toml", ".env", "keys", "tenants", "plugins", "edit", "cache", "logs", "run", "webhook.lock"];

/// The database with what belongs to it, the sign-ins, and files that are being written.
fn is_ours(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    OURS.contains(&name)
        || name.starts_with("orkee.db")
        || name == "sync.lock"
        || name.starts_with("auth.")
        || (name.starts_with("auth-") && name.ends_with(".key"))
        || (name.starts_with(".orkee-") && name.ends_with(".part"))
}

/// What Orkee has in the home folder `root` that is not its owner's alone, the folder itself included.
pub fn exposed(root: &Path) -> io::Result<Vec<Exposed>> {
    let own = rustix::process::geteuid().as_raw();
    let top = fs::metadata(root)?;
    let is_closed = top.mode() & 0o011 == 0;
    let mut found = Vec::new();
    if let Some(how) = how(&top, own, false) {
        let mut entries = fs::read_dir(root)?.flatten();
        let is_shared = entries.any(|entry| !is_ours(&entry.file_name()));
        let how = if is_shared && !matches!(how, How::OtherOwner(_)) { How::Shared } else { how };
        found.push(Exposed::new(root.to_owned(), &top, how));
    }
    let (mut folders, mut seen) = (vec![(root.to_owned(), 0)], 0);
    while let Some((folder, depth)) = folders.pop() {
        // One that cannot be read says so where it is used.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            // Of the link itself: what it leads to is elsewhere, and its own permissions mean nothing.
            let Ok(metadata) = entry.metadata() else { continue };
            if seen > MOST || metadata.is_symlink() || (depth == 0 && !is_ours(&entry.file_name())) {
                continue;
            }
            if let Some(how) = how(&metadata, own, is_closed) {
                found.push(Exposed::new(entry.path(), &metadata, how));
            }
            if metadata.is_dir() && depth < DEEPEST {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn how(metadata: &fs::Metadata, own: u32, is_sheltered: bool) -> Option<How> {
    match (metadata.uid(), metadata.mode()) {
        (uid, _) if uid != own => Some(How::OtherOwner(uid)),
        (_, mode) if mode & 0o077 == 0 => None,
        _ if is_sheltered => Some(How::Sheltered),
        (_, mode) if mode & 0o022 != 0 => Some(How::Writable),
        _ => Some(How::Readable),
    }
}

impl Exposed {
    fn new(path: PathBuf, metadata: &fs::Metadata, how: How) -> Self {
        Self { path, mode: metadata.mode() & 0o7777, is_folder: metadata.is_dir(), how }
    }

    /// The permissions that it has once it is closed: its owner keeps theirs, and can use a folder.
    pub fn closed_mode(&self) -> u32 {
        if self.is_folder { (self.mode & 0o7000) | 0o700 } else { self.mode & 0o700 }
    }

    /// Takes from other users what they were allowed. What belongs to another is left to that one.
    pub fn close(&self) -> io::Result<()> {
        match self.how {
            How::OtherOwner(_) | How::Shared => Err(io::ErrorKind::PermissionDenied.into()),
            _ => fs::set_permissions(&self.path, Permissions::from_mode(self.closed_mode())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_may_is_found_and_taken_from_them_and_a_link_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        set(root, 0o755);
        fs::create_dir(root.join("keys")).unwrap();
        set(&root.join("keys"), 0o700);
        for (name, mode) in [("keys/a", 0o640), ("orkee.db", 0o666), ("auth.toml", 0o600)] {
            fs::write(root.join(name), "").unwrap();
            set(&root.join(name), mode);
        }
        std::os::unix::fs::symlink("/etc/passwd", root.join(".env")).unwrap();
        let found = exposed(root).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.path.clone(), one.mode, one.how)).collect();
        let expected = [
            (root.to_owned(), 0o755, How::Readable),
            (root.join("keys/a"), 0o640, How::Readable),
            (root.join("orkee.db"), 0o666, How::Writable),
        ];
        assert_eq!(told, expected);
        for one in found {
            one.close().unwrap();
        }
        assert_eq!(exposed(root).unwrap(), []);
        assert_eq!(fs::metadata(root).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_is_not_orkees_is_left_alone_and_so_is_a_home_folder_that_holds_it() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        fs::create_dir(root.join("photos")).unwrap();
        for (path, mode) in [(root, 0o755), (&root.join("photos"), 0o2775)] {
            set(path, mode);
        }
        fs::write(root.join("orkee.db"), "").unwrap();
        set(&root.join("orkee.db"), 0o644);
        let found = exposed(root).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.path.clone(), one.how)).collect();
        assert_eq!(told, [(root.to_owned(), How::Shared), (root.join("orkee.db"), How::Readable)]);
        let closed: Vec<bool> = found.iter().map(|one| one.close().is_ok()).collect();
        assert_eq!(closed, [false, true]);
        assert_eq!(fs::metadata(root).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(root.join("photos")).unwrap().mode() & 0o7777, 0o2775);
    }

    #[test]
    fn in_a_folder_that_is_closed_to_others_an_open_file_is_sheltered() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("config.toml"), "").unwrap();
        set(&home.path().join("config.toml"), 0o644);
        set(home.path(), 0o700);
        assert_eq!(exposed(home.path()).unwrap()[0].how, How::Sheltered);
    }
}
