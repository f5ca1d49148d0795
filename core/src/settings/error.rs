//! How settings fail.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Origin;
use crate::diagnostic::{Diagnostic, Kind};
use crate::similar;

/// A setting cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A settings file is there but cannot be read.
    #[error("cannot read the settings in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A line of `.env` is no `NAME=value`.
    #[error("line {line} of {} is not of the form NAME=value", path.display())]
    EnvSyntax {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// `config.toml` is no TOML.
    #[error("{} is not valid TOML", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml_edit::TomlError>,
    },
    /// A value is not of the form that its setting has.
    #[error("{name} is {value:?}, which is not {expected} (set by {origin})")]
    Value {
        /// The setting.
        name: String,
        /// Where it was set.
        origin: Origin,
        /// What it was set to; masked where it is secret.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A value is of the right form, but not one that its setting takes.
    #[error("{name} is {value:?}: {what} (set by {origin})")]
    Refused {
        /// The setting.
        name: String,
        /// Where it was set.
        origin: Origin,
        /// What it was set to.
        value: String,
        /// What is wrong with it, and how it would be right.
        what: String,
    },
    /// A key of `config.toml` that means nothing.
    #[error("{key} in config.toml is no setting")]
    UnknownKey {
        /// The key, with its table.
        key: String,
        /// What was probably meant, or all that there is.
        known: Vec<String>,
    },
    /// What somebody wants to read or set is no setting.
    #[error("there is no setting {key:?}")]
    NoSetting {
        /// What was asked for.
        key: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// A setting cannot have such a value.
    #[error("{key} cannot be set to that: {what}")]
    Unfit {
        /// The setting.
        key: String,
        /// What it takes.
        what: String,
    },
    /// A token, or the name of its file, is no matter of `config.toml`.
    #[error("{key} is not kept in config.toml")]
    NotInFile {
        /// The setting.
        key: String,
    },
    /// A value stands where a table has to.
    #[error("{key} in config.toml is no table")]
    NoTable {
        /// The table that there should be.
        key: String,
    },
    /// `config.toml` cannot be replaced; it is as it was.
    #[error("cannot write the settings in {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A variable of the environment is not UTF-8.
    #[error("{name} in the environment is not UTF-8")]
    NotText {
        /// The variable.
        name: &'static str,
    },
    /// `--env` names an environment that nothing describes.
    #[error("there is no environment {name:?}")]
    NoEnvironment {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

impl Diagnostic for SettingsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "E-CONFIG-001",
            Self::EnvSyntax { .. } => "E-CONFIG-002",
            Self::Toml { .. } => "E-CONFIG-003",
            Self::Value { .. } | Self::Refused { .. } => "E-CONFIG-004",
            Self::NotText { .. } => "E-CONFIG-005",
            Self::NoEnvironment { .. } => "E-CONFIG-006",
            Self::UnknownKey { .. } => "E-CONFIG-007",
            Self::NoSetting { .. } => "E-CONFIG-008",
            Self::Unfit { .. } => "E-CONFIG-009",
            Self::NotInFile { .. } => "E-CONFIG-010",
            Self::NoTable { .. } => "E-CONFIG-011",
            Self::Unwritable { .. } => "E-CONFIG-012",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Unwritable { .. } => Kind::Failed,
            _ => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { path, .. } => {
                format!("check that {} is a file of yours, or move it away", path.display())
            }
            Self::EnvSyntax { path, line } => {
                format!("correct line {line} of {}, or put a # before it", path.display())
            }
            Self::Toml { path, .. } => {
                format!("correct {}, or move it away to use the defaults", path.display())
            }
            Self::Value { name, expected, .. } => format!("set {name} to {expected}, or unset it"),
            Self::Refused { name, .. } => format!("correct {name} in config.toml, or remove it"),
            Self::UnknownKey { known, .. } => match known.as_slice() {
                [meant] => format!("write `{meant}`"),
                known => format!("there are: {}", known.join(", ")),
            },
            Self::NoSetting { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::NoSetting { near: None, .. } => "run `orkee config list` for all there are".to_owned(),
            Self::Unfit { key, .. } => format!("run `orkee config get {key}` for what it is now"),
            Self::NotInFile { key } => {
                format!("set {key} in the environment, or in .env of the home folder; or sign in")
            }
            Self::NoTable { key } => format!("write `[{key}]` in config.toml, with its keys below"),
            Self::Unwritable { path, .. } => {
                format!("check that {} is yours to write and that there is space", path.display())
            }
            Self::NotText { name } => format!("set {name} again, or unset it"),
            Self::NoEnvironment { name, known } => {
                let near = similar::nearest(name, known.iter().map(String::as_str));
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                format!(
                    "{near}known: {}; others are described by [environments.{name}] with api_url in config.toml",
                    known.join(", ")
                )
            }
        })
    }
}
