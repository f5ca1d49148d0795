//! A line on the terminal that moves while a sync takes its time. Nothing is shown where standard error is no terminal.

use std::io::{self, IsTerminal};
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
