//! What a drain is given, and what it tells.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::{Notify, watch};

use crate::clock::{Clock, SystemClock};
use crate::event::{Class, Endpoint, EventError, EventKind};

/// How long a drain goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until nothing is due, what was missed included.
    Due,
    /// Until nothing is due for so long.
    Quiet(Duration),
    /// Until it is told to stop.
    Stopped,
}

/// An endpoint that was switched off: it answered that it is gone, or failed for too long.
#[derive(Debug, Clone, PartialEq)]
pub struct Disabled {
    /// Which one.
    pub endpoint: Arc<Endpoint>,
    /// In a sentence.
    pub why: String,
}

/// What is done in the transaction that switches an endpoint off, such as a row in an audit trail.
pub type OnDisabled = Arc<dyn Fn(&Connection, &Disabled, Timestamp) -> Result<(), EventError> + Send + Sync>;

/// Called after each attempt, once it is written.
pub type OnAttempt = Arc<dyn Fn(&Attempted) + Send + Sync>;

/// What a drain is given besides its database and its dispatchers.
#[derive(Clone)]
pub struct DrainOptions {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Between 0 and 1; nothing secret depends on it.
    pub random: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// How often it looks for what other processes queue.
    pub poll: Duration,
    /// Where several owners share the database, so many attempts at most are under way for one of them at once. None: all of it is one person's.
    pub per_owner: Option<usize>,
    /// Told when this process queued something, which is then looked for at once.
    pub wake: Option<Arc<Notify>>,
    /// True: begin nothing more, and end when what is under way is written. None: nobody stops it.
    pub stop: Option<watch::Receiver<bool>>,
    /// What receivers in private networks reply is kept, too. Not so where the endpoints' owners are strangers in the network that
    /// deliveries go out from: they would read it through an endpoint.
    pub keep_private_replies: bool,
    /// See [`OnDisabled`].
    pub on_disabled: OnDisabled,
    /// See [`OnAttempt`].
    pub on_attempt: OnAttempt,
}

impl Default for DrainOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(random),
            poll: Duration::from_millis(250),
            per_owner: None,
            wake: None,
            stop: None,
            keep_private_replies: true,
            on_disabled: Arc::new(|_, _, _| Ok(())),
            on_attempt: Arc::new(|_| ()),
        }
    }
}

fn random() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

/// An attempt that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempted {
    /// The event's id.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// Where it went.
    pub endpoint: Arc<Endpoint>,
    /// 1: the first.
    pub number: u32,
    /// How it ended.
    pub class: Class,
    /// Of the reply, if there was one.
    pub status: Option<u16>,
    /// How long it took.
    pub duration: Duration,
    /// When it is tried again. None: never.
    pub again: Option<Timestamp>,
    /// Why its dispatcher cannot be used, which is no fault of the receiver's. None: it can.
    pub obstacle: Option<String>,
}

/// What a drain did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drained {
    /// Attempts that were delivered.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries that were given up.
    pub given_up: u64,
    /// Endpoints that were switched off.
    pub disabled: Vec<Disabled>,
    /// When something is due next.
    pub next: Option<Timestamp>,
}
