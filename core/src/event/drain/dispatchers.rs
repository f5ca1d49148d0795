//! Who makes the attempts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::OnceCell;

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

/// One that is open, or being opened.
type Cell = Arc<OnceCell<Arc<dyn Dispatch>>>;

/// Those that are open. Each has a cell of its own, so that one that takes long, or never ends, holds up no other.
pub(super) struct Open {
    host: Arc<dyn Dispatchers>,
    known: Mutex<BTreeMap<String, Cell>>,
}

impl Open {
    pub(super) fn new(host: Arc<dyn Dispatchers>) -> Self {
        Self { host, known: Mutex::default() }
    }

    /// Many attempts that begin at once open a dispatcher once. What an attempt has no more time to wait for goes on, for the next.
    pub(super) async fn get(&self, name: &str) -> Result<Arc<dyn Dispatch>, DispatcherError> {
        let cell = self.cell(name);
        if let Some(dispatcher) = cell.get() {
            return Ok(Arc::clone(dispatcher));
        }
        let (host, name) = (Arc::clone(&self.host), name.to_owned());
        let opening = async move { cell.get_or_try_init(|| host.open(&name)).await.cloned() };
        tokio::spawn(opening).await.map_err(|stopped| PluginError::Host(stopped.into()))?
    }

    fn cell(&self, name: &str) -> Cell {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(name.to_owned()).or_default())
    }
}
