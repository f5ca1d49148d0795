//! The folder that holds everything: `~/.orkee`, or where `ORKEE_HOME` says.
//!
//! Folders are 0700 and files 0600 from the moment they exist.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::file;

/// The paths below the home folder. One place, so that each file has one name.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

/// The home folder cannot be used.
#[derive(Debug, Error)]
pub enum HomeError {
    /// Neither `ORKEE_HOME` nor `HOME` is set.
    #[error("there is no home folder")]
    Unknown,
    /// It cannot be made or entered.
    #[error("cannot use the folder {}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Diagnostic for HomeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "E-HOME-001",
            Self::Unusable { .. } => "E-HOME-002",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("set ORKEE_HOME to a folder that you can write".to_owned())
    }
}

/// Where the environment says that it is.
fn named() -> Result<PathBuf, HomeError> {
    match std::env::var_os("ORKEE_HOME").filter(|v| !v.is_empty()) {
        Some(root) => Ok(PathBuf::from(root)),
        None => Ok(std::env::home_dir()
            .filter(|p| !p.as_os_str().is_empty())
            .ok_or(HomeError::Unknown)?
            .join(".orkee")),
    }
}

impl Home {
    /// `ORKEE_HOME`, else `~/.orkee`. Makes the folder if it is not there.
    pub fn from_env() -> Result<Self, HomeError> {
        Self::at(named()?)
    }

    /// The same, if it is there; nothing is made.
    pub fn existing() -> Option<Self> {
        let root = named().ok().filter(|root| root.is_dir())?;
        Some(Self { root })
    }

    /// The folder at `root`, made if it is not there.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self, HomeError> {
        let root = root.into();
        file::private_folder(&root).map_err(|source| HomeError::Unusable { path: root.clone(), source })?;
        Ok(Self { root })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `orkee.db`: projects, history, sync state.
    pub fn database(&self) -> PathBuf {
        self.root.join("orkee.db")
    }

    /// `config.toml`: the user's settings.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// `auth.toml`: tokens.
    pub fn auth(&self) -> PathBuf {
        self.root.join("auth.toml")
    }

    /// `auth.lock`: held while tokens are refreshed.
    pub fn auth_lock(&self) -> PathBuf {
        self.root.join("auth.lock")
    }

    /// `sync.lock`: held while a sync runs.
    pub fn sync_lock(&self) -> PathBuf {
        self.root.join("sync.lock")
    }

    /// `webhook.lock`: held while deliveries are sent in the background.
    pub fn webhook_lock(&self) -> PathBuf {
        self.root.join("webhook.lock")
    }

    /// `run/watch.lock`: held by the watcher.
    pub fn watch_lock(&self) -> PathBuf {
        self.root.join("run").join("watch.lock")
    }

    /// `run/background.lock`: held by the background sync that is at work.
    pub fn background_lock(&self) -> PathBuf {
        self.root.join("run").join("background.lock")
    }

    /// `run/background-next-NAME.lock`, one for each place that is synced: held by the background sync that waits for the one at work.
    pub fn background_next_lock(&self, name: &str) -> PathBuf {
        self.root.join("run").join(format!("background-next-{name}.lock"))
    }

    /// `run/started.json`: what began the last syncs that nobody typed.
    pub fn started(&self) -> PathBuf {
        self.root.join("run").join("started.json")
    }

    /// `run/pause.json`: how the last syncs failed, and how long automatic ones wait.
    pub fn pause(&self) -> PathBuf {
        self.root.join("run").join("pause.json")
    }

    /// `keys/`: the keys of sealed accounts.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// `plugins/`: state, grants and installed components.
    pub fn plugins(&self) -> PathBuf {
        self.root.join("plugins")
    }

    /// `cache/`: compiled components; may be deleted at any time.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// `logs/orkee.log`: JSON lines.
    pub fn log(&self) -> PathBuf {
        self.root.join("logs").join("orkee.log")
    }
}
