//! What is wrong with a manifest: where, what, and how it would be right.

use std::fmt;

use thiserror::Error;

use crate::diagnostic::{Diagnostic, Kind};
use crate::plugin::text::clean;

/// Of a stranger's text, the part that is shown.
const MAX_SHOWN: usize = 80;

/// A manifest that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ManifestError {
    /// The key, such as `login.kind`; empty: the text as a whole.
    pub key: String,
    /// Counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// How it would be right.
    pub instead: Option<String>,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the manifest{}", Place(self))
    }
}

/// Where in a file it is, and what: behind the file's name.
pub(in crate::plugin) struct Place<'a>(pub(in crate::plugin) &'a ManifestError);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        if let Some(line) = error.line {
            write!(f, ", line {line}")?;
        }
        if !error.key.is_empty() {
            write!(f, ", `{}`", error.key)?;
        }
        write!(f, ": {}", error.what)
    }
}

impl ManifestError {
    pub(in crate::plugin) fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { key: key.into(), line: None, what: what.into(), instead: None }
    }

    pub(super) fn name(given: &str) -> Self {
        let shown = clean(given, MAX_SHOWN);
        Self::new(
            "name",
            format!(
                "`{shown}` is no name: it takes 1 to 64 lower case letters, digits and hyphens, a letter first"
            ),
        )
    }

    pub(super) fn instead(self, instead: impl Into<String>) -> Self {
        Self { instead: Some(instead.into()), ..self }
    }
}

impl Diagnostic for ManifestError {
    fn code(&self) -> &'static str {
        "E-PLUGIN-030"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        self.instead.as_ref().map(|instead| format!("write `{instead}`"))
    }
}
