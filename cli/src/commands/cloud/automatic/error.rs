//! How automatic sync fails by itself.

use std::io;
use std::path::PathBuf;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::lock::Holder;
use thiserror::Error;

/// What stands in the way of automatic sync.
#[derive(Debug, Error)]
pub(super) enum AutoError {
    /// There is a watcher.
    #[error("a watcher of this home folder is running{}", .0.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Watched(Holder),
    /// The files of automatic sync cannot be used.
    #[error("cannot use the folder run in the home folder")]
    Unusable(#[source] io::Error),
    /// The database is not where it was.
    #[error("there is no database at {}", path.display())]
    NoDatabase {
        /// Where it was.
        path: PathBuf,
    },
    /// The process that syncs was killed, or said nothing that can be read.
    #[error("the process that was to sync ended without a word ({0})")]
    Silent(String),
    /// No process can be started.
    #[error("cannot start a sync")]
    NotStarted(#[source] io::Error),
}

impl Diagnostic for AutoError {
    fn code(&self) -> &'static str {
        match self {
            Self::Watched(_) => "E-AUTO-001",
            Self::Unusable(_) => "E-AUTO-002",
            Self::NoDatabase { .. } => "E-AUTO-003",
            Self::NotStarted(_) => "E-AUTO-004",
            Self::Silent(_) => "E-AUTO-005",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Watched(_) => Kind::Timeout,
            Self::Unusable(_) | Self::NoDatabase { .. } | Self::NotStarted(_) | Self::Silent(_) => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Watched(_) => "that one does it all; `orkee cloud status` says how far it is, and `orkee cloud disable` \
                                 ends it where it is a service"
                .to_owned(),
            Self::Unusable(_) => "check that the home folder is yours to write and has space".to_owned(),
            Self::NoDatabase { .. } => {
                "bring it back to where it was, or set ORKEE_HOME to the folder where it is now".to_owned()
            }
            Self::NotStarted(_) | Self::Silent(_) => "sync yourself: `orkee cloud sync`".to_owned(),
        })
    }
}
