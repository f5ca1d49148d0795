//! What can go wrong with the store, in kinds that a person can act on.

use std::path::{Path, PathBuf};

use rusqlite::ffi::ErrorCode;
use thiserror::Error;

use super::at_rest::damaged::Damaged;
use crate::diagnostic::{Diagnostic, Kind};
use crate::project::{InvalidField, PayloadError, ProjectId, Refused};

/// A failed operation of the store. Nothing of it was written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database cannot be opened; the source says why.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// Its file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<StoreError>,
    },
    /// There is none, and none is made.
    #[error("there is no database")]
    Missing,
    /// Another process has been writing for longer than we wait.
    #[error("the database is locked by another process")]
    Locked,
    /// The file or its folder cannot be written.
    #[error("the database is read-only")]
    ReadOnly,
    /// It is damaged, or something else than a database.
    #[error("the file is damaged, or is no database")]
    Corrupt(#[source] rusqlite::Error),
    /// It is the database of another program.
    #[error("the file is a database of another program")]
    Foreign,
    /// A newer version of Orkee wrote it.
    #[error("the database has schema {found}, this version knows up to {known}")]
    Newer {
        /// The schema that it has.
        found: i64,
        /// The newest that this version can read.
        known: i64,
    },
    /// No space left.
    #[error("the disk is full")]
    Full,
    /// The operating system refused.
    #[error("the file cannot be read or written")]
    Io(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored record cannot be read.
    #[error("the stored record {id} is not readable")]
    BadRecord {
        /// The record.
        id: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What sync knows of a record cannot be.
    #[error("the state of sync is damaged: {what}")]
    Damaged {
        /// In a few words.
        what: String,
    },
    /// Fields are sealed on this device, and the key is not at hand.
    #[error("the projects on this device are locked")]
    Shut,
    /// The database refused a statement.
    #[error("the database refused an operation")]
    Sql(#[source] rusqlite::Error),
    /// No project has this id or name.
    #[error("there is no project {query:?}")]
    NotFound {
        /// What was asked for.
        query: String,
        /// Projects with a similar id or name.
        near: Vec<String>,
    },
    /// The project was deleted.
    #[error("the project {id} was deleted")]
    Deleted {
        /// Its id.
        id: ProjectId,
    },
    /// It is there, so there is nothing to restore.
    #[error("the project {id} is not deleted")]
    NotDeleted {
        /// Its id.
        id: ProjectId,
    },
    /// Several projects have this name.
    #[error("{} projects are called {name:?}: {}", ids.len(), join(ids))]
    Ambiguous {
        /// The name.
        name: String,
        /// Their ids.
        ids: Vec<ProjectId>,
    },
    /// The id is taken.
    #[error("there is already a project {id}")]
    Exists {
        /// The id.
        id: ProjectId,
    },
    /// The record never had such a version.
    #[error("the project {id} has no version {n}")]
    NoVersion {
        /// The project.
        id: ProjectId,
        /// The version asked for.
        n: u64,
    },
    /// There is no such restore point.
    #[error("there is {}", match number { Some(n) => format!("no restore point {n}"), None => "nothing to undo".to_owned() })]
    NoPoint {
        /// The one asked for; none: the newest.
        number: Option<u64>,
    },
    /// A field does not take this value.
    #[error(transparent)]
    Field(#[from] InvalidField),
    /// The project as a whole is refused.
    #[error("the project is refused")]
    Payload(#[from] PayloadError),
}

fn join(ids: &[ProjectId]) -> String {
    ids.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(", ")
}

impl StoreError {
    /// Names the file, where opening it failed.
    pub(super) fn opening(self, path: &Path) -> Self {
        Self::Open { path: path.to_owned(), source: Box::new(self) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error),
            Some(ErrorCode::DiskFull) => Self::Full,
            // The index of the write-ahead log could not be given its room.
            Some(ErrorCode::SystemIoFailure) if is_shm_size(&error) => Self::Full,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::NoLargeFileSupport,
            ) => Self::Io(Box::new(error)),
            _ if is_senseless(&error) => Self::Damaged { what: error.to_string() },
            _ => Self::Sql(error),
        }
    }
}

/// A column holds what it cannot hold.
fn is_senseless(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    matches!(
        error,
        Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::FromSqlConversionFailure(..)
    )
}

fn is_shm_size(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _) if code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io(Box::new(error)),
        }
    }
}

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Field(error) => Self::Field(error),
            Refused::Payload(error) => Self::Payload(error),
        }
    }
}

