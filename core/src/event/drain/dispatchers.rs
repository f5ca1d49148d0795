//! Who makes the attempts.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::plugin::{Delivered, Delivery, DispatcherError, DispatcherLibrary, PluginError, WasmDispatcher};

/// Makes one attempt.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// Sends this. An error is the dispatcher's own fault.
    async fn deliver(&self, delivery: Delivery) -> Result<Delivered, PluginError>;
}

#[async_trait]
impl Dispatch for WasmDispatcher {
    async fn deliver(&self, delivery: Delivery) -> Result<Delivered, PluginError> {
        Self::deliver(self, delivery).await
    }
}

/// The dispatchers of a host, by name.
#[async_trait]
pub trait Dispatchers: Send + Sync {
    /// The one of this name. Asked once for each name in a drain, and again after it failed.
    async fn open(&self, name: &str) -> Result<Arc<dyn Dispatch>, DispatcherError>;
}

#[async_trait]
impl Dispatchers for DispatcherLibrary {
    async fn open(&self, name: &str) -> Result<Arc<dyn Dispatch>, DispatcherError> {
        Ok(Arc::new(Self::open(self, name).await?))
    }
}

/// Those that are open.
pub(super) struct Open {
    host: Arc<dyn Dispatchers>,
    known: Mutex<BTreeMap<String, Arc<dyn Dispatch>>>,
}

impl Open {
    pub(super) fn new(host: Arc<dyn Dispatchers>) -> Self {
        Self { host, known: Mutex::default() }
    }

    /// Held over the opening, so that many attempts that begin at once compile a dispatcher once.
    pub(super) async fn get(&self, name: &str) -> Result<Arc<dyn Dispatch>, DispatcherError> {
        let mut known = self.known.lock().await;
        if let Some(dispatcher) = known.get(name) {
            return Ok(Arc::clone(dispatcher));
        }
        let dispatcher = self.host.open(name).await?;
        known.insert(name.to_owned(), Arc::clone(&dispatcher));
        Ok(dispatcher)
    }
}
