//! The terminal that a person sits at.

use std::io::{self, IsTerminal};

/// How many columns it shows; `COLUMNS` where it does not say, else 80. With standard output elsewhere, questions still have one.
pub(crate) fn width() -> usize {
    let size =
        rustix::termios::tcgetwinsize(io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(io::stderr()));
    let told = size.ok().map(|size| usize::from(size.ws_col));
    let named = || std::env::var("COLUMNS").ok().and_then(|v| v.parse().ok());
    told.filter(|w| *w > 0).or_else(named).filter(|w| *w > 0).unwrap_or(80)
}

/// How many lines it shows; 24 where it does not say.
pub(crate) fn height() -> usize {
    let told = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_row));
    told.filter(|rows| *rows > 0).unwrap_or(24)
}

/// Whether a person sits at it: somebody who reads, and can type.
pub(crate) fn has_person() -> bool {
    io::stdout().is_terminal() && io::stdin().is_terminal()
}
