//! Looking for repositories, folder by folder.
//!
//! A repository is not entered: what is below it belongs to it. Links are not followed, so that no folder is met twice and none
//! outside. What cannot be read is told and passed over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ScanError;
use crate::checkout::{self, Checkout, Found};
use crate::project::GitRepository;

/// Folders that are not entered, beside those whose name begins with a dot: they are made by programs, and are large.
pub const SKIPPED: [&str; 6] =
    ["node_modules", "bower_components", "vendor", "target", "venv", "__pycache__"];

/// What was found below a folder.
#[derive(Debug)]
pub struct Walk {
    /// The folder, without links.
    pub folder: PathBuf,
    /// How many levels below it were looked at.
    pub depth: usize,
    /// How many folders were looked at.
    pub folders: u64,
    /// Checkouts, by path.
    pub repositories: Vec<Repository>,
    /// Repositories without files of their own, which are nobody's working folder.
    pub bare: Vec<PathBuf>,
    /// Folders that point to a repository that is gone.
    pub broken: Vec<PathBuf>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// How many folders were too deep to be entered.
    pub deeper: u64,
}

/// A checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its folder.
    pub path: PathBuf,
    /// Its remote and branch; none where no remote names an owner and a repository.
    pub repository: Option<GitRepository>,
    /// For a further worktree: where the repository's own files are.
    pub worktree_of: Option<PathBuf>,
}

/// A folder that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The folder.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// Looks for repositories in `folder` and so many levels below it.
pub fn walk(folder: &Path, depth: usize) -> Result<Walk, ScanError> {
    let refused = |source| ScanError { path: folder.to_owned(), source };
    let root = folder.canonicalize().map_err(refused)?;
    // Tells a file, or a folder that may not be read, before the long part begins.
    fs::read_dir(&root).map_err(refused)?;
    let mut walk = Walk {
        folder: root.clone(),
        depth,
        folders: 0,
        repositories: Vec::new(),
        bare: Vec::new(),
        broken: Vec::new(),
        unreadable: Vec::new(),
        deeper: 0,
    };
    let mut left = vec![(root, 0)];
    while let Some((path, level)) = left.pop() {
        walk.folders += 1;
        if let Err(path) = walk.take(path)
            && let Err(source) = walk.below(&path, level, &mut left)
        {
            walk.unreadable.push(Unreadable { path, source });
        }
    }
    walk.repositories.sort_by(|a, b| a.path.cmp(&b.path));
    for paths in [&mut walk.bare, &mut walk.broken] {
        paths.sort();
    }
    walk.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk)
}

impl Walk {
    /// Takes a folder that is something to git; hands back one that is nothing.
    fn take(&mut self, path: PathBuf) -> Result<(), PathBuf> {
        match checkout::at(&path) {
            Some(Found::Checkout(Checkout { repository, worktree_of })) => {
                self.repositories.push(Repository { path, repository, worktree_of });
            }
            Some(Found::Bare) => self.bare.push(path),
            Some(Found::Broken) => self.broken.push(path),
            None => return Err(path),
        }
        Ok(())
    }

    /// The folders in a folder that are to be entered.
    fn below(&mut self, path: &Path, level: usize, left: &mut Vec<(PathBuf, usize)>) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // Of a link this is no folder's.
            if !entry.file_type()?.is_dir() || is_skipped(&entry.file_name().to_string_lossy()) {
                continue;
            }
            if level < self.depth {
                left.push((entry.path(), level + 1));
            } else {
                self.deeper += 1;
            }
        }
        Ok(())
    }
}

fn is_skipped(name: &str) -> bool {
    name.starts_with('.') || SKIPPED.contains(&name)
}
