//! Long output goes through a pager, where a person sits in front of it: `ORKEE_PAGER`, else `PAGER`, else `less -FRX`.
//!
//! Nothing is lost by a pager: one that cannot be run, is killed, or fails before it has read all is told of, and the output is printed
//! as if there were none. How one ends that has read all is its own affair.

use std::io::{self, PipeReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orkee_core::settings::Key;
use signal_hook::consts::{SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
use signal_hook::flag;
use unicode_width::UnicodeWidthStr;

/// The pager that there is nearly everywhere: ends at once where all fits, shows colours, leaves what was read on the screen.
const USUAL: &str = "less -FRX";

/// What a shell adds to the number of a signal.
const SIGNALLED: i32 = 128;

/// The pager that the environment wants; none: none is wanted.
pub(super) fn command() -> Option<String> {
    let set = |name| std::env::var(name).ok();
    let wanted = set("ORKEE_PAGER").or_else(|| set("PAGER").filter(|pager| !pager.trim().is_empty()));
    let wanted = wanted.unwrap_or_else(|| USUAL.to_owned());
    let wanted = wanted.trim();
    (!matches!(wanted, "" | "cat") && std::env::var_os("TERM").is_none_or(|term| term != "dumb"))
        .then(|| wanted.to_owned())
}

/// Whether a terminal of this size has to scroll to show it.
pub(super) fn is_long(text: &[u8], columns: usize, rows: usize) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut used = 0;
    for line in text.lines() {
        let width = anstream::adapter::strip_str(line).to_string().width();
        used += width.max(1).div_ceil(columns.max(1));
        // The prompt needs a line, too.
        if used >= rows {
            return true;
        }
    }
    false
}

/// Shows the text, and waits until the person has seen enough. Why it was not shown, otherwise.
pub(super) fn show(command: &str, text: &[u8]) -> Result<(), String> {
    // Ctrl-C is the pager's while it runs; afterwards it ends this process again.
    let over = Arc::new(AtomicBool::new(false));
    let _ = flag::register_conditional_default(SIGINT, Arc::clone(&over));
    let shown = run(command, text);
    over.store(true, Ordering::SeqCst);
    shown
}

fn run(command: &str, text: &[u8]) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell.env_remove(Key::Token.variable()).env_remove(Key::TokenFile.variable());
    // For a `PAGER=less` of somebody who did not think of colours.
    for (name, usual) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            shell.env(name, usual);
        }
    }
    let (status, has_read_all) = feed(shell, text).map_err(|error| error.to_string())?;
    // A shell tells a signal of what it ran by its exit code.
    let signal = status
        .signal()
        .or_else(|| status.code().filter(|code| *code > SIGNALLED).map(|code| code - SIGNALLED));
    match (status.code(), signal) {
        (Some(0), _) | (_, Some(SIGINT | SIGQUIT | SIGTERM | SIGPIPE)) => Ok(()),
        (_, Some(signal)) => Err(format!("it was ended by signal {signal}")),
        (Some(126 | 127), _) => Err("there is no such program".to_owned()),
        (Some(_), None) if has_read_all => Ok(()),
        (Some(code), _) => Err(format!("it ended with {code}")),
        (None, None) => Err("how it ended is unknown".to_owned()),
    }
}

/// Runs a pager on a text. How it ended, and whether it had read all of it by then.
fn feed(mut pager: Command, text: &[u8]) -> io::Result<(ExitStatus, bool)> {
    let (unread, mut writer) = io::pipe()?;
    let mut child = pager.stdin(unread.try_clone()?).spawn()?;
    // It has the reading end of the pipe, too, and would keep it.
    drop(pager);
    std::thread::scope(|scope| {
        let written = scope.spawn(move || writer.write_all(text));
        let status = child.wait();
        // What the pager left there, until the writer has come to its end: it must not wait for ever for somebody to read.
        let left = count(unread)?;
        let written = written.join().map_err(|_| io::Error::other("the writer ended early"))?;
        written?;
        Ok((status?, left == 0))
    })
}

/// Reads to the end.
fn count(mut unread: PipeReader) -> io::Result<u64> {
    let mut buffer = [0; 8192];
    let mut count = 0;
    loop {
        match unread.read(&mut buffer) {
            Ok(0) => return Ok(count),
            Ok(read) => count += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_long_where_its_lines_as_they_are_shown_leave_none_for_the_prompt() {
        assert!(!is_long(b"a\nb\n", 80, 4));
        assert!(is_long(b"a\nb\nc\n", 80, 3));
        assert!(is_long("x".repeat(30).as_bytes(), 10, 3));
        assert!(!is_long("\u{1b}[1mabcdefgh\u{1b}[0m\n\n".as_bytes(), 8, 4), "colours have no width");
    }
}
