//! How a command fails: any error that implements `Diagnostic`, and the few that are the command line's own.

use std::path::PathBuf;

use orkee_core::diagnostic::{Diagnostic, Kind};
use thiserror::Error;

/// An error on its way to the person. Made by `?` from every [`Diagnostic`].
#[derive(Debug)]
pub(crate) struct Failure(Box<dyn Diagnostic + Send + Sync>);

impl Failure {
    /// What it says about itself.
    pub(crate) fn diagnostic(&self) -> &(dyn Diagnostic + Send + Sync + 'static) {
        &*self.0
    }
}

impl<E: Diagnostic + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// How a command that did not fail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(u8);

impl Exit {
    /// Done, all of it.
    pub(crate) const DONE: Self = Self(0);

    /// The process exit code.
    pub(crate) fn code(self) -> u8 {
        self.0
    }
}

/// For a command that has said all there is to say and still is no plain success: something was parked, a conflict stands.
impl From<Kind> for Exit {
    fn from(kind: Kind) -> Self {
        Self(kind.exit_code())
    }
}

/// What every command returns.
pub(crate) type CommandResult = Result<Exit, Failure>;

/// Errors of the command line itself.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    #[cfg_attr(
        feature = "cloud",
        expect(dead_code, reason = "a build with cloud support has no need to say so")
    )]
    #[error("this build of orkee has no cloud support")]
    NoCloud,
    #[error("cannot write to standard output")]
    Stdout(#[source] std::io::Error),
    #[error("cannot read standard input")]
    Stdin(#[source] std::io::Error),
    #[error("cannot write the file {}", path.display())]
    WriteFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read {}", path.display())]
    ReadFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot tell which folder this is")]
    CurrentFolder(#[source] std::io::Error),
    #[error("{question:?} has to be answered, and nobody is here to do it")]
    NobodyToAsk { question: String, hint: String },
    #[error("stopped, nothing was changed")]
    Declined,
}

impl CliError {
    /// Wrong use of a command.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }
}

impl Diagnostic for CliError {
    fn code(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "E-CLI-001",
            Self::NoCloud => "E-CLI-002",
            Self::NobodyToAsk { .. } => "E-CLI-003",
            Self::Declined => "E-CLI-004",
            Self::Stdout(_) => "E-CLI-005",
            Self::Stdin(_) => "E-CLI-006",
            Self::WriteFile { .. } => "E-CLI-007",
            Self::ReadFile { .. } => "E-CLI-008",
            Self::CurrentFolder(_) => "E-CLI-009",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Stdout(_) | Self::Stdin(_) | Self::WriteFile { .. } | Self::Declined => Kind::Failed,
            Self::Usage { .. }
            | Self::NoCloud
            | Self::NobodyToAsk { .. }
            | Self::ReadFile { .. }
            | Self::CurrentFolder(_) => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::NoCloud => Some("build it with: cargo build --features cloud".to_owned()),
            Self::NobodyToAsk { hint, .. } => Some(hint.clone()),
            Self::Declined => None,
            Self::Stdout(_) => Some("check that there is space where the output goes".to_owned()),
            Self::Stdin(_) => Some("give the input in a file instead".to_owned()),
            Self::WriteFile { .. } => {
                Some("check that the folder exists, is yours to write and has space".to_owned())
            }
            Self::ReadFile { .. } => Some("check the path and that it is yours to read".to_owned()),
            Self::CurrentFolder(_) => {
                Some("change to a folder that exists, or name one with --path".to_owned())
            }
        }
    }
}
