//! The practice backend: a server on this machine that keeps what `wit/README.md` asks of a backend.
//!
//! `store` decides, `journal` keeps it on disk, `serve` speaks HTTP. A change is on disk before it is answered. What a real backend
//! does once in a while (forgetting tombstones, coming back from a backup, refusing a record) can be asked for in the same process.

mod journal;
mod serve;
mod store;
mod wait;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::net::Secret;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use journal::Journal;
pub use journal::JournalError;
pub use store::Snapshot;
use store::Store;

/// The largest envelope that it takes.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// The most changes on a page.
pub const MAX_PAGE: u32 = 500;

/// How it is started.
#[derive(Debug, Default)]
pub struct Options {
    /// Where the records are kept. None: in memory.
    pub data: Option<PathBuf>,
    /// What requests have to bring as `Authorization: Bearer`. None: nothing.
    pub token: Option<Secret>,
}

/// A practice backend at work. Dropped, it is gone.
#[derive(Debug)]
pub struct Practice {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    token: Option<Secret>,
    kept: Mutex<Kept>,
    /// Wakes those who wait.
    changed: Notify,
}

/// The records, and the file that has them too.
#[derive(Debug)]
struct Kept {
    store: Store,
    journal: Option<Journal>,
}

/// It cannot be started.
#[derive(Debug, Error)]
pub enum PracticeError {
    /// It has no TLS.
    #[error("the practice backend serves this machine alone, and {0} is no loopback address")]
    Outside(SocketAddr),
    /// The address is taken or not to be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Diagnostic for PracticeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Outside(_) => "E-KIT-001",
            Self::Listen { .. } => "E-KIT-002",
            Self::Journal(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Outside(_) => Kind::Usage,
            Self::Listen { .. } => Kind::Failed,
            Self::Journal(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Outside(_) => Some("listen on 127.0.0.1 or [::1]".to_owned()),
            Self::Listen { .. } => Some("port 0 takes any that is free".to_owned()),
            Self::Journal(error) => error.hint(),
        }
    }
}

impl Practice {
    /// Starts it; it answers from now on.
    pub async fn start(listen: SocketAddr, options: Options) -> Result<Self, PracticeError> {
        if !listen.ip().is_loopback() {
            return Err(PracticeError::Outside(listen));
        }
        let failed = |source| PracticeError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let kept = match options.data {
            None => Kept { store: Store::new(), journal: None },
            Some(path) => {
                let (journal, store) = Journal::open(path)?;
                Kept { store, journal: Some(journal) }
            }
        };
        let shared =
            Arc::new(Shared { token: options.token, kept: Mutex::new(kept), changed: Notify::new() });
        let task = tokio::spawn(serve::accept(listener, Arc::clone(&shared)));
        Ok(Self { url, shared, task })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.shared.kept().store.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Serves until its task is ended, which only happens from outside.
    pub async fn serve(mut self) {
        let _ = (&mut self.task).await;
    }

    /// Forgets these records for good, as tombstones are forgotten: from now on a position from before now is `expired`.
    pub fn prune(&self, ids: &[&str]) -> Result<(), JournalError> {
        let pruned = self.shared.kept().prune(ids);
        self.shared.changed.notify_waiters();
        pruned
    }

    /// What it holds now.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.kept().store.snapshot()
    }

    /// Holds again what it held then, and does not know what came after: a backup was put back.
    pub fn put_back(&self, snapshot: &Snapshot) -> Result<(), JournalError> {
        let put_back = self.shared.kept().put_back(snapshot);
        self.shared.changed.notify_waiters();
        put_back
    }

    /// From now on this record is not taken: `invalid`.
    pub fn refuse(&self, id: &str) {
        self.shared.kept().store.refuse(id);
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing in there panics between two changes that belong together.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Compare and set, on disk before it is answered.
    fn put(&mut self, id: &str, guard: Option<&str>, envelope: &[u8]) -> Result<store::Put, JournalError> {
        let commit = match self.store.prepare(id, guard, envelope) {
            Ok(commit) => commit,
            Err(put) => return Ok(put),
        };
        if let Some(journal) = &mut self.journal {
            journal.append(&journal::Entry::Commit(commit.clone()))?;
        }
        Ok(self.store.apply(commit))
    }

    fn prune(&mut self, ids: &[&str]) -> Result<(), JournalError> {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        if let Some(journal) = &mut self.journal {
            journal.append(&journal::Entry::Prune { ids: ids.clone() })?;
        }
        self.store.prune(&ids);
        Ok(())
    }

    fn put_back(&mut self, snapshot: &Snapshot) -> Result<(), JournalError> {
        if let Some(journal) = &mut self.journal {
            journal.append(&journal::Entry::State(snapshot.clone()))?;
        }
        self.store.put_back(snapshot);
        Ok(())
    }
}
