//! What is shown while a sync, or other work, takes its time: a line that moves, on a terminal; elsewhere, as in the log of a CI
//! run, a plain line now and then. The terminal itself is told, too, where it shows that in its title or its tab.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle as Thread};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::context::Context;

/// What ends sooner shows nothing.
const APPEARS_AFTER: Duration = Duration::from_millis(250);
const MOVES_EVERY: Duration = Duration::from_millis(100);
/// Nobody watches a log grow; it is to tell that something is alive.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Not,
    Plain,
    Moving(Terminal),
}

/// Whether the terminal takes OSC 9;4. One that does not might take it for a message to its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    Told,
    Plain,
}

fn shown(cx: &Context) -> Shown {
    if !cx.out.tells() || cx.global.no_progress {
        return Shown::Not;
    }
    if !io::stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Shown::Plain;
    }
    Shown::Moving(terminal(|name| std::env::var(name).ok()))
}

/// As far as the environment tells.
fn terminal(set: impl Fn(&str) -> Option<String>) -> Terminal {
    let known = set("WT_SESSION").is_some()
        || set("ConEmuANSI").is_some_and(|on| on == "ON")
        || set("TERM_PROGRAM").is_some_and(|program| matches!(program.as_str(), "WezTerm" | "ghostty"));
    if known { Terminal::Told } else { Terminal::Plain }
}

/// The terminal shows that something goes on, until this is dropped.
struct Told(Terminal);

impl Told {
    fn begin(terminal: Terminal) -> Self {
        Self::tell(terminal, "\u{1b}]9;4;3;0\u{1b}\\");
        Self(terminal)
    }

    fn tell(terminal: Terminal, text: &str) {
        if terminal == Terminal::Told {
            let mut stderr = io::stderr().lock();
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        Self::tell(self.0, "\u{1b}]9;4;0;0\u{1b}\\");
    }
}

/// The line, gone when this is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    appears: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to count. To be called within the runtime.
    pub(super) fn begin(cx: &Context) -> Self {
        let bar = ProgressBar::hidden();
        let appears = match shown(cx) {
            Shown::Not => None,
            Shown::Plain => Some(tokio::spawn(plain(bar.clone(), cx.out.speaker()))),
            Shown::Moving(terminal) => Some(tokio::spawn(moving(bar.clone(), terminal))),
        };
        Self { bar, appears }
    }

    /// Something happened to so many more projects.
    pub(super) fn count(&self, projects: usize) {
        self.bar.inc(projects as u64);
    }

    /// Says something that stays on the screen, above the line.
    pub(super) fn above<T>(&self, say: impl FnOnce() -> T) -> T {
        self.bar.suspend(say)
    }
}

async fn moving(bar: ProgressBar, terminal: Terminal) {
    let template = ProgressStyle::with_template("{spinner} Syncing: {pos} projects, {elapsed}");
    bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    tokio::time::sleep(APPEARS_AFTER).await;
    // Ends with the task, which ends with the line.
    let _told = Told::begin(terminal);
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.enable_steady_tick(MOVES_EVERY);
    std::future::pending::<()>().await;
}

async fn plain(bar: ProgressBar, say: impl Fn(&str)) {
    let began = Instant::now();
    loop {
        tokio::time::sleep(PLAIN_EVERY).await;
        say(&format!("Syncing: {} projects, {} s", bar.position(), began.elapsed().as_secs()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(appears) = &self.appears {
            appears.abort();
        }
        self.bar.finish_and_clear();
    }
}

/// A line about work that keeps this thread busy, gone when this is dropped.
pub(super) struct Working {
    shown: Option<(Sender<()>, Thread<()>)>,
}

impl Working {
    /// Begins to wait; `what` is said once it has taken a while.
    pub(super) fn begin(cx: &Context, what: &'static str) -> Self {
        let shown = shown(cx);
        if shown == Shown::Not {
            return Self { shown: None };
        }
        let (end, ended) = mpsc::channel::<()>();
        let say: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(cx.out.speaker());
        let thread = thread::Builder::new().spawn(move || {
            let waits = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            let Shown::Moving(terminal) = shown else {
                let began = Instant::now();
                while waits(PLAIN_EVERY) {
                    say(&format!("{what}: {} s", began.elapsed().as_secs()));
                }
                return;
            };
            if !waits(APPEARS_AFTER) {
                return;
            }
            let _told = Told::begin(terminal);
            let style = ProgressStyle::with_template("{spinner} {msg}: {elapsed}");
            let bar = ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
                .with_message(what);
            bar.enable_steady_tick(MOVES_EVERY);
            let _ = ended.recv();
            bar.finish_and_clear();
        });
        Self { shown: thread.ok().map(|thread| (end, thread)) }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.shown.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_that_is_known_to_take_it_is_told_of_progress() {
        let of = |name: &'static str, value: &'static str| {
            terminal(move |asked| (asked == name).then(|| value.to_owned()))
        };
        for (name, value) in [
            ("WT_SESSION", "1"),
            ("ConEmuANSI", "ON"),
            ("TERM_PROGRAM", "WezTerm"),
            ("TERM_PROGRAM", "ghostty"),
        ] {
            assert_eq!(of(name, value), Terminal::Told, "{name}");
        }
        for (name, value) in [("TERM_PROGRAM", "tmux"), ("TERM", "xterm-kitty"), ("ConEmuANSI", "OFF")] {
            assert_eq!(of(name, value), Terminal::Plain, "{name}");
        }
    }
}
