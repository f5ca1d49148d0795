//! Whether there is a browser to send the person to, and sending them there.

use std::env;
use std::io;

use webbrowser::{Browser, BrowserOptions};

/// What the person said about browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BrowserWish {
    /// Nothing: use one if there seems to be one here.
    #[default]
    IfThere,
    /// `--browser`.
    Yes,
    /// `--no-browser`.
    No,
}

/// What the environment says about browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surroundings {
    /// `$BROWSER` names a program.
    pub named: bool,
    /// There is a display, and the person sits at it.
    pub display: bool,
}

impl Surroundings {
    /// Reads `BROWSER`, `SSH_CONNECTION`, `SSH_TTY`, `DISPLAY` and `WAYLAND_DISPLAY`.
    pub fn from_env() -> Self {
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let remote = set("SSH_CONNECTION") || set("SSH_TTY");
        let display =
            cfg!(any(target_os = "macos", target_os = "windows")) || set("DISPLAY") || set("WAYLAND_DISPLAY");
        Self { named: set("BROWSER"), display: display && !remote }
    }
}

impl BrowserWish {
    /// Whether to open one.
    pub fn opens(self, surroundings: Surroundings) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::IfThere => surroundings.named || surroundings.display,
        }
    }

    /// Whether the answer can come without anybody at a terminal.
    pub fn acts_alone(self, surroundings: Surroundings) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::IfThere => surroundings.named,
        }
    }
}

/// Opens the person's browser: `$BROWSER`, else the desktop's. It gets this process's environment, so whoever holds a secret there
/// calls this in a child without it. A browser in the terminal is waited for.
pub fn open(url: &str) -> io::Result<()> {
    webbrowser::open_browser_with_options(
        Browser::Default,
        url,
        BrowserOptions::new().with_suppress_output(true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_opened_where_there_is_one_or_where_it_is_wished() {
        let nothing = Surroundings { named: false, display: false };
        let desktop = Surroundings { named: false, display: true };
        let named = Surroundings { named: true, display: false };
        assert!(!BrowserWish::IfThere.opens(nothing));
        assert!(BrowserWish::IfThere.opens(desktop) && BrowserWish::IfThere.opens(named));
        assert!(BrowserWish::Yes.opens(nothing) && !BrowserWish::No.opens(named));
    }

    #[test]
    fn a20_a_display_alone_does_not_mean_that_somebody_is_there() {
        assert!(!BrowserWish::IfThere.acts_alone(Surroundings { named: false, display: true }));
        assert!(BrowserWish::IfThere.acts_alone(Surroundings { named: true, display: false }));
    }
}
