//! `settings`: what the user set for this provider.

use crate::plugin::bindings::orkee::sync::settings::Host;
use crate::plugin::call::CallState;

impl Host for CallState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.host_call()?;
        Ok(self.context.settings.get(&name).cloned())
    }
}
