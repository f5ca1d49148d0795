//! A secret on standard input, as `pass` and `printf` write it: one line. What stands behind it is refused, not taken along: whoever
//! pipes a file with more in it would have a secret that they do not know.

use std::io::Read;

use orkee_core::net::Secret;

use crate::failure::{CliError, Failure};

/// More than any secret has.
pub(super) const MAX: u64 = 16 << 10;

/// The line, without its end. Blanks belong to it.
pub(super) fn line(what: &str) -> Result<Secret, Failure> {
    let text = all(what)?;
    let line = text.expose();
    let line = line.strip_suffix('\n').unwrap_or(line);
    one(what, line.strip_suffix('\r').unwrap_or(line))
}

/// The line, without the blanks and empty lines around it.
pub(super) fn trimmed(what: &str) -> Result<Secret, Failure> {
    one(what, all(what)?.expose().trim())
}

/// All that there is, in however many lines.
pub(super) fn all(what: &str) -> Result<Secret, Failure> {
    let mut text = String::with_capacity(1024);
    std::io::stdin().lock().take(MAX + 1).read_to_string(&mut text).map_err(CliError::Stdin)?;
    let text = Secret::new(text);
    if text.expose().len() as u64 > MAX {
        let hint = format!("give {what} alone");
        return Err(CliError::usage(format!("standard input is longer than {what} can be"), hint).into());
    }
    Ok(text)
}

fn one(what: &str, line: &str) -> Result<Secret, Failure> {
    if line.contains(['\n', '\r']) {
        let hint = format!("give {what} alone, in one line");
        return Err(CliError::usage("standard input has more than one line", hint).into());
    }
    Ok(Secret::new(line))
}
