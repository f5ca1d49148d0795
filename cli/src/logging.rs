//! Logs: for a person on standard error, where `RUST_LOG` or `-v` asks for it; as JSON lines in `logs/orkee.log`, always, for what
//! is worth keeping (`info` and above). The file is made when the first such line is written, never before.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use orkee_core::clock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::output::Output;

/// A log that has grown beyond this is set aside as `orkee.log.1` before the next line.
const ROTATE_AT: u64 = 5 * 1024 * 1024;

/// Starts logging for this process.
pub(crate) fn start(out: &Output, verbose: u8) {
    let file = JsonLines::default().with_filter(filter_fn(worth_keeping));
    let Some(filter) = wanted(out, verbose) else {
        // The usual case: nothing on standard error.
        let _ = tracing_subscriber::registry().with(file).try_init();
        return;
    };
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(out.colors_errors())
        .with_filter(filter);
    let _ = tracing_subscriber::registry().with(file).with(stderr).try_init();
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
#[derive(Default)]
struct JsonLines {
    /// `None` where the file cannot be had: a log that fails fails nothing else.
    file: OnceLock<Option<File>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(mut file) = self.file.get_or_init(open).as_ref() else {
            return;
        };
        let mut line = json_line(event, Timestamp::now());
        line.push('\n');
        // One write a line: lines of two processes do not mix.
        let _ = file.write_all(line.as_bytes());
    }
}

fn open() -> Option<File> {
    let path = orkee_core::home::Home::from_env().ok()?.log();
    orkee_core::file::private_folder(path.parent()?).ok()?;
    rotate(&path);
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).ok()
}

fn rotate(path: &Path) {
    if fs::metadata(path).is_ok_and(|m| m.len() > ROTATE_AT) {
        let mut old = path.as_os_str().to_owned();
        old.push(".1");
        let _ = fs::rename(path, PathBuf::from(old));
    }
}

/// The published fields: `timestamp`, `level`, `message`, then the event's own.
fn json_line(event: &Event<'_>, at: Timestamp) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let level = event.metadata().level().as_str().to_ascii_lowercase();
    let head = [
        ("timestamp", Value::from(clock::rfc3339(at))),
        ("level", Value::from(level)),
        ("message", Value::from(fields.message)),
        ("target", Value::from(event.metadata().target())),
    ];
    let entries = head
        .iter()
        .map(|(name, value)| (*name, value))
        .chain(fields.rest.iter().map(|(k, v)| (k.as_str(), v)));
    let pairs: Vec<String> = entries.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, Value::from(value));
    }
}

impl Fields {
    fn keep(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.rest.insert(name.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Collected(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collected {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(json_line(event, Timestamp::UNIX_EPOCH));
        }
    }

    #[test]
    fn a_line_has_the_published_fields_beside_its_own() {
        let collected = Collected::default();
        let subscriber = tracing_subscriber::registry().with(collected.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "orkee::cloud", operation = "sync", projects_synced = 5, "Cloud sync completed");
        });
        let lines = collected.0.lock().unwrap();
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(line["level"], "info");
        assert_eq!(line["message"], "Cloud sync completed");
        assert_eq!(line["operation"], "sync");
        assert_eq!(line["projects_synced"], 5);
    }
}
