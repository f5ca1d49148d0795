//! The token file on disk: read only if nobody else can have had a hand in it, replaced as a whole.
//!
//! A write has two steps, so that a refresh token is spent only when its successor can be kept: [`Prepared::new`] makes the new
//! file, gives it its size and syncs it; [`Prepared::commit`] fills it and puts it in the old one's place. Both happen under the
//! lock, so one fixed name serves, and what a killed process left behind is overwritten.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use thiserror::Error;
use zeroize::Zeroizing;

/// More than any token file holds.
const MAX_BYTES: u64 = 1 << 20;
/// How much the file may grow by one write: tokens of a few kilobytes are common, of tens of them known.
const SLACK: usize = 64 << 10;
/// How often a file that was replaced in the moment of reading is opened anew.
const TRIES: usize = 100;
const NEW_NAME: &str = "auth.toml.new";
const NAME: &str = "auth.toml";
const BAD_NAME: &str = "auth.toml.bad";

/// Why a token file may not be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// Somebody may have put it there to have another file read or overwritten.
    #[error("it is a symbolic link")]
    Symlink,
    /// The same file is reachable by another name.
    #[error("it has a second name (a hard link)")]
    HardLink,
    /// A folder, a pipe, a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// Not this user's.
    #[error("it belongs to another user (uid {uid})")]
    Owner {
        /// Whose it is.
        uid: u32,
    },
    /// Others can change it.
    #[error("other users can write it (mode {mode:03o})")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
    /// Others can replace what is in the folder.
    #[error("other users can write the folder {} (mode {mode:03o})", path.display())]
    FolderWritable {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The folder is another user's.
    #[error("the folder {} belongs to another user (uid {uid})", path.display())]
    FolderOwner {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// No token file is this large, or holds such bytes.
    #[error("it is not a token file")]
    Content,
    /// The system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl FileError {
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Writable { .. } => "make sure that its content is yours, then `chmod 600` it".to_owned(),
            Self::FolderWritable { path, .. } => format!("run `chmod go-w {}`", path.display()),
            Self::Symlink | Self::HardLink | Self::NotRegular | Self::Content => {
                "move it away, then run `orkee cloud login`".to_owned()
            }
            Self::Owner { .. } | Self::FolderOwner { .. } | Self::Io(_) => return None,
        })
    }
}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// The folder that holds the token file, opened once, so that everything happens in the folder that was checked.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    handle: Arc<File>,
}

/// What the token file holds.
pub(crate) struct Content {
    pub(crate) text: Zeroizing<String>,
    /// Its permissions, where they let other users read it.
    pub(crate) readable_by_others: Option<u32>,
}

