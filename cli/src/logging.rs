//! Logs: for a person on standard error, where `RUST_LOG` or `-v` asks for it; as JSON lines in `logs/orkee.log`, always, for what
//! is worth keeping (`info` and above). The file is made when the first such line is written, never before.

mod file;
mod line;

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::writer::MakeWriterExt;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) use self::file::files;
use self::file::{LARGEST, LogFile};
use crate::output::Output;

/// Starts logging for this process.
pub(crate) fn start(out: &Output, verbose: u8) {
    let file = JsonLines { state: Mutex::new(State::Closed), warn: Box::new(out.warner()) };
    let file = file.with_filter(filter_fn(worth_keeping));
    let Some(filter) = wanted(out, verbose) else {
        // The usual case: nothing on standard error.
        let _ = tracing_subscriber::registry().with(file).try_init();
        return;
    };
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr.with_filter(|_| !MUTED.load(Ordering::Relaxed)))
        .with_ansi(out.colors_errors())
        .with_filter(filter);
    let _ = tracing_subscriber::registry().with(file).with(stderr).try_init();
}

/// See [`mute`].
static MUTED: AtomicBool = AtomicBool::new(false);

/// While something draws on the whole terminal, no line of the log goes in between. Where standard error is elsewhere, it gets them.
pub(crate) fn mute(is_muted: bool) {
    MUTED.store(is_muted && io::stderr().is_terminal(), Ordering::Relaxed);
}

/// What standard error is to show: `RUST_LOG`, else what `-v` asks for.
fn wanted(out: &Output, verbose: u8) -> Option<EnvFilter> {
    let directives = std::env::var("RUST_LOG").ok().filter(|v| !v.trim().is_empty());
    if let Some(directives) = directives {
        match EnvFilter::try_new(&directives) {
            Ok(filter) => return Some(filter),
            Err(e) => out.warn(format_args!("RUST_LOG is not understood and left aside: {e}")),
        }
    }
    match verbose {
        0 => None,
        1 => Some(EnvFilter::new("orkee=info")),
        2 => Some(EnvFilter::new("orkee=debug")),
        _ => Some(EnvFilter::new("orkee=trace")),
    }
}

/// The file keeps this program's own lines, from `info` on.
fn worth_keeping(meta: &Metadata<'_>) -> bool {
    *meta.level() <= Level::INFO && is_ours(meta.target())
}

fn is_ours(target: &str) -> bool {
    target == "orkee" || target.starts_with("orkee::")
}

/// Writes each event as one JSON object on a line of its own.
struct JsonLines {
    state: Mutex<State>,
    warn: Box<dyn Fn(&str) + Send + Sync>,
}

enum State {
    /// Nothing was written yet.
    Closed,
    Open(LogFile),
    /// It cannot be written, which was said: a log that fails fails nothing else.
    Failed,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Failed) {
            return;
        }
        let line = line::json(event, Timestamp::now());
        if let Err(why) = write(&mut state, &line) {
            *state = State::Failed;
            (self.warn)(&format!("nothing is written into the log: {why}"));
        }
    }
}

/// Writes into the log, which is opened by its first line.
fn write(state: &mut State, line: &str) -> Result<(), String> {
    let path = orkee_core::home::Home::from_env().map_err(|error| error.to_string())?.log();
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    if let State::Closed = state {
        *state = State::Open(LogFile::open(path.clone(), LARGEST).map_err(failed)?);
    }
    match state {
        State::Open(file) => file.write(line).map_err(failed),
        State::Closed | State::Failed => Ok(()),
    }
}
