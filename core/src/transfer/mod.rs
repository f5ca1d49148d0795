//! Projects in files: export, and import all or nothing.
//!
//! An export has every field of every project, sorted by id; the same data gives the same bytes. Reading is streamed: memory is
//! bounded by one project (for TOML by [`MAX_TOML`]), whatever the file's size. An import is one transaction; a dry run is the same
//! transaction, taken back.

mod apply;
mod database;
mod error;
mod export;
mod given;
mod import;
mod json;
mod older;
mod source;
mod toml;

use std::str::FromStr;

pub use apply::{Action, Entry, Report};
pub use database::import_database;
pub use error::{Refusal, TransferError, Which};
pub use export::export;
pub use given::Change;
pub use import::{import, import_file};
pub use toml::MAX_TOML;

use crate::project::{InvalidField, Rule};

/// The version that an export says it has.
const VERSION: u32 = 1;

/// How projects stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `{"version": 1, "projects": […]}`
    Json,
    /// One project a line.
    Ndjson,
    /// `version = 1`, then a table `[[projects]]` for each.
    Toml,
}

impl Format {
    /// The words of [`Format::from_str`].
    pub const WORDS: &'static [&'static str] = &["json", "ndjson", "toml"];
}

impl FromStr for Format {
    type Err = InvalidField;

    fn from_str(word: &str) -> Result<Self, InvalidField> {
        Ok(match word {
            "json" => Self::Json,
            "ndjson" => Self::Ndjson,
            "toml" => Self::Toml,
            _ => return Err(InvalidField::new("format", Rule::NotOneOf(Self::WORDS))),
        })
    }
}

/// What to do with a project whose id is there already, with other content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Leave the stored one.
    #[default]
    Skip,
    /// Take the file's.
    Replace,
    /// Take the fields that the file has; tags and MCP servers of both.
    Merge,
    /// Add the file's under a new id.
    Copy,
}

impl OnConflict {
    /// The words of [`OnConflict::from_str`].
    pub const WORDS: &'static [&'static str] = &["skip", "replace", "merge", "copy"];
}

impl FromStr for OnConflict {
    type Err = InvalidField;

    fn from_str(word: &str) -> Result<Self, InvalidField> {
        Ok(match word {
            "skip" => Self::Skip,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            "copy" => Self::Copy,
            _ => return Err(InvalidField::new("on-conflict", Rule::NotOneOf(Self::WORDS))),
        })
    }
}

/// How an import goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The file's format; found out from its beginning where it is not given.
    pub format: Option<Format>,
    /// What to do with a project that is there already.
    pub on_conflict: OnConflict,
    /// Report what would happen, and change nothing.
    pub dry_run: bool,
}

#[cfg(test)]
mod tests;