/// What stood at the token file's name.
enum Found {
    Content(Content),
    Nothing,
    /// A file that another process replaced in the moment between opening it and looking at it.
    Replaced,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = Arc::new(File::from(rustix::fs::open(path, flags, Mode::empty())?));
        let stat = rustix::fs::fstat(&*handle)?;
        if stat.st_uid != own_uid() && stat.st_uid != 0 {
            return Err(FileError::FolderOwner { path: path.to_owned(), uid: stat.st_uid });
        }
        let mode = permissions(&stat);
        if mode & 0o022 != 0 {
            return Err(FileError::FolderWritable { path: path.to_owned(), mode });
        }
        Ok(Self { handle })
    }

    /// The token file's content; None if there is no such file.
    pub(crate) fn read(&self) -> Result<Option<Content>, FileError> {
        self.read_named(NAME)
    }

    /// The content of another file that is kept as the token file is.
    pub(crate) fn read_named(&self, name: &str) -> Result<Option<Content>, FileError> {
        for _ in 0..TRIES {
            match self.read_once(name)? {
                Found::Content(content) => return Ok(Some(content)),
                Found::Nothing => return Ok(None),
                Found::Replaced => {}
            }
        }
        Err(FileError::Io(io::Error::other("it is replaced again and again")))
    }

    fn read_once(&self, name: &str) -> Result<Found, FileError> {
        // Without NONBLOCK, opening a pipe would wait for somebody to write into it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut file = match rustix::fs::openat(&*self.handle, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            Err(Errno::LOOP) => return Err(FileError::Symlink),
            Err(Errno::NXIO) => return Err(FileError::NotRegular),
            Err(errno) => return Err(errno.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        check_file(&stat)?;
        if stat.st_nlink == 0 {
            return Ok(Found::Replaced);
        }
        let mode = permissions(&stat);
        let mut text = Zeroizing::new(String::with_capacity(usize::try_from(stat.st_size).unwrap_or(0)));
        (&mut file).take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => FileError::Content,
            _ => FileError::Io(e),
        })?;
        if text.len() as u64 > MAX_BYTES {
            return Err(FileError::Content);
        }
        Ok(Found::Content(Content { text, readable_by_others: (mode & 0o077 != 0).then_some(mode) }))
    }

    /// Takes from other users what lets them read the token file.
    pub(crate) fn make_private(&self) -> Result<(), FileError> {
        self.make_private_named(NAME)
    }

    /// The names of what is in the folder. One that is no text is none of ours.
    pub(crate) fn names(&self) -> Result<Vec<String>, FileError> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&*self.handle)? {
            names.extend(entry?.file_name().to_str().ok().map(ToOwned::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Takes from other users what lets them read another file.
    pub(crate) fn make_private_named(&self, name: &str) -> Result<(), FileError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*self.handle, name, flags, Mode::empty())?;
        check_file(&rustix::fs::fstat(&fd)?)?;
        Ok(rustix::fs::fchmod(&fd, Mode::RUSR | Mode::WUSR)?)
    }

    /// Removes the token file, if there is one.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.remove_named(NAME)
    }

    /// Removes another file, if it is there.
    pub(crate) fn remove_named(&self, name: &str) -> io::Result<()> {
        self.unlink(name)?;
        self.handle.sync_all()
    }

    /// Makes another file, 0600, which is there as a whole or not at all. The lock must be held.
    pub(crate) fn write_new(&self, name: &str, content: &str) -> io::Result<()> {
        let unfinished = format!("{name}.new");
        self.unlink(&unfinished)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*self.handle, &unfinished, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(fd);
        let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
        if let Err(error) = written {
            let _ = self.unlink(&unfinished);
            return Err(error);
        }
        rustix::fs::renameat(&*self.handle, &unfinished, &*self.handle, name)?;
        self.handle.sync_all()
    }

    /// Gives the token file another name.
    pub(crate) fn set_aside(&self) -> io::Result<()> {
        rustix::fs::renameat(&*self.handle, NAME, &*self.handle, BAD_NAME)?;
        self.handle.sync_all()
    }

    /// Opens the lock file, made if it is not there.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File, FileError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&*self.handle, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => File::from(fd),
            Err(Errno::LOOP) => return Err(FileError::Symlink),
            Err(errno) => return Err(errno.into()),
        };
        check_file(&rustix::fs::fstat(&file)?)?;
        Ok(file)
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&*self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn permissions(stat: &rustix::fs::Stat) -> u32 {
    stat.st_mode & 0o7777
}

fn check_file(stat: &rustix::fs::Stat) -> Result<(), FileError> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FileError::NotRegular);
    }
    if stat.st_uid != own_uid() {
        return Err(FileError::Owner { uid: stat.st_uid });
    }
    // None at all: another process has put a new file in its place since it was opened.
    if stat.st_nlink > 1 {
        return Err(FileError::HardLink);
    }
    let mode = permissions(stat);
    if mode & 0o022 != 0 {
        return Err(FileError::Writable { mode });
    }
    Ok(())
}

/// A new token file that has its room on disk and waits for its content. Dropped, it is gone.
pub(crate) struct Prepared {
    folder: Folder,
    file: File,
    committed: bool,
}

