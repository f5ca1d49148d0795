//! How automatic sync fails by itself.

use std::io;
use std::path::PathBuf;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::lock::Note;
use thiserror::Error;

/// What stands in the way of automatic sync.
#[derive(Debug, Error)]
pub(super) enum AutoError {
    /// There is a watcher.
    #[error("a watcher of this home folder is running{}", .0.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Watched(Note),
    /// The files of automatic sync cannot be used.
    #[error("cannot use the folder run in the home folder")]
    Unusable(#[source] io::Error),
    /// The process that syncs was killed, or said nothing that can be read.
    #[error("the process that was to sync ended without a word ({0})")]
    Silent(String),
    /// The service is there, and not as it would be written.
    #[error("{} is not as `orkee cloud {command}` knows it", path.display())]
    OtherService {
        /// Its file.
        path: PathBuf,
        /// Which command met it.
        command: &'static str,
    },
    /// The description of the service cannot be read, written or removed.
    #[error("cannot change {}", path.display())]
    UnitFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// systemd or launchd refused.
    #[error("`{command}` failed: {said}")]
    Manager {
        /// What was run.
        command: String,
        /// What it said.
        said: String,
    },
    /// A path has what cannot stand in a description of a service.
    #[error("the path {0:?} cannot stand in a service's description")]
    OddPath(PathBuf),
    /// Nobody knows whose service it would be.
    #[error("there is no home folder of a user")]
    NoUser,
    /// No process can be started.
    #[error("cannot start a sync")]
    NotStarted(#[source] io::Error),
}

impl Diagnostic for AutoError {
    fn code(&self) -> &'static str {
        match self {
            Self::Watched(_) => "E-AUTO-001",
            Self::Unusable(_) => "E-AUTO-002",
            Self::NotStarted(_) => "E-AUTO-004",
            Self::Silent(_) => "E-AUTO-005",
            Self::OtherService { .. } => "E-AUTO-006",
            Self::UnitFile { .. } => "E-AUTO-007",
            Self::Manager { .. } => "E-AUTO-008",
            Self::OddPath(_) | Self::NoUser => "E-AUTO-009",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Watched(_) => Kind::Timeout,
            Self::OtherService { .. } | Self::OddPath(_) | Self::NoUser => Kind::Usage,
            Self::Unusable(_)
            | Self::NotStarted(_)
            | Self::Silent(_)
            | Self::UnitFile { .. }
            | Self::Manager { .. } => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Watched(_) => {
                "that one does it all; `orkee cloud status` says how far it is, and `orkee cloud disable` \
                                 ends it where it is a service"
                    .to_owned()
            }
            Self::Unusable(_) => "check that the home folder is yours to write and has space".to_owned(),
            Self::OtherService { command, .. } => {
                format!("look at the difference; `orkee cloud {command} --force` goes on all the same")
            }
            Self::UnitFile { .. } => "check that its folder is yours to write".to_owned(),
            Self::Manager { .. } => {
                "see what it says; `orkee cloud watch` does the same in the foreground".to_owned()
            }
            Self::OddPath(_) => "put it where its name is plain text".to_owned(),
            Self::NoUser => "set HOME to your home folder".to_owned(),
            Self::NotStarted(_) | Self::Silent(_) => "sync yourself: `orkee cloud sync`".to_owned(),
        })
    }
}
