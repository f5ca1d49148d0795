//! What can be wrong with a file of projects.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::project::{InvalidField, PayloadError, ProjectId};
use crate::store::StoreError;

/// A failed export or import. A failed import changed nothing.
#[derive(Debug, Error)]
pub enum TransferError {
    /// It ends in the middle.
    #[error("the file ends in the middle, at line {line}, column {column}")]
    Truncated {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is not of its format.
    #[error("the file is not valid {format} at line {line}, column {column}: {message}")]
    Syntax {
        /// `JSON` or `TOML`.
        format: &'static str,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Another version of the format.
    #[error("the file has version {found}, this version of orkee reads 1")]
    Version {
        /// What it says.
        found: String,
    },
    /// It is well-formed, but has no projects.
    #[error("the file is no export of projects: it has no `projects`")]
    NoProjects,
    /// One id twice.
    #[error("the file has the project {id} twice")]
    Duplicate {
        /// The id.
        id: ProjectId,
    },
    /// Larger than it may be.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// The file, or a project in it.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A project in it is refused.
    #[error("{which} is refused: {source}")]
    Project {
        /// Which one.
        which: Which,
        /// Why.
        source: Refusal,
    },
    /// The database to import from cannot be read; the source says why.
    #[error("cannot read the database {}", path.display())]
    Database {
        /// Its file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<StoreError>,
    },
    /// The database to import from is the store's own.
    #[error("the database cannot be imported into itself")]
    Itself,
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file; `-` for standard input.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The export cannot be written.
    #[error("cannot write the export")]
    Write(#[source] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A project of a file or database, as a person finds it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its place, from 1.
    Place(usize),
    /// By the id that it has there.
    Called(String),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(n) => write!(f, "project {n} of the file"),
            Self::Called(id) => write!(f, "the project {:?}", id.chars().take(80).collect::<String>()),
        }
    }
}

/// Why a project of a file is refused.
#[derive(Debug, Error)]
pub enum Refusal {
    /// As a whole.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// For a field.
    #[error(transparent)]
    Field(#[from] InvalidField),
}

impl TransferError {
    /// What serde_json found wrong, `first` lines further down.
    pub(super) fn json(error: &serde_json::Error, first: usize) -> Self {
        let (line, column) = (error.line() + first, error.column());
        if error.is_eof() {
            return Self::Truncated { line, column };
        }
        let message = error.to_string();
        // The position is told by the message around it.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        Self::Syntax { format: "JSON", line, column, message }
    }

    /// The project that has this id in its source is refused.
    pub(super) fn called(id: String, source: Refusal) -> Self {
        Self::Project { which: Which::Called(id), source }
    }

    /// The database at `path` cannot be read.
    pub(super) fn database(path: &Path, source: impl Into<StoreError>) -> Self {
        Self::Database { path: path.to_owned(), source: Box::new(source.into()) }
    }

    /// Reading failed.
    pub(super) fn reading(source: std::io::Error) -> Self {
        Self::Read { path: PathBuf::from("-"), source }
    }

    /// Names the file that was read.
    pub(super) fn of(self, file: &Path) -> Self {
        match self {
            Self::Read { source, .. } => Self::Read { path: file.to_owned(), source },
            other => other,
        }
    }
}

impl Diagnostic for TransferError {
    fn code(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "E-TRANSFER-001",
            Self::Syntax { .. } => "E-TRANSFER-002",
            Self::Version { .. } => "E-TRANSFER-003",
            Self::NoProjects => "E-TRANSFER-004",
            Self::Duplicate { .. } => "E-TRANSFER-005",
            Self::TooLarge { .. } => "E-TRANSFER-006",
            Self::Project { .. } => "E-TRANSFER-007",
            Self::Read { .. } => "E-TRANSFER-008",
            Self::Write(_) => "E-TRANSFER-009",
            Self::Database { .. } => "E-TRANSFER-010",
            Self::Itself => "E-TRANSFER-011",
            Self::Store(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Write(_) => Kind::Failed,
            Self::Store(error) => error.kind(),
            Self::Database { source, .. } if matches!(**source, StoreError::Locked) => Kind::Timeout,
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Truncated { .. } => "nothing was imported; make the export again, or copy the file again",
            Self::Project { which: Which::Called(_), .. } => {
                "nothing was imported; correct that field in a copy of what you import, and import the copy"
            }
            Self::Syntax { .. } | Self::Duplicate { .. } | Self::Project { .. } => {
                "nothing was imported; correct the file and import it again"
            }
            Self::Database { source, .. } => database_hint(source),
            Self::Version { .. } => "nothing was imported; update orkee, or export with an older version",
            Self::NoProjects => "nothing was imported; name a file that `orkee projects export` wrote",
            Self::TooLarge { .. } => "nothing was imported; split the file, or use `--format ndjson`",
            Self::Itself => "name the database of another home folder",
            Self::Read { .. } | Self::Write(_) => "check the path and its permissions",
            Self::Store(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}

/// What to do about a database that cannot be imported from; nothing of it is this store's own.
fn database_hint(source: &StoreError) -> &'static str {
    match source {
        StoreError::Locked => {
            "nothing was imported; end the program that is writing to it, or import a copy: sqlite3 PATH '.backup COPY'"
        }
        StoreError::Newer { .. } => "nothing was imported; update orkee",
        StoreError::Foreign => {
            "nothing was imported; name the database of an Orkee: it has a table `projects` with `id` and `name`"
        }
        StoreError::Corrupt(_) => {
            "nothing was imported; name another copy, or save what is left of it: sqlite3 PATH .recover | sqlite3 SAVED"
        }
        _ => {
            "nothing was imported; check the path, its permissions and the space in the folder for temporary files"
        }
    }
}
