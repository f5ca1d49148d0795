//! The terminal that a person sits at.

use std::io;

/// How many columns it shows; `COLUMNS` where it does not say, else 80. With standard output elsewhere, questions still have one.
pub(crate) fn width() -> usize {
    let size =
        rustix::termios::tcgetwinsize(io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(io::stderr()));
    let told = size.ok().map(|size| usize::from(size.ws_col));
    let named = || std::env::var("COLUMNS").ok().and_then(|v| v.parse().ok());
    told.filter(|w| *w > 0).or_else(named).filter(|w| *w > 0).unwrap_or(80)
}
