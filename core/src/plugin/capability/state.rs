//! `state`: the plugin's own small memory.

use std::sync::Arc;

use crate::plugin::bindings::orkee::sync::state::{Error, Host};
use crate::plugin::call::{CallState, spending};
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

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        self.put(&key, Some(&value)).await
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), Error>> {
        self.put(&key, None).await
    }
}

impl CallState {
    async fn put(&mut self, key: &str, value: Option<&[u8]>) -> wasmtime::Result<Result<(), Error>> {
        self.host_call()?;
        let context = Arc::clone(&self.context);
        let (put, spent) = spending(context.state.put(key, value)).await;
        self.meter.hosted(spent);
        Ok(put.map_err(told))
    }
}

fn told(error: StateError) -> Error {
    match error {
        StateError::Full(Limit::State(limit)) => Error::Full(limit),
        StateError::Full(limit) => Error::Failed(limit.to_string()),
        StateError::Busy => Error::Failed("another process is changing it".to_owned()),
        StateError::Io(error) => Error::Failed(error.kind().to_string()),
    }
}
