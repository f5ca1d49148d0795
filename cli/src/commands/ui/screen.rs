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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::process::{Command, Stdio};

    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// Set in the process that panics.
    const PANICS: &str = "ORKEE_TEST_PANICS";

    #[test]
    fn d70_what_a_panic_says_stands_on_the_screen_that_was_there_before_with_the_modes_that_were() {
        if std::env::var_os(PANICS).is_some() {
            let _screen = Screen::open().unwrap();
            panic!("on purpose");
        }
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let this = std::thread::current().name().unwrap().to_owned();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &this, "--nocapture"]).env(PANICS, "1");
        let before = format!("{:?}", tcgetattr(&slave).unwrap());
        let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        drop(command);
        let mut screen = File::from(master.try_clone().unwrap());
        let reader = std::thread::spawn(move || {
            let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
            // A terminal whose last user went away answers with an error.
            while let Ok(read) = screen.read(&mut buffer)
                && read > 0
            {
                seen.extend_from_slice(&buffer[..read]);
            }
            String::from_utf8_lossy(&seen).into_owned()
        });
        assert!(!child.wait().unwrap().success());
        assert_eq!(format!("{:?}", tcgetattr(&slave).unwrap()), before);
        drop(slave);
        let seen = reader.join().unwrap();
        let at = |what: &str| seen.find(what).unwrap_or_else(|| panic!("no {what:?}: {seen:?}"));
        assert!(at("\u{1b}[?1049h") < at("\u{1b}[?1049l"), "{seen:?}");
        assert!(at("\u{1b}[?1049l") < at("on purpose"), "{seen:?}");
        assert!(at("\u{1b}[?25h") < at("on purpose"), "the cursor is shown: {seen:?}");
    }
}
