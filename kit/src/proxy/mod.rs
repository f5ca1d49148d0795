//! A relay between one provider and its backend, which does with a request what a network, a proxy or a tired server would.
//!
//! It knows HTTP and nothing of what is said in it. `wire` is what stands on the wire, `carry` takes a request on its way and the
//! reply on its way back. It also looks whether a secret stands where the host did not put it.

mod carry;
mod wire;

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orkee_core::net::{ApiUrl, Http};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::{JoinHandle, JoinSet};

use crate::secrets::Secrets;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// To the backend, and its reply back.
    Through,
    /// To the backend; the connection ends instead of the reply.
    LoseReply,
    /// To the backend twice, and this one of the replies back.
    Twice(Which),
    /// To the backend; of its reply's body only half comes, then the connection ends.
    Cut,
    /// To the backend; its reply's body comes with other bytes.
    Garble,
    /// To the backend; its reply comes a byte at a time.
    Drip(Duration),
    /// To nobody; this is answered.
    Answer(Canned),
    /// To nobody; zeros are answered, so many or without end.
    Flood(Option<u64>),
    /// To nobody; the connection is reset.
    Reset,
    /// As [`Way::Through`], once another request has come as far, or none came for a while.
    Meet(Arc<Barrier>),
}

/// Which of two replies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    First,
    Second,
}

/// A reply that no backend made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: &'static str,
}

type Rule = dyn Fn(usize) -> Way + Send + Sync;

/// A relay at work. Dropped, it is gone.
pub(crate) struct Proxy {
    origin: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// Scheme, host and port of the backend.
    backend: ApiUrl,
    http: Http,
    secrets: Arc<Secrets>,
    rule: Mutex<Arc<Rule>>,
    /// Requests since the rule was set.
    count: AtomicUsize,
    /// Of those, how many did not simply pass.
    troubled: AtomicUsize,
}

impl Proxy {
    /// A relay on a free port, which passes everything on.
    pub(crate) async fn start(backend: ApiUrl, http: Http, secrets: Arc<Secrets>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            backend,
            http,
            secrets,
            rule: Mutex::new(Arc::new(|_| Way::Through)),
            count: AtomicUsize::new(0),
            troubled: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { origin, shared, task })
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// From now on this decides, by how many requests came before. Counting begins anew.
    pub(crate) fn decide(&self, rule: impl Fn(usize) -> Way + Send + Sync + 'static) {
        *self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(rule);
        self.shared.count.store(0, Ordering::SeqCst);
        self.shared.troubled.store(0, Ordering::SeqCst);
    }

    /// From now on everything passes. Counting begins anew.
    pub(crate) fn pass(&self) {
        self.decide(|_| Way::Through);
    }

    /// How many requests came since the rule was set.
    pub(crate) fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// Whether the rule did something to a request.
    pub(crate) fn troubled(&self) -> bool {
        self.shared.troubled.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn way(&self) -> Way {
        let rule = Arc::clone(&self.rule.lock().unwrap_or_else(PoisonError::into_inner));
        let way = rule(self.count.fetch_add(1, Ordering::SeqCst));
        if !matches!(way, Way::Through) {
            self.troubled.fetch_add(1, Ordering::SeqCst);
        }
        way
    }
}

/// Serves connections until the task is ended; they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        connections.spawn(carry::serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}
