//! What a check comes to.

use std::error::Error;
use std::fmt::Write;

/// A check that did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The obligation is broken.
    Failed { expected: String, found: String },
    /// It cannot be seen here whether it holds.
    NotChecked(String),
}

/// Passed, or why not.
pub(crate) type Finding<T = ()> = Result<T, Stop>;

impl Stop {
    pub(crate) fn failed(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Failed { expected: expected.into(), found: found.into() }
    }
}

/// Fails unless `holds`. What was found is only put into words then.
pub(crate) fn ensure(holds: bool, expected: &str, found: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(Stop::failed(expected, found())) }
}

/// An error with its causes, on one line.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(words, ": {cause}");
        source = cause.source();
    }
    words
}
