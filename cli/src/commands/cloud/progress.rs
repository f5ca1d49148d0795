//! A line on the terminal that moves while a sync, or other work, takes its time. Nothing is shown where standard error is no terminal.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle as Thread};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::context::Context;

/// What ends sooner shows nothing.
const APPEARS_AFTER: Duration = Duration::from_millis(250);
const MOVES_EVERY: Duration = Duration::from_millis(100);

/// The line, gone when this is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    appears: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to count. To be called within the runtime.
    pub(super) fn begin(cx: &Context) -> Self {
        let bar = ProgressBar::hidden();
        if !cx.out.tells() || !io::stderr().is_terminal() {
            return Self { bar, appears: None };
        }
        let template = ProgressStyle::with_template("{spinner} Syncing: {pos} projects, {elapsed}");
        let shown = bar.clone().with_style(template.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let appears = tokio::spawn(async move {
            tokio::time::sleep(APPEARS_AFTER).await;
            shown.set_draw_target(ProgressDrawTarget::stderr());
            shown.enable_steady_tick(MOVES_EVERY);
        });
        Self { bar, appears: Some(appears) }
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
        if !cx.out.tells() || !io::stderr().is_terminal() {
            return Self { shown: None };
        }
        let (end, ended) = mpsc::channel::<()>();
        let shown = thread::Builder::new().spawn(move || {
            if ended.recv_timeout(APPEARS_AFTER) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let style = ProgressStyle::with_template("{spinner} {msg}: {elapsed}");
            let bar = ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
                .with_message(what);
            bar.enable_steady_tick(MOVES_EVERY);
            let _ = ended.recv();
            bar.finish_and_clear();
        });
        Self { shown: shown.ok().map(|thread| (end, thread)) }
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
