//! A line that a person types and nobody sees: the terminal shows none of it, and gets its modes back however it ends.

use std::io;

use orkee_core::net::Secret;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::ending::{self, Held, Signals};
use super::surroundings::Interrupted;
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::output::Paint;
use crate::prompt;

/// More than any secret has; what comes beyond it is left out, and no backend takes it.
const MAX: usize = 16 << 10;

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const ERASE_LINE: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Asks for it. Ctrl-C ends the command, as anywhere.
pub(super) fn line(cx: &Context, question: &str) -> Result<Secret, Failure> {
    let typed = {
        let signals = Signals::watch().map_err(CliError::Stdin)?;
        let _held = Held::all();
        // Before the question: whoever sees it may type at once.
        let _modes = Unechoed::begin().map_err(CliError::Stdin)?;
        prompt::show(cx, &format!("{}: ", cx.out.err_paint(Paint::Strong, question)))?;
        read(signals)
    };
    cx.out.error_line("");
    match typed.map_err(CliError::Stdin)? {
        Typed::Line(line) => Ok(Secret::new(line)),
        Typed::Ended(signal) => {
            ending::end(signal);
            Err(Interrupted.into())
        }
        Typed::Interrupted => Err(Interrupted.into()),
        Typed::Left => Err(CliError::Declined.into()),
    }
}

enum Typed {
    Line(String),
    /// By a signal.
    Ended(i32),
    Interrupted,
    Left,
}

/// Reads byte by byte: without echo there is no line editing of the terminal's, and Ctrl-C is to restore its modes first.
fn read(signals: &Signals) -> io::Result<Typed> {
    // With its whole room from the start, so that growing leaves no copies behind.
    let mut line = Vec::with_capacity(MAX);
    loop {
        let mut byte = [0];
        if let Some(signal) = until_typed(signals)? {
            return Ok(Typed::Ended(signal));
        }
        match rustix::io::retry_on_intr(|| rustix::io::read(io::stdin(), &mut byte))? {
            0 => return Ok(Typed::Left),
            _ => match byte[0] {
                b'\n' | b'\r' => break,
                INTERRUPT => return Ok(Typed::Interrupted),
                END if line.is_empty() => return Ok(Typed::Left),
                BACKSPACE | DELETE => erase(&mut line),
                ERASE_LINE => line.clear(),
                byte if byte < b' ' => {}
                byte if line.len() < MAX => line.push(byte),
                _ => {}
            },
        }
    }
    String::from_utf8(line).map(Typed::Line).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// Waits for the next byte, or for a signal that ends the process.
fn until_typed(signals: &Signals) -> io::Result<Option<i32>> {
    // One that comes just before the wait is seen after it.
    let longest = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    loop {
        if let Some(signal) = signals.came() {
            return Ok(Some(signal));
        }
        let stdin = io::stdin();
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&longest)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes off the last character, however many bytes it has.
fn erase(line: &mut Vec<u8>) {
    while let Some(byte) = line.pop() {
        if byte & 0xc0 != 0x80 {
            return;
        }
    }
}

/// The terminal without echo, until this is dropped.
struct Unechoed {
    before: Termios,
}

impl Unechoed {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Drain, &modes)?;
        Ok(Self { before })
    }
}

impl Drop for Unechoed {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_of_several_bytes_is_taken_off_as_one() {
        let mut line = "bä".as_bytes().to_vec();
        erase(&mut line);
        assert_eq!(line, b"b");
        erase(&mut line);
        erase(&mut line);
        assert!(line.is_empty());
    }
}
