//! A relay before a server: one address that passes requests on, or does with them what a test wants. So the API that a device
//! knows can fail and get well again, keep a reply back, or turn out to be another server.
//!
//! `carry` takes a request on its way and the reply on its way back; `bytes` is what stands on the wire; `alter` changes what a
//! reply brings; `weather` picks ways at random.

mod alter;
pub(crate) mod bytes;
mod carry;
mod weather;

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::wait;

pub use alter::{Alteration, Brought, Record};
pub use bytes::{head, reply};
pub use weather::Weather;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Way {
    /// To the server, and its reply back.
    Through,
    /// To the server; its reply is kept back until [`Relay::release`].
    Held,
    /// To the server; of its reply, the connection breaks so many bytes before the end.
    CutShort(usize),
    /// To nobody, and no answer until [`Relay::release`].
    Ignored,
    /// To the server and back, each so much later.
    Late(Duration),
    /// Only so many bytes of it reach the server; then both connections break.
    RequestCut(usize),
    /// To the server; of its reply, only so many bytes come back, then the connection breaks.
    ReplyCut(usize),
    /// To the server; of its reply, so many bytes come back, and no more until [`Relay::release`].
    Stalled(usize),
    /// To the server twice, and this one of its two replies back.
    Twice(Copy),
    /// To the server; its reply waits until that of a later request was given, or none came for a while.
    Overtaken,
    /// To the server; its reply comes back whole, but is said to have so many bytes more, or fewer.
    Misstated(i32),
    /// To the server; its reply comes back with other records, or with records that are not as they were.
    Altered(Alteration),
    /// To nobody; exactly this is answered.
    Answered(Vec<u8>),
    /// To nobody; this is answered, and then zeros without end.
    Flooded(Vec<u8>),
}

/// Which of two replies.
#[derive(Debug, Clone, Copy)]
pub enum Copy {
    /// The one that was made of what the server had before.
    First,
    /// The one that was made of what the first had left.
    Second,
}

/// A request, as far as a test decides by it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The path, without a query.
    pub path: String,
    /// How many requests for this path came before, since the rule was set.
    pub earlier: usize,
}

type Rule = dyn Fn(&Seen) -> Way + Send + Sync;

/// A relay at work. Its threads end with the test.
pub struct Relay {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: Mutex<String>,
    rule: Mutex<Arc<Rule>>,
    seen: Mutex<Vec<String>>,
    kept: AtomicUsize,
    released: Mutex<usize>,
    release: Condvar,
    answered: Mutex<usize>,
    was_answered: Condvar,
    carried: Mutex<Option<Vec<Vec<u8>>>>,
}

impl Relay {
    /// A relay on a free port, which passes everything on.
    pub fn to(server: &str) -> Self {
        Self::at("127.0.0.1:0", server)
    }

    /// A relay at this address.
    pub fn at(address: &str, server: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            server: Mutex::new(server.to_owned()),
            rule: Mutex::new(Arc::new(|_: &Seen| Way::Through)),
            seen: Mutex::default(),
            kept: AtomicUsize::new(0),
            released: Mutex::new(0),
            release: Condvar::new(),
            answered: Mutex::new(0),
            was_answered: Condvar::new(),
            carried: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { url, shared }
    }

    /// From now on, requests go to this server.
    pub fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.shared.server.lock().unwrap());
    }

    /// From now on, this decides about each request. Counting begins anew.
    pub fn decide(&self, rule: impl Fn(&Seen) -> Way + Send + Sync + 'static) {
        self.shared.seen.lock().unwrap().clear();
        *self.shared.rule.lock().unwrap() = Arc::new(rule);
    }

    /// From now on, this becomes of each sync request; all others pass.
    pub fn on_sync(&self, way: Way) {
        self.decide(move |seen| if seen.path == "/v1/sync" { way.clone() } else { Way::Through });
    }

    /// From now on, everything passes.
    pub fn pass(&self) {
        self.decide(|_| Way::Through);
    }

    /// From now on, what passes is kept.
    pub fn record(&self) {
        self.shared.carried.lock().unwrap().get_or_insert_default();
    }

    /// Every request and every reply since [`Relay::record`], byte for byte.
    pub fn carried(&self) -> Vec<Vec<u8>> {
        self.shared.carried.lock().unwrap().clone().unwrap_or_default()
    }

    /// How many requests for this path came since the rule was set.
    pub fn count(&self, path: &str) -> usize {
        self.shared.seen.lock().unwrap().iter().filter(|seen| *seen == path).count()
    }

    /// Waits until some request's answer is kept back: held, or none given.
    pub fn wait_until_kept(&self) {
        wait::until("a request that is kept waiting", || (self.kept() > 0).then_some(()));
    }

    /// How many answers are kept back now.
    pub fn kept(&self) -> usize {
        self.shared.kept.load(Ordering::SeqCst) - *self.shared.released.lock().unwrap()
    }

    /// Lets go of all answers that are kept back.
    pub fn release(&self) {
        *self.shared.released.lock().unwrap() = self.shared.kept.load(Ordering::SeqCst);
        self.shared.release.notify_all();
    }
}
