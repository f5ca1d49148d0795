//! Sends what is due while the server runs: `orkee_core::event`'s drain, on a thread of its own, since it waits for the database.
//!
//! It is told of each write, and so begins at once. At a stop it begins nothing more; what is under way then has the server's grace
//! to end, and is otherwise sent again by the next start, once the lease is over that this one held.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use orkee_core::event::{Disabled, Dispatchers, DrainOptions, Drainer, EventError, Ledger, Until};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::storage::sqlite::{Sqlite, note_disabled};

/// How often it looks even though nobody told it of anything: other commands write, too.
const POLL: Duration = Duration::from_secs(5);
/// After the database failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Attempts that are under way at once for one account or team, however many webhooks it has.
const PER_OWNER: usize = 16;

/// A drain at work.
pub(crate) struct Sender {
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
}

impl Sender {
    /// Begins. `attempts` changes with each attempt that was made.
    pub(crate) fn start(
        storage: Arc<Sqlite>,
        dispatchers: Arc<dyn Dispatchers>,
        attempts: watch::Sender<u64>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (ending, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = DrainOptions {
            poll: POLL,
            per_owner: Some(PER_OWNER),
            wake: Some(storage.written()),
            stop: Some(stopped.clone()),
            keep_private_replies: false,
            on_disabled: Arc::new(tell),
            on_attempt: Arc::new(move |_| attempts.send_modify(|made| *made = made.wrapping_add(1))),
            ..DrainOptions::default()
        };
        let drainer = Drainer::new(storage as Arc<dyn Ledger>, dispatchers, options);
        thread::Builder::new().name("webhooks".to_owned()).spawn(move || {
            runtime.block_on(run(&drainer, stopped));
            // Whoever waited for it may be gone.
            let _ = ending.send(());
        })?;
        Ok(Self { stop, ended })
    }

    /// Begins nothing more, and waits so long for what is under way.
    pub(crate) async fn stop(self, grace: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(grace, self.ended).await.is_err() {
            tracing::warn!(
                "some webhooks were not answered in time, and are sent again after the next start"
            );
        }
    }
}

async fn run(drainer: &Drainer, mut stopped: watch::Receiver<bool>) {
    let mut is_failing = false;
    while !*stopped.borrow() {
        match drainer.drain(None, Until::Stopped).await {
            Ok(_) => is_failing = false,
            Err(error) => {
                // Once: it may go on for as long as a disk is full.
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::error!(%error, "webhooks cannot be sent");
                }
                let _ = tokio::time::timeout(PAUSE, stopped.changed()).await;
            }
        }
    }
}

/// The audit trail hears of an endpoint that was switched off by what it answered.
fn tell(db: &Connection, disabled: &Disabled, now: Timestamp) -> Result<(), EventError> {
    tracing::info!(webhook = disabled.endpoint.id, why = disabled.why, "a webhook was disabled");
    note_disabled(db, &disabled.endpoint, &disabled.why, now)
}
