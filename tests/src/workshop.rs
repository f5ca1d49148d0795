//! Projects of provider authors, made by `orkee cloud provider new` and built for real.
//!
//! Each language has one folder below the build's target folder. It is made anew for each use; only what its package manager
//! fetched and compiled stays from the last one, since that takes a minute and hundreds of megabytes. All in Rust compile into one folder: what they
//! depend on is the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binaries;
use crate::home::{Ran, finish};

/// What a language's package manager leaves in a project, and the file that says what it is.
const KEPT: [(&str, &str, &str); 2] =
    [("js", "node_modules", "package-lock.json"), ("python", ".venv", "requirements.txt")];

/// An author: a home folder of their own, and otherwise this machine's environment, which package managers need.
pub struct Author {
    home: tempfile::TempDir,
}

impl Default for Author {
    fn default() -> Self {
        Self::new()
    }
}

impl Author {
    /// Somebody who has never used Orkee.
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// What `ORKEE_HOME` names.
    pub fn orkee_home(&self) -> PathBuf {
        self.home.path().join("orkee")
    }

    /// A path of theirs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `orkee cloud provider ARGS`, not started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binaries::orkee());
        for (name, _) in std::env::vars_os() {
            // Cargo's own for the tests would be taken by a build of the author's for its own.
            let is_ours = [&b"ORKEE_"[..], b"CARGO_PKG_", b"CARGO_MANIFEST_"];
            if is_ours.iter().any(|ours| name.as_encoded_bytes().starts_with(ours)) {
                command.env_remove(name);
            }
        }
        command
            .args(["cloud", "provider"])
            .args(args)
            .current_dir(self.home.path())
            .env("ORKEE_HOME", self.orkee_home())
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args), &[])
    }
}

/// A fresh project. Nobody else uses its folder meanwhile.
pub struct Workshop {
    folder: PathBuf,
    _lock: File,
}

impl Workshop {
    /// `orkee cloud provider new` for this language, or with `-dispatcher` behind it for a dispatcher, with what an earlier build fetched if it is still what is wanted.
    pub fn new(author: &Author, language: &str) -> Self {
        let all = binaries::orkee().parent().and_then(Path::parent).unwrap().join("authors");
        fs::create_dir_all(&all).unwrap();
        let lock = File::create(all.join(format!("{language}.lock"))).unwrap();
        lock.lock().unwrap();
        let (folder, kept) = (all.join(format!("example-{language}")), all.join(format!("{language}-kept")));
        let fetched = KEPT.into_iter().find(|(l, ..)| *l == language);
        let before = fetched.and_then(|(_, name, wanted)| {
            let before = fs::read(folder.join(wanted)).ok();
            if folder.join(name).exists() {
                let _ = fs::remove_dir_all(&kept);
                fs::rename(folder.join(name), &kept).unwrap();
            }
            before
        });
        let _ = fs::remove_dir_all(&folder);
        let new = ["new", folder.to_str().unwrap(), "--lang"];
        let what: &[&str] = match language.strip_suffix("-dispatcher") {
            Some(language) => &[language, "--dispatcher"],
            None => &[language],
        };
        author.run(&[&new[..], what].concat()).success();
        match fetched {
            Some((_, name, wanted)) => {
                if kept.exists() && before == fs::read(folder.join(wanted)).ok() {
                    fs::rename(&kept, folder.join(name)).unwrap();
                }
            }
            None => {
                let compiled = all.join("rust-compiled");
                fs::create_dir_all(&compiled).unwrap();
                std::os::unix::fs::symlink(compiled, folder.join("target")).unwrap();
            }
        }
        Self { folder, _lock: lock }
    }

    /// Its folder.
    pub fn folder(&self) -> &str {
        self.folder.to_str().unwrap()
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
