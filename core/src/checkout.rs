//! What a folder's git checkout says about where its code lives, read from git's own files without running git.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::project::GitRepository;

/// No git file that we ask for is larger by right.
const MAX_FILE: u64 = 1024 * 1024;

/// The repository that `folder`, or the nearest folder above it, is a checkout of, with the branch that is checked out. None where
/// there is no checkout, or where it has no remote that names an owner and a repository.
pub fn repository(folder: &Path) -> Option<GitRepository> {
    read(folder.ancestors().find_map(git_folder)?).repository
}

/// What a folder is to git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A checkout, be it a repository of its own, a worktree or a submodule.
    Checkout(Checkout),
    /// A repository without files of its own.
    Bare,
    /// It points to a repository that is gone.
    Broken,
}

/// A folder with the files of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The remote, and the branch that is checked out; none where no remote names an owner and a repository.
    pub repository: Option<GitRepository>,
    /// For a further worktree: the folder of the repository that it belongs to, `.git` of the first one.
    pub worktree_of: Option<PathBuf>,
}

/// What `folder` itself is to git, whatever the folders above it are; none where it is nothing.
pub fn at(folder: &Path) -> Option<Found> {
    if let Some(git) = git_folder(folder) {
        return Some(Found::Checkout(read(git)));
    }
    let is_pointer = text(&folder.join(".git")).is_some_and(|text| text.starts_with("gitdir:"));
    if is_pointer {
        return Some(Found::Broken);
    }
    let is_bare =
        folder.join("HEAD").is_file() && ["objects", "refs"].iter().all(|name| folder.join(name).is_dir());
    is_bare.then_some(Found::Bare)
}

/// A checkout by its git folder.
fn read(git: PathBuf) -> Checkout {
    let branch = branch(&git);
    // A worktree has a folder of its own below the one that holds the configuration.
    let worktree_of = text(&git.join("commondir")).map(|path| git.join(path.trim_end()));
    let worktree_of = worktree_of.map(|path| path.canonicalize().unwrap_or(path));
    let config = text(&worktree_of.as_ref().unwrap_or(&git).join("config"));
    let config = config.map(|text| Config::parse(&text));
    let remote = config.as_ref().and_then(|config| config.remote(branch.as_deref()));
    let repository = remote.and_then(GitRepository::from_remote);
    Checkout { repository: repository.map(|repository| GitRepository { branch, ..repository }), worktree_of }
}

/// `.git` in `folder`: itself, or what it points at (worktrees, submodules).
fn git_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return git.join("HEAD").is_file().then_some(git);
    }
    let pointer = text(&git)?;
    let target = folder.join(pointer.strip_prefix("gitdir:")?.trim());
    target.join("HEAD").is_file().then_some(target)
}

/// The branch that HEAD is on; none where it is detached.
fn branch(git: &Path) -> Option<String> {
    let head = text(&git.join("HEAD"))?;
    let name = head.trim_end().strip_prefix("ref: refs/heads/")?;
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

/// A plain file of a bearable size, as text.
fn text(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let mut text = String::new();
    fs::File::open(path).ok()?.take(MAX_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The assignments of git's configuration file: section, subsection, key, value.
struct Config(Vec<(String, String, String, String)>);

impl Config {
    fn parse(text: &str) -> Self {
        let mut entries = Vec::new();
        let mut section = (String::new(), String::new());
        for line in text.lines().map(str::trim) {
            if let Some(heading) = line.strip_prefix('[') {
                let heading = heading.split(']').next().unwrap_or_default();
                let (name, sub) = heading.split_once([' ', '\t']).unwrap_or((heading, ""));
                section = (name.to_ascii_lowercase(), sub.trim().trim_matches('"').replace("\\\"", "\""));
            } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';']))
            {
                let (section, sub) = section.clone();
                entries.push((section, sub, key.trim().to_ascii_lowercase(), unquoted(value.trim())));
            }
        }
        Self(entries)
    }

    fn get(&self, section: &str, sub: &str, key: &str) -> Option<&str> {
        let matches = |e: &&(String, String, String, String)| e.0 == section && e.1 == sub && e.2 == key;
        self.0.iter().rev().find(matches).map(|e| e.3.as_str())
    }

    /// The remote that the branch follows, else `origin`, else the first there is.
    fn remote(&self, branch: Option<&str>) -> Option<&str> {
        let followed = branch.and_then(|name| self.get("branch", name, "remote"));
        let first = || self.0.iter().find(|e| e.0 == "remote" && e.2 == "url").map(|e| e.3.as_str());
        followed
            .and_then(|name| self.get("remote", name, "url"))
            .or_else(|| self.get("remote", "origin", "url"))
            .or_else(first)
    }
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('"') {
        Some(rest) => rest.split('"').next().unwrap_or_default().replace("\\\\", "\\"),
        None => value.split([';', '#']).next().unwrap_or_default().trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout(config: &str, head: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join(".git/config"), config).unwrap();
        fs::write(folder.path().join(".git/HEAD"), head).unwrap();
        folder
    }

    const TWO_REMOTES: &str = "[core]\n\tbare = false\n[remote \"fork\"]\n\turl = git@github.com:me/site.git\n\
        [remote \"origin\"]\n\turl = https://github.com/acme/site.git\n[branch \"mine\"]\n\tremote = fork\n";

    #[test]
    fn the_remote_that_the_branch_follows_comes_before_origin() {
        let found = repository(checkout(TWO_REMOTES, "ref: refs/heads/mine\n").path()).unwrap();
        assert_eq!((found.owner.as_str(), found.branch.as_deref()), ("me", Some("mine")));
        let found = repository(checkout(TWO_REMOTES, "ref: refs/heads/main\n").path()).unwrap();
        assert_eq!((found.owner.as_str(), found.branch.as_deref()), ("acme", Some("main")));
    }

    #[test]
    fn a_detached_head_has_no_branch_and_a_folder_below_belongs_to_the_checkout() {
        let folder = checkout(TWO_REMOTES, "0123456789abcdef0123456789abcdef01234567\n");
        let below = folder.path().join("src/deep");
        fs::create_dir_all(&below).unwrap();
        let found = repository(&below).unwrap();
        assert_eq!((found.repo.as_str(), found.branch), ("site", None));
    }

    #[test]
    fn a_worktree_has_its_own_branch_and_the_remote_of_its_repository() {
        let main = checkout(TWO_REMOTES, "ref: refs/heads/main\n");
        let own = main.path().join(".git/worktrees/wt");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("HEAD"), "ref: refs/heads/topic\n").unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        let worktree = tempfile::tempdir().unwrap();
        fs::write(worktree.path().join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        let found = repository(worktree.path()).unwrap();
        assert_eq!((found.owner.as_str(), found.branch.as_deref()), ("acme", Some("topic")));
    }

    #[test]
    fn a_folder_without_a_remote_or_with_broken_files_names_nothing() {
        assert_eq!(repository(checkout("[core]\n", "ref: refs/heads/main\n").path()), None);
        assert_eq!(
            repository(checkout("[remote \"origin\"]\n\turl = /srv/x.git\n", "ref: refs/heads/m\n").path()),
            None
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".git"), [0xff, 0xfe]).unwrap();
        assert_eq!(repository(folder.path()), None);
    }
}
