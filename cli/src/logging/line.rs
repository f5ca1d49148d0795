//! A log line: one JSON object, with the published fields first.

use std::fmt;

use jiff::Timestamp;
use orkee_core::clock;
use serde_json::{Map, Value};
use tracing::Event;
use tracing::field::{Field, Visit};

/// `timestamp`, `level`, `message`, then the event's own fields.
pub(super) fn json(event: &Event<'_>, at: Timestamp) -> String {
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
    format!("{{{}}}\n", pairs.join(","))
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
    use std::sync::{Arc, Mutex};

    use tracing::Subscriber;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
    use tracing_subscriber::registry::LookupSpan;

    use super::*;

    #[derive(Clone, Default)]
    struct Collected(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collected {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(json(event, Timestamp::UNIX_EPOCH));
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
