//! `log`: into Orkee's own log, under the plugin's name.

use crate::plugin::bindings::orkee::sync::log::{Host, Level};
use crate::plugin::call::CallState;
use crate::plugin::text::clean;

impl Host for CallState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.host_call()?;
        let limits = &self.context.limits;
        self.meter.log_line(limits)?;
        let line = clean(&message, limits.log_line);
        let plugin = self.context.plugin.as_str();
        match level {
            Level::Error => tracing::error!(target: "orkee::cloud::plugin", plugin, "{line}"),
            Level::Warn => tracing::warn!(target: "orkee::cloud::plugin", plugin, "{line}"),
            Level::Info => tracing::info!(target: "orkee::cloud::plugin", plugin, "{line}"),
            Level::Debug => tracing::debug!(target: "orkee::cloud::plugin", plugin, "{line}"),
            Level::Trace => tracing::trace!(target: "orkee::cloud::plugin", plugin, "{line}"),
        }
        Ok(())
    }
}
