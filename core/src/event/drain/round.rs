//! One turn of a drain: writes what was made, and claims what is due, in one transaction.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::time::Instant;

use super::options::{Attempted, Disabled, Drained};
use super::{Drainer, LEASE, PATIENCE, PER_ENDPOINT, TIDIES, WIPES, ahead, breaker, local, missed};
use crate::event::deliveries::{self, Claim, Claimed, Ended, Kept, Settled};
use crate::event::schedule::{self, GivenUp};
use crate::event::{Class, EventError, Owner, breakers};
use crate::id;

/// Steps of a tidying, between which nothing is sent.
const STEPS: u64 = 16;

/// A drain under way.
pub(super) struct Run {
    pub(super) owner: Option<Owner>,
    /// This drain, as leases name it. Another has another name, in the same process, too.
    pub(super) holder: Arc<str>,
    /// The rows of deliveries whose attempt has begun and is not written.
    pub(super) under_way: HashSet<i64>,
    pub(super) drained: Drained,
    /// What was claimed, and whose attempt has not begun.
    pub(super) claimed: Vec<Claimed>,
    /// Attempts that were made and are not written yet, and how they are told.
    pub(super) made: Vec<Settled>,
    pub(super) told: Vec<Attempted>,
    /// Until when what was missed is spread.
    pub(super) horizon: Timestamp,
    /// When it looks again at the latest.
    pub(super) expected: Timestamp,
    /// When what is kept no longer was last deleted, and secrets whose time was over.
    pub(super) tidied: Option<Instant>,
    pub(super) wiped: Option<Instant>,
    /// Since when the database fails.
    pub(super) troubled: Option<Instant>,
}

impl Run {
    pub(super) fn new(owner: Option<Owner>, now: Timestamp) -> Self {
        Self {
            owner,
            holder: id::random(16).into(),
            under_way: HashSet::new(),
            drained: Drained::default(),
            claimed: Vec::new(),
            made: Vec::new(),
            told: Vec::new(),
            horizon: now,
            expected: now,
            tidied: None,
            wiped: None,
            troubled: None,
        }
    }

    /// The database failed once more: whether it has done so for long enough.
    pub(super) fn is_out_of_patience(&mut self) -> bool {
        self.troubled.get_or_insert_with(Instant::now).elapsed() >= PATIENCE
    }

    /// What an error of the database does not say.
    pub(super) fn note_unwritten(&self) {
        let attempts = self.made.len();
        if attempts > 0 {
            tracing::warn!(target: "orkee::webhook", attempts, "attempts were made and cannot be written: they are made again");
        }
    }
}

/// What one transaction brought.
struct Turn {
    claimed: Vec<Claimed>,
    disabled: Vec<Disabled>,
    given_up: u64,
}

impl Drainer {
    /// Writes what was made and claims up to `room` deliveries. What cannot be written is kept for the next turn.
    pub(super) fn turn_over(&self, run: &mut Run, room: usize) -> Result<Vec<Claimed>, EventError> {
        let now = self.now();
        let has_due = || self.ledger.reading(|db| deliveries::has_due(db, run.owner, now));
        if run.made.is_empty() && (room == 0 || !has_due()?) {
            return Ok(Vec::new());
        }
        let turn = self.ledger.noting(|db| {
            let mut turn = Turn { claimed: Vec::new(), disabled: Vec::new(), given_up: 0 };
            self.settle(db, &run.made, now, &mut turn)?;
            for (made, told) in run.made.iter().zip(&run.told) {
                if let Some(why) = &told.obstacle {
                    local::waits(db, made.delivery, why)?;
                }
            }
            if room > 0 {
                self.claim(db, run, room, now, &mut turn)?;
            }
            Ok(turn)
        })?;
        for made in run.made.drain(..) {
            run.under_way.remove(&made.delivery);
        }
        run.under_way.extend(turn.claimed.iter().map(|claimed| claimed.delivery));
        for told in run.told.drain(..) {
            match told.class {
                Class::Delivered => run.drained.delivered += 1,
                _ => run.drained.failed += 1,
            }
            run.drained.given_up += u64::from(told.class != Class::Delivered && told.again.is_none());
            log(&told);
            (self.options.on_attempt)(&told);
        }
        run.drained.given_up += turn.given_up;
        for Disabled { endpoint, why } in &turn.disabled {
            tracing::warn!(target: "orkee::webhook", endpoint = %endpoint.id, why, "switched an endpoint off");
        }
        run.drained.disabled.extend(turn.disabled);
        Ok(turn.claimed)
    }

