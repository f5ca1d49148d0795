//! Looks at what a provider writes to its log, and passes everything on to whoever listened before.

use std::fmt;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::secrets::Secrets;

/// Under which the plugin host writes the lines of plugins.
const TARGET: &str = "orkee::cloud::plugin";

pub(crate) struct Listener {
    before: Dispatch,
    secrets: Arc<Secrets>,
}

impl Listener {
    /// In the place of the one that listens now.
    pub(crate) fn dispatch(secrets: Arc<Secrets>) -> Dispatch {
        let before = tracing::dispatcher::get_default(Dispatch::clone);
        Dispatch::new(Self { before, secrets })
    }
}

impl Subscriber for Listener {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (metadata.is_event() && metadata.target() == TARGET) || self.before.enabled(metadata)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.before.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.before.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.before.record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == TARGET {
            event.record(&mut Look(&self.secrets));
        }
        if self.before.enabled(event.metadata()) {
            self.before.event(event);
        }
    }

    fn enter(&self, span: &Id) {
        self.before.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.before.exit(span);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.before.clone_span(id)
    }

    fn try_close(&self, id: Id) -> bool {
        self.before.try_close(id)
    }
}

struct Look<'a>(&'a Secrets);

impl Visit for Look<'_> {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.look("a log line", value.as_bytes());
    }

    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0.look("a log line", format!("{value:?}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use orkee_core::net::Secret;

    use super::*;

    #[test]
    fn a_secret_in_a_plugin_s_log_line_is_found_and_elsewhere_not_looked_for() {
        let secrets = Arc::new(Secrets::new([&Secret::new("a-long-secret")]));
        tracing::dispatcher::with_default(&Listener::dispatch(Arc::clone(&secrets)), || {
            tracing::info!(target: "orkee::other", "a-long-secret");
            assert!(secrets.places().is_empty());
            tracing::trace!(target: "orkee::cloud::plugin", plugin = "p", "so it is: a-long-secret");
        });
        assert_eq!(secrets.places(), ["a log line"]);
    }
}