impl Diagnostic for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Open { source, .. } => source.code(),
            Self::Locked => "E-STORE-001",
            Self::ReadOnly => "E-STORE-002",
            Self::Corrupt(_) | Self::Foreign => "E-STORE-003",
            Self::Newer { .. } => "E-STORE-004",
            Self::Full => "E-STORE-005",
            Self::Io(_) => "E-STORE-006",
            Self::BadRecord { .. } => "E-STORE-007",
            Self::Sql(_) => "E-STORE-008",
            Self::Damaged { .. } => "E-STORE-009",
            Self::Shut => "E-LOCK-001",
            Self::NotFound { .. } => "E-STORE-010",
            Self::Deleted { .. } => "E-STORE-011",
            Self::NotDeleted { .. } => "E-STORE-012",
            Self::Ambiguous { .. } => "E-STORE-013",
            Self::Exists { .. } => "E-STORE-014",
            Self::NoVersion { .. } => "E-STORE-015",
            Self::NoPoint { .. } => "E-STORE-016",
            Self::Missing => "E-STORE-017",
            Self::Field(error) => error.code(),
            Self::Payload(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Open { source, .. } => source.kind(),
            Self::Locked => Kind::Timeout,
            Self::Shut => Kind::Auth,
            Self::Missing
            | Self::ReadOnly
            | Self::Corrupt(_)
            | Self::Foreign
            | Self::Newer { .. }
            | Self::Full
            | Self::Io(_) => Kind::Failed,
            Self::BadRecord { .. } | Self::Damaged { .. } | Self::Sql(_) => Kind::Failed,
            Self::NotFound { .. }
            | Self::Deleted { .. }
            | Self::NotDeleted { .. }
            | Self::Ambiguous { .. } => Kind::Usage,
            Self::NoPoint { .. }
            | Self::Exists { .. }
            | Self::NoVersion { .. }
            | Self::Field(_)
            | Self::Payload(_) => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Open { source, .. } => return source.hint(),
            Self::Locked => "wait for the other `orkee` command to end and try again",
            Self::Missing => "bring it back to where it was, or set ORKEE_HOME to the folder where it is now",
            Self::ReadOnly => {
                "make the file and its folder writable, or point ORKEE_HOME at a folder that is"
            }
            Self::Corrupt(_) => {
                "move the file away, then import your last export: `orkee projects import FILE`"
            }
            Self::Foreign => {
                "if an earlier Orkee wrote it, move it and run `orkee projects import --from-db PATH`; else point ORKEE_HOME \
                 at another folder"
            }
            Self::Newer { .. } => "update orkee, or point ORKEE_HOME at another folder",
            Self::Full => "free some space and run the command again; nothing was changed",
            Self::Io(_) => "check the folder that ORKEE_HOME names and its permissions",
            Self::BadRecord { source, .. } if source.is::<Damaged>() => {
                "nothing was changed; `orkee cloud sync --force` takes it from the cloud, `orkee projects revert` from its history, and `orkee projects edit` writes another"
            }
            Self::BadRecord { .. } => {
                "other projects are not affected; `orkee doctor` shows what is damaged, `orkee cloud sync --force` mends it"
            }
            Self::Damaged { .. } => {
                "run `orkee cloud sync --force`, which mends it; `orkee doctor` shows what is damaged"
            }
            Self::Shut if cfg!(feature = "cloud") => {
                "run `orkee cloud key unlock`; until then they can be listed and shown, without what is locked"
            }
            Self::Shut => {
                "this build cannot unlock them: use one with the feature `cloud`, and run `orkee cloud key unlock` there"
            }
            Self::Sql(_) => {
                "update orkee; if it stays so, keep the database file, and report it with the lines above"
            }
            Self::NotFound { near, .. } if !near.is_empty() => {
                return Some(format!("did you mean {}?", near.join(" or ")));
            }
            Self::NotFound { .. } | Self::Exists { .. } => "run `orkee projects list`",
            Self::Deleted { id } => return Some(format!("take it back with `orkee projects restore {id}`")),
            Self::NotDeleted { id } => return Some(format!("see `orkee projects show {id}`")),
            Self::Ambiguous { .. } => "name the one you mean by its id",
            Self::NoVersion { id, .. } => return Some(format!("run `orkee projects history {id}`")),
            Self::NoPoint { number: None } => {
                "what overwrites many leaves a point to go back to; for one project: `orkee projects history`, `revert` and `restore`"
            }
            Self::NoPoint { .. } => "see `orkee undo --list`",
            Self::Field(error) => return error.hint(),
            Self::Payload(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
