//! `state`: the plugin's own small memory.

use crate::plugin::bindings::orkee::sync::state::{Error, Host};
use crate::plugin::call::CallState;
use crate::plugin::limits::Limit;
use crate::plugin::state::StateError;

impl Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.host_call()?;
        match self.context.state.get(&key) {
            Ok(value) => Ok(value),
            Err(error) => {
                tracing::warn!(target: "orkee::cloud::plugin", plugin = self.context.plugin, "cannot read its state: {error:?}");
                Ok(None)
            }
        }
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        self.host_call()?;
        Ok(self.context.state.put(&key, Some(&value)).map_err(told))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), Error>> {
        self.host_call()?;
        Ok(self.context.state.put(&key, None).map_err(told))
    }
}

fn told(error: StateError) -> Error {
    match error {
        StateError::Full(Limit::State(limit)) => Error::Full(limit),
        StateError::Full(limit) => Error::Failed(limit.to_string()),
        StateError::Io(error) => Error::Failed(error.kind().to_string()),
    }
}
