//! The user's service that runs a watcher: how it is described to the system, whether it is there, and starting and stopping it.
//!
//! A description is ours where it is, byte for byte, as we would write it now; what is otherwise was edited, is another home folder's
//! or another program's, and is not touched unless the person says so.

mod launchd;
mod systemd;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orkee_core::home::Home;

use super::error::AutoError;

/// What runs services for a user here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    Systemd,
    Launchd,
}

/// The service, as it is to be.
#[derive(Debug)]
pub(super) struct Service {
    manager: Manager,
    /// The file that describes it.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// What is there in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Ours,
    /// What it says.
    Other(String),
}

/// What a service runs, and where.
struct Runs<'a> {
    program: &'a str,
    home: &'a str,
    /// The home folder is not where it usually is.
    names_home: bool,
}

impl Service {
    /// The service for this home folder; none where this system has no such thing. It may not be able to run it now.
    pub(super) fn of(home: &Home) -> Result<Option<Self>, AutoError> {
        let Some(manager) = Manager::here() else { return Ok(None) };
        let program = std::env::current_exe().map_err(AutoError::NotStarted)?;
        let root = std::path::absolute(home.root()).map_err(AutoError::Unusable)?;
        let runs = Runs {
            program: plain(&program)?,
            home: plain(&root)?,
            names_home: std::env::var_os("ORKEE_HOME").is_some_and(|home| !home.is_empty()),
        };
        let user = std::env::home_dir().filter(|path| path.is_absolute()).ok_or(AutoError::NoUser)?;
        let (path, text) = match manager {
            Manager::Systemd => {
                let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
                let config = config.filter(|path| path.is_absolute()).unwrap_or_else(|| user.join(".config"));
                (config.join("systemd/user").join(systemd::NAME), systemd::unit(&runs))
            }
            Manager::Launchd => {
                (user.join("Library/LaunchAgents").join(launchd::NAME), launchd::plist(&runs))
            }
        };
        Ok(Some(Self { manager, path, text }))
    }

    /// What is there now.
    pub(super) fn found(&self) -> Result<Found, AutoError> {
        match fs::read(&self.path) {
            Ok(bytes) if bytes == self.text.as_bytes() => Ok(Found::Ours),
            Ok(bytes) => Ok(Found::Other(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(source) => Err(AutoError::UnitFile { path: self.path.clone(), source }),
        }
    }

    /// Whether the manager can be spoken to: a login without a session has none.
    pub(super) fn is_possible(&self) -> bool {
        let question: &[&str] = match self.manager {
            Manager::Systemd => &["systemctl", "--user", "show-environment"],
            Manager::Launchd => &["launchctl", "managername"],
        };
        run(question).is_ok()
    }

    /// Writes the description. No secret is in it, and its folder is the system's, readable as it likes.
    pub(super) fn write(&self) -> Result<(), AutoError> {
        let written = || {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            orkee_core::file::replace(&self.path, self.text.as_bytes())
        };
        written().map_err(|source| AutoError::UnitFile { path: self.path.clone(), source })
    }

    /// Takes the description away.
    pub(super) fn remove(&self) -> Result<(), AutoError> {
        fs::remove_file(&self.path).map_err(|source| AutoError::UnitFile { path: self.path.clone(), source })
    }

    /// What is run to start it, now and with each session.
    pub(super) fn starting(&self) -> Vec<Vec<String>> {
        match self.manager {
            Manager::Systemd => owned(&[
                &["systemctl", "--user", "daemon-reload"],
                &["systemctl", "--user", "enable", systemd::NAME],
                &["systemctl", "--user", "restart", systemd::NAME],
            ]),
            Manager::Launchd => {
                owned(&[&["launchctl", "bootstrap", &launchd::domain(), &self.path.to_string_lossy()]])
            }
        }
    }

    /// What is run to stop it, for good.
    pub(super) fn stopping(&self) -> Vec<Vec<String>> {
        match self.manager {
            Manager::Systemd => owned(&[&["systemctl", "--user", "disable", "--now", systemd::NAME]]),
            Manager::Launchd => owned(&[&["launchctl", "bootout", &launchd::target()]]),
        }
    }

    /// Starts it. One of launchd's that is loaded goes first: it would stay as it was.
    pub(super) fn start(&self) -> Result<(), AutoError> {
        if self.manager == Manager::Launchd {
            let _ = self.stop();
        }
        self.starting().iter().try_for_each(|command| run(command))
    }

    /// Stops it. To launchd, one that is not loaded is a failure, and to nobody else.
    pub(super) fn stop(&self) -> Result<(), AutoError> {
        let stopped = self.stopping().iter().try_for_each(|command| run(command));
        if self.manager == Manager::Launchd { Ok(()) } else { stopped }
    }

    /// What is run once its description is gone.
    pub(super) fn after_removal(&self) -> Vec<Vec<String>> {
        match self.manager {
            Manager::Systemd => owned(&[&["systemctl", "--user", "daemon-reload"]]),
            Manager::Launchd => Vec::new(),
        }
    }
}

impl Manager {
    fn here() -> Option<Self> {
        if cfg!(target_os = "macos") {
            Some(Self::Launchd)
        } else if cfg!(target_os = "linux") {
            Some(Self::Systemd)
        } else {
            None
        }
    }
}

/// Runs one command to its end.
pub(super) fn run(command: &[impl AsRef<OsStr>]) -> Result<(), AutoError> {
    let shown = || {
        let words: Vec<_> = command.iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
        words.join(" ")
    };
    let Some((program, args)) = command.split_first() else { return Ok(()) };
    let ended = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = ended.map_err(|source| AutoError::Manager { command: shown(), said: source.to_string() })?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let said = if said.is_empty() { output.status.to_string() } else { said };
            Err(AutoError::Manager { command: shown(), said })
        }
    }
}

fn owned(commands: &[&[&str]]) -> Vec<Vec<String>> {
    commands.iter().map(|command| command.iter().map(|word| (*word).to_owned()).collect()).collect()
}

/// A path that can stand in a description.
fn plain(path: &Path) -> Result<&str, AutoError> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    text.ok_or_else(|| AutoError::OddPath(path.to_owned()))
}
