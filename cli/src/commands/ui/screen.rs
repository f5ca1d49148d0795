//! The terminal while it is ours: raw, on its alternate screen, without a cursor; and given back, whatever happens.

use std::io::{self, Stdout, Write};
use std::sync::{Once, OnceLock};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::logging;

/// The terminal's modes as they were before it was ours. What an editor leaves behind is not what is given back.
static BEFORE: OnceLock<Termios> = OnceLock::new();

/// Holds the terminal; dropped, it is as before.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        restore_before_a_panic_is_told();
        if let Ok(modes) = tcgetattr(io::stdin()) {
            let _ = BEFORE.set(modes);
        }
        let opened = enter().and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        if opened.is_err() {
            leave();
        }
        Ok(Self { terminal: opened? })
    }

    pub(super) fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Gives the terminal to somebody else for a while.
    pub(super) fn lend<T>(&mut self, work: impl FnOnce() -> T) -> io::Result<T> {
        leave();
        let result = work();
        self.take()?;
        Ok(result)
    }

    /// Takes the terminal, whoever had it, and draws it anew.
    pub(super) fn take(&mut self) -> io::Result<()> {
        enter()?;
        // Clears without asking the terminal where its cursor is: not every one answers.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    logging::mute(true);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)
}

/// Whatever of it fails, the rest is tried: nobody is left to be told.
fn leave() {
    let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = io::stdout().flush();
    let _ = disable_raw_mode();
    if let Some(modes) = BEFORE.get() {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
    }
    logging::mute(false);
}

/// What a panic says would be lost with the alternate screen.
fn restore_before_a_panic_is_told() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            tell(panic);
        }));
    });
}