impl Prepared {
    /// Makes the new file, 0600, with room for `bytes` and some more. The lock must be held.
    pub(crate) fn new(folder: &Folder, bytes: usize) -> io::Result<Self> {
        folder.unlink(NEW_NAME)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*folder.handle, NEW_NAME, flags, Mode::RUSR | Mode::WUSR)?;
        let mut prepared = Self { folder: folder.clone(), file: File::from(fd), committed: false };
        prepared.file.write_all(&vec![b'\n'; bytes + SLACK])?;
        prepared.file.sync_all()?;
        Ok(prepared)
    }

    /// Fills it and puts it in the place of the old one: a reader, or a crash, sees the old content or the new.
    pub(crate) fn commit(mut self, content: &str) -> io::Result<()> {
        self.file.write_all_at(content.as_bytes(), 0)?;
        self.file.set_len(content.len() as u64)?;
        self.file.sync_all()?;
        rustix::fs::renameat(&*self.folder.handle, NEW_NAME, &*self.folder.handle, NAME)?;
        self.committed = true;
        self.folder.handle.sync_all()
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.committed {
            // Best effort: the next write removes it too.
            let _ = self.folder.unlink(NEW_NAME);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn folder(&self) -> Folder {
            Folder::open(self.dir.path()).unwrap()
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join(NAME)
        }

        fn write(&self, text: &str, mode: u32) {
            std::fs::write(self.path(), text).unwrap();
            std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_none() {
        assert!(Place::new().folder().read().unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_replaced_while_it_is_read_is_the_old_one_or_the_new() {
        let place = Place::new();
        place.write("x = 0", 0o600);
        let folder = place.folder();
        let writer = std::thread::spawn({
            let folder = folder.clone();
            move || {
                for n in 0..200 {
                    Prepared::new(&folder, 0).unwrap().commit(&format!("x = {n}")).unwrap();
                }
            }
        });
        while !writer.is_finished() {
            assert!(folder.read().unwrap().unwrap().text.starts_with("x = "));
        }
        writer.join().unwrap();
    }

    #[test]
    fn a50_a_committed_file_is_0600_and_holds_the_content_alone() {
        let place = Place::new();
        let folder = place.folder();
        Prepared::new(&folder, 10).unwrap().commit("[a]\n").unwrap();
        assert_eq!(std::fs::read_to_string(place.path()).unwrap(), "[a]\n");
        assert_eq!(place.path().metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_prepared_file_that_is_not_committed_leaves_nothing_behind() {
        let place = Place::new();
        place.write("old", 0o600);
        let folder = place.folder();
        drop(Prepared::new(&folder, 10).unwrap());
        assert_eq!(std::fs::read_dir(place.dir.path()).unwrap().count(), 1);
        assert_eq!(folder.read().unwrap().unwrap().text.as_str(), "old");
    }

    #[test]
    fn a_leftover_of_a_killed_process_is_overwritten() {
        let place = Place::new();
        std::fs::write(place.dir.path().join(NEW_NAME), "half").unwrap();
        let folder = place.folder();
        Prepared::new(&folder, 0).unwrap().commit("new").unwrap();
        assert_eq!(folder.read().unwrap().unwrap().text.as_str(), "new");
    }

    #[test]
    fn a51_a_file_that_others_can_read_says_so() {
        let place = Place::new();
        place.write("", 0o644);
        assert_eq!(place.folder().read().unwrap().unwrap().readable_by_others, Some(0o644));
    }

    #[test]
    fn a52_a_symlink_a_hard_link_a_pipe_and_a_folder_are_refused() {
        let place = Place::new();
        let target = place.dir.path().join("target");
        std::fs::write(&target, "x").unwrap();

        symlink(&target, place.path()).unwrap();
        assert!(matches!(place.folder().read(), Err(FileError::Symlink)));
        std::fs::remove_file(place.path()).unwrap();

        std::fs::hard_link(&target, place.path()).unwrap();
        assert!(matches!(place.folder().read(), Err(FileError::HardLink)));
        std::fs::remove_file(place.path()).unwrap();

        rustix::fs::mknodat(rustix::fs::CWD, place.path(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .unwrap();
        assert!(matches!(place.folder().read(), Err(FileError::NotRegular)));
        std::fs::remove_file(place.path()).unwrap();

        std::fs::create_dir(place.path()).unwrap();
        assert!(matches!(place.folder().read(), Err(FileError::NotRegular)));
    }

    #[test]
    fn a52_a_file_or_folder_that_others_can_write_is_refused() {
        let place = Place::new();
        place.write("", 0o620);
        assert!(matches!(place.folder().read(), Err(FileError::Writable { mode: 0o620 })));
        std::fs::set_permissions(place.dir.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(Folder::open(place.dir.path()), Err(FileError::FolderWritable { .. })));
        std::fs::set_permissions(place.dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn bytes_that_are_no_text_and_a_huge_file_are_refused() {
        let place = Place::new();
        std::fs::write(place.path(), [0xff, 0xfe]).unwrap();
        assert!(matches!(place.folder().read(), Err(FileError::Content)));
        std::fs::write(place.path(), vec![b' '; (MAX_BYTES + 1) as usize]).unwrap();
        assert!(matches!(place.folder().read(), Err(FileError::Content)));
    }
}