    fn settle(
        &self,
        db: &Connection,
        made: &[Settled],
        now: Timestamp,
        turn: &mut Turn,
    ) -> Result<(), EventError> {
        for one in made {
            let Ended::Attempted(record, _) = &one.ended else { continue };
            let before = breakers::find(db, &one.endpoint)?;
            if record.class.is_of_transport() {
                breakers::put(db, &one.endpoint, breaker::after_failure(before, now))?;
            } else if before.is_some() {
                breakers::clear(db, &one.endpoint)?;
            }
        }
        for (endpoint, why) in deliveries::settle(db, made, now)?.disabled {
            let disabled = Disabled { endpoint, why };
            (self.options.on_disabled)(db, &disabled, now)?;
            turn.disabled.push(disabled);
        }
        Ok(())
    }

    /// Claims, and gives up at once what is too old. What this drain has under way it only holds for longer: a clock that was put
    /// forward, or a lid that was closed, has ended the lease of what goes on.
    fn claim(
        &self,
        db: &Connection,
        run: &Run,
        room: usize,
        now: Timestamp,
        turn: &mut Turn,
    ) -> Result<(), EventError> {
        let mut claim = Claim {
            holder: run.holder.to_string(),
            now,
            lease: LEASE,
            limit: room,
            per_endpoint: PER_ENDPOINT,
            per_owner: self.options.per_owner,
            owner: run.owner,
        };
        let made: HashSet<i64> = run.made.iter().map(|made| made.delivery).collect();
        let is_under_way = |row: &i64| run.under_way.contains(row) && !made.contains(row);
        loop {
            claim.limit = room - turn.claimed.len();
            let mut claimed = deliveries::claim(db, &claim)?;
            let all = claimed.len();
            claimed.retain(|claimed| !is_under_way(&claimed.delivery));
            let is_held_longer = claimed.len() < all;
            let (over, claimed): (Vec<_>, Vec<_>) =
                claimed.into_iter().partition(|claimed| schedule::is_over(claimed.since, now));
            turn.claimed.extend(claimed);
            if over.is_empty() && !is_held_longer {
                return Ok(());
            }
            turn.given_up += over.len() as u64;
            let over: Vec<Settled> = over.into_iter().map(|claimed| given_up(claimed, run)).collect();
            deliveries::settle(db, &over, now)?;
        }
    }

    pub(super) fn next_due(&self, owner: Option<Owner>) -> Result<Option<Timestamp>, EventError> {
        let now = self.now();
        self.ledger.reading(|db| deliveries::next_due(db, owner, now))
    }

    /// Spreads what was missed; until when.
    pub(super) fn spread_missed(&self, owner: Option<Owner>) -> Result<Timestamp, EventError> {
        let now = self.now();
        if !self.ledger.reading(|db| missed::is_any(db, owner, now))? {
            return Ok(now);
        }
        missed::spread(&*self.ledger, owner, now, &*self.options.random)
    }

    /// Does not believe times that a clock left behind which was ahead.
    pub(super) fn take_back(&self) -> Result<(), EventError> {
        if !self.ledger.reading(|db| ahead::is_any(db, self.now()))? {
            return Ok(());
        }
        self.ledger.noting(|db| ahead::take_back(db, self.now()))
    }

    /// Deletes what is kept no longer, and secrets whose time is over, each now and then.
    pub(super) fn tidy_in_time(&self, run: &mut Run) -> Result<(), EventError> {
        let (now, begun) = (self.now(), Instant::now());
        let is_time = |last: Option<Instant>, pause| last.is_none_or(|last| begun - last >= pause);
        if is_time(run.wiped, WIPES) {
            self.ledger.wipe_old_secrets(now)?;
            // The clock may have been put back meanwhile.
            self.take_back()?;
            run.wiped = Some(begun);
        }
        if is_time(run.tidied, TIDIES) {
            self.ledger.prune(Kept::default(), now, STEPS)?;
            run.tidied = Some(begun);
        }
        Ok(())
    }
}

fn given_up(claimed: Claimed, run: &Run) -> Settled {
    Settled {
        delivery: claimed.delivery,
        holder: run.holder.to_string(),
        endpoint: claimed.endpoint,
        ended: Ended::GivenUp(GivenUp::Window.as_str().to_owned()),
    }
}

fn log(told: &Attempted) {
    let Attempted { id, kind, endpoint, number, class, status, duration, again, .. } = told;
    let again = again.map(|again| again.to_string());
    tracing::debug!(
        target: "orkee::webhook",
        event = id,
        kind = kind.as_str(),
        endpoint = %endpoint.id,
        attempt = number,
        class = class.as_str(),
        status,
        duration_ms = duration.as_millis() as u64,
        again,
        "attempt"
    );
}
