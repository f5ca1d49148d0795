//! Sending what is due: claims deliveries, has dispatchers make the attempts, and writes how they ended.
//!
//! Any number of drains may work on one database, in any number of processes. A delivery is claimed with a lease before its attempt
//! begins; one whose holder died is taken up again when its lease is over, with the same id, so that a receiver sees it at least once.
//! Claims and results are written in one transaction for all that is at hand. An endpoint has a few attempts under way at most, so
//! that one that hangs holds nobody up.

mod ahead;
mod attempt;
mod breaker;
mod dispatchers;
mod local;
mod lock;
mod missed;
mod options;
mod round;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;

use super::deliveries::Settled;
use super::{EventError, Ledger, Owner, schedule};

pub use dispatchers::{Dispatch, Dispatchers};
pub use local::{Notice, Pulled, Standing, is_told, note_disabled, note_obstacle, standing};
pub use lock::DrainLock;
pub use options::{Attempted, Disabled, DrainOptions, Drained, OnAttempt, OnDisabled, Until};

use dispatchers::Open;
use round::Run;

/// Attempts that are under way at once.
const AT_ONCE: usize = 64;
/// Of them, those to one endpoint.
const PER_ENDPOINT: usize = 4;
/// A claim is another's to take after this. Longer than an attempt may take.
const LEASE: Duration = Duration::from_secs(60);
/// How long an error of the database is borne while there are attempts to write, and how often it is tried again.
const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(1);
/// How often a drain that goes on deletes what is kept no longer, and how often it looks for secrets whose time is over. It does so
/// however much is under way.
const TIDIES: Duration = Duration::from_hours(1);
const WIPES: Duration = Duration::from_secs(10);

/// Sends what is due in one database.
pub struct Drainer {
    ledger: Arc<dyn Ledger>,
    dispatchers: Open,
    options: DrainOptions,
}

impl Drainer {
    /// Does nothing yet.
    pub fn new(ledger: Arc<dyn Ledger>, dispatchers: Arc<dyn Dispatchers>, options: DrainOptions) -> Self {
        Self { ledger, dispatchers: Open::new(dispatchers), options }
    }

    /// Sends what is due, of one owner or of all, and goes on until then. An error of the database ends it; while attempts are under
    /// way, or were made and are not written, it is borne for a minute. What is not written by then is sent again when its lease is
    /// over.
    pub async fn drain(&self, owner: Option<Owner>, until: Until) -> Result<Drained, EventError> {
        let mut run = Run::new(owner, self.now());
        self.take_back()?;
        run.horizon = self.spread_missed(owner)?;
        let mut under_way = FuturesUnordered::new();
        loop {
            let step = self.step(&mut run, until, under_way.len());
            let begin = |claimed| self.attempt(claimed, Arc::clone(&run.holder));
            under_way.extend(run.claimed.drain(..).map(begin));
            let wait = match step {
                Ok(None) => return Ok(run.drained),
                Ok(Some(wait)) if run.troubled.take().is_none() => {
                    run.expected = self.now().checked_add(wait).unwrap_or(Timestamp::MAX);
                    wait
                }
                // Now that all is written, more can be claimed.
                Ok(Some(_)) => continue,
                Err(error) => {
                    let has_none = run.made.is_empty() && under_way.is_empty();
                    if has_none || run.is_out_of_patience() {
                        run.note_unwritten();
                        return Err(error);
                    }
                    AGAIN
                }
            };
            self.wait(&mut under_way, &mut run, wait).await;
        }
    }

    /// Does what the database is needed for: writes what was made, and claims what is due. Returns how long nothing else is to be
    /// done; none: it is the end.
    fn step(&self, run: &mut Run, until: Until, under_way: usize) -> Result<Option<Duration>, EventError> {
        if schedule::was_asleep(run.expected, self.now()) {
            run.horizon = self.spread_missed(run.owner)?;
        }
        let is_held = self.is_stopped() || run.troubled.is_some();
        let room = if is_held { 0 } else { AT_ONCE.saturating_sub(under_way) };
        run.claimed = self.turn_over(run, room)?;
        self.tidy_in_time(run)?;
        if under_way > 0 || !run.claimed.is_empty() {
            return Ok(Some(self.options.poll));
        }
        let next = self.next_due(run.owner)?;
        if self.is_stopped() || is_done(until, next, self.now(), run.horizon) {
            run.drained.next = next;
            return Ok(None);
        }
        Ok(Some(pause(next, self.now(), self.options.poll)))
    }

    /// Waits for an attempt to end, or so long, or to be stopped. Takes along all that have ended by then.
    async fn wait<F: Future<Output = (Settled, Attempted)>>(
        &self,
        under_way: &mut FuturesUnordered<F>,
        run: &mut Run,
        longest: Duration,
    ) {
        let mut take = |(settled, told)| {
            run.made.push(settled);
            run.told.push(told);
        };
        tokio::select! {
            Some(made) = under_way.next() => take(made),
            () = tokio::time::sleep(longest) => {}
            () = self.woken() => {}
            // Once stopped, only what is under way is waited for.
            () = self.stopped(), if !self.is_stopped() => {}
        }
        while let Some(Some(made)) = under_way.next().now_or_never() {
            take(made);
        }
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Ends when this process queued something.
    async fn woken(&self) {
        match &self.options.wake {
            Some(wake) => wake.notified().await,
            None => std::future::pending().await,
        }
    }

    fn is_stopped(&self) -> bool {
        self.options.stop.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// Ends when it is told to stop. One whose teller is gone is never stopped.
    async fn stopped(&self) {
        let Some(mut stop) = self.options.stop.clone() else { return std::future::pending().await };
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending().await
        }
    }
}

fn is_done(until: Until, next: Option<Timestamp>, now: Timestamp, horizon: Timestamp) -> bool {
    let last = match until {
        Until::Due => now.max(horizon),
        Until::Quiet(pause) => now.checked_add(pause).unwrap_or(Timestamp::MAX),
        Until::Stopped => return false,
    };
    next.is_none_or(|next| next > last)
}

/// How long nothing can be done: until something is due, and no longer than it takes to notice what others queue.
fn pause(next: Option<Timestamp>, now: Timestamp, poll: Duration) -> Duration {
    let left = next.map(|next| next.duration_since(now)).filter(|left| left.is_positive());
    // What is due and cannot be sent is on another's way.
    left.map_or(poll, |left| left.unsigned_abs().clamp(Duration::from_millis(1), poll))
}
