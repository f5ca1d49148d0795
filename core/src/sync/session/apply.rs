//! Taking answers: each is one transaction, with the cursor that it carries.

use std::collections::HashMap;

use super::run::Run;
use super::{Flight, FlightId, PAGE, PARCEL, Sent, Session, SyncError};
use crate::project::ProjectId;
use crate::store::{Agreed, ListingGoal, Store, There, Tracked, Tx};
use crate::sync::event::What;
use crate::sync::options::Deletions;
use crate::sync::provider::{Answer, Change, Cursor, Head, Outcome, Position, Reply, Stored};

/// How often a backend may prefer its own version of one record in one session, or call the cursor expired.
const PATIENCE: u32 = 50;

/// A page that waits until the pushes that it crosses are answered.
#[derive(Debug)]
pub(super) struct Held {
    changes: Vec<Change>,
    cursor: Cursor,
    more: bool,
}

impl Session {
    /// Applies an answer. One that comes after the backend called the cursor useless counts as lost.
    pub fn receive(&mut self, store: &mut Store, id: FlightId, answer: Answer) -> Result<(), SyncError> {
        let Some(flight) = self.flights.get(&id) else {
            return Ok(());
        };
        self.summary.round_trips += 1;
        if let Answer::Page(reply) = &answer {
            check(flight, reply)?;
        }
        let (is_for_document, asks_page) = (flight.is_for_document, flight.limit > 0);
        let cursor = flight.cursor.clone();
        match answer {
            Answer::Page(reply) if is_for_document => {
                self.take_off(id);
                self.take_document(store, reply)
            }
            Answer::Page(mut reply) => {
                let is_last = asks_page && !reply.more;
                let must_ask = self.intercept(&mut reply, is_last)?;
                if must_ask || !self.waiting.is_empty() {
                    self.waiting.push((id, reply));
                    return Ok(());
                }
                match self.take_off(id) {
                    Some(flight) => self.take(store, &flight, reply),
                    None => Ok(()),
                }
            }
            Answer::Expired if cursor.position.is_none() => {
                Err(SyncError::Protocol("it calls a cursor expired that has no position".to_owned()))
            }
            Answer::NewEpoch if cursor.head.is_none() => {
                Err(SyncError::Protocol("it does not know a commit that was not named".to_owned()))
            }
            Answer::Expired => self.start_over(store, false),
            Answer::NewEpoch => self.start_over(store, true),
        }
    }

    /// The request is not in flight any more.
    pub(super) fn take_off(&mut self, id: FlightId) -> Option<Flight> {
        let flight = self.flights.remove(&id)?;
        for sent in &flight.batch {
            self.busy.remove(&sent.row);
        }
        Some(flight)
    }

    /// Applies a reply whose key document, if it had one, was met.
    pub(super) fn take(&mut self, store: &mut Store, flight: &Flight, reply: Reply) -> Result<(), SyncError> {
        if reply.more {
            store.expect_many()?;
        }
        self.is_met = true;
        self.summary.request_id = reply.request_id.clone().or(self.summary.request_id.take());
        self.transact(store, |session, tx| session.take_reply(tx, flight, reply))
            .and_then(|stop| stop.map_or(Ok(()), Err))
    }

    /// The cursor is of no use any more: everything is listed anew. What is in flight counts as lost.
    fn start_over(&mut self, store: &mut Store, was_put_back: bool) -> Result<(), SyncError> {
        self.expired += 1;
        if self.expired > PATIENCE {
            return Err(SyncError::Protocol("it calls every cursor expired".to_owned()));
        }
        self.flights.clear();
        self.busy.clear();
        self.held = None;
        self.waiting.clear();
        self.spans.clear();
        self.answered.clear();
        self.run = Run::default();
        self.wants_page = true;
        self.is_met = false;
        self.swept = 0;
        self.state.cursor.position = None;
        if was_put_back {
            self.state.cursor.head = None;
            self.state.goal = Some(ListingGoal::Offer);
            // It has most of it still: what the listing does not show goes up afterwards.
            self.lists_first = true;
            self.summary.new_epoch = true;
        }
        self.transact(store, |session, tx| {
            if was_put_back {
                tx.offer_everything()?;
            }
            Ok(tx.save_space_state(&session.state)?)
        })
    }

    /// Outcomes, head and page. An error within the answer stops the session, but what came is applied.
    fn take_reply(
        &mut self,
        tx: &mut Tx<'_>,
        flight: &Flight,
        reply: Reply,
    ) -> Result<Option<SyncError>, SyncError> {
        let head = reply.cursor.head.as_ref().map(|head| head.number);
        let crosses_page = self.flights.values().any(|flight| flight.limit > 0) || self.held.is_some();
        for (sent, outcome) in flight.batch.iter().zip(reply.outcomes) {
            self.take_outcome(tx, sent, outcome)?;
            if crosses_page {
                self.answered.insert(sent.id, head);
            }
        }
        self.raise_head(reply.cursor.head.clone());
        if let Some(span) = reply.written {
            self.spans.insert(span.after, span.until);
        }
        if flight.limit > 0 {
            self.page = page_of(&reply.changes);
            self.held = Some(Held { changes: reply.changes, cursor: reply.cursor, more: reply.more });
        }
        self.state.last_sync_at = Some(tx.at().to_owned());
        self.land_and_save(tx)
    }

    fn raise_head(&mut self, head: Option<Head>) {
        let known = self.state.cursor.head.as_ref().map(|head| head.number);
        if head.as_ref().map(|head| head.number) > known {
            self.state.cursor.head = head;
        }
    }

    fn take_outcome(&mut self, tx: &mut Tx<'_>, sent: &Sent, outcome: Outcome) -> Result<(), SyncError> {
        match outcome {
            Outcome::Accepted(revision) => {
                let there = There { revision, epoch: sent.epoch };
                tx.accept(sent.row, sent.number, &there, self.state.listing)?;
                if !self.is_fit(sent.epoch) {
                    // It left before the document that asks for another form came.
                    tx.mark_form(sent.row)?;
                }
                if self.has_aside {
                    // It went over whatever could not be read there.
                    tx.clear_aside(sent.id)?;
                }
                if let Some(author) = &self.options.author {
                    tx.note_author(sent.row, sent.number, author)?;
                }
                self.tell(sent, if sent.is_tombstone { What::PushedDelete } else { What::Pushed });
            }
            Outcome::Rejected { message, .. } => self.set_aside_ours(tx, sent, &message)?,
            Outcome::Conflict(stored) => {
                let named = stored.as_ref().map(|stored| &stored.revision);
                if named == sent.guard.as_ref() {
                    let why = format!("it refuses {} for a revision that it has", sent.id);
                    return Err(SyncError::Protocol(why));
                }
                self.be_patient(sent)?;
                match stored {
                    Some(stored) => self.arrive_instead(tx, sent, stored)?,
                    None => absent(tx, sent.id)?,
                }
            }
        }
        Ok(())
    }

    fn be_patient(&mut self, sent: &Sent) -> Result<(), SyncError> {
        let times = self.refused.entry(sent.row).or_default();
        *times += 1;
        if *times > PATIENCE {
            return Err(SyncError::Protocol(format!("it refuses {} again and again", sent.id)));
        }
        // It goes again behind the place where the look for records to send ended.
        Ok(())
    }

    /// The backend has another version than ours was made against.
    fn arrive_instead(&mut self, tx: &mut Tx<'_>, sent: &Sent, stored: Stored) -> Result<(), SyncError> {
        if self.arrive(tx, sent.id.as_str(), stored)? {
            return Ok(());
        }
        self.set_aside_ours(tx, sent, "the cloud has a version that cannot be read here")
    }

    /// Goes on after a request that is not in flight any more.
    pub(super) fn land_and_save(&mut self, tx: &mut Tx<'_>) -> Result<Option<SyncError>, SyncError> {
        let stop = self.land(tx)?;
        tx.save_space_state(&self.state)?;
        Ok(stop)
    }

    /// Applies the page that waits, once nothing in flight can cross it, and goes on over our own commits.
    fn land(&mut self, tx: &mut Tx<'_>) -> Result<Option<SyncError>, SyncError> {
        let mut stop = None;
        if let Some(page) = self.held.take() {
            if self.must_wait(&page) {
                self.held = Some(page);
                return Ok(None);
            }
            stop = self.take_page(tx, page)?;
        }
        if stop.is_none() && self.flights.values().all(|flight| flight.limit == 0) {
            self.follow_spans();
        }
        Ok(stop)
    }

    /// A page that has a record in flight waits for that record's answer; the end of a listing waits for all of them.
    fn must_wait(&self, page: &Held) -> bool {
        if self.flights.is_empty() {
            return false;
        }
        let ends_listing = self.state.goal.is_some() && !page.more;
        let flying = || self.flights.values().flat_map(|flight| &flight.batch).map(|sent| sent.id.as_str());
        ends_listing
            || (!page.changes.is_empty() && {
                let flying: std::collections::HashSet<&str> = flying().collect();
                page.changes.iter().any(|change| flying.contains(change.id.as_str()))
            })
    }

    fn take_page(&mut self, tx: &mut Tx<'_>, page: Held) -> Result<Option<SyncError>, SyncError> {
        if let Some(wrong) = self.follow_run(tx, &page)? {
            return Ok(Some(wrong));
        }
        let head = page.cursor.head.as_ref().map(|head| head.number);
        let answered = std::mem::take(&mut self.answered);
        for Change { id, stored } in page.changes {
            if !is_older(&answered, &id, head) {
                self.arrive(tx, &id, stored)?;
            } else if self.state.goal.is_some()
                && let Ok(id) = id.parse()
            {
                tx.mark_listed(id, self.state.listing)?;
            }
        }
        if page.more {
            self.wants_page = true;
        } else {
            if let Some(goal) = self.state.goal {
                self.miss_document(goal)?;
                if let Some(stop) = self.end_listing(tx, goal)? {
                    return Ok(Some(stop));
                }
                self.state.goal = None;
            }
            self.look_through(tx)?;
        }
        self.lists_first &= page.more;
        self.state.cursor.position = page.cursor.position;
        Ok(None)
    }

    /// Whether the backend gets on with its pages. One that does not is refused, and the cursor stays.
    fn follow_run(&mut self, tx: &Tx<'_>, page: &Held) -> Result<Option<SyncError>, SyncError> {
        if !page.more {
            self.run = Run::default();
            return Ok(None);
        }
        let met = self.met.len() as u64;
        let known = || tx.count_known().map(|known| known.max(met));
        let wrong = self.run.go_on(page.cursor.position.as_ref(), page.changes.len(), known)?;
        Ok(wrong.map(|why| SyncError::Protocol(format!("it lists {why}"))))
    }

    /// Everything was listed: what both sides once had and was not met is gone there.
    fn end_listing(&mut self, tx: &mut Tx<'_>, goal: ListingGoal) -> Result<Option<SyncError>, SyncError> {
        let mut gone = tx.gone(self.state.listing)?;
        if self.options.dry_run {
            gone.retain(|id| !self.met.contains(id));
        }
        if goal == ListingGoal::Delete
            && self.options.deletions == Deletions::Ask
            && let Some(question) = self.question(tx, &gone)?
        {
            return Ok(Some(question));
        }
        for id in gone {
            self.is_gone(tx, id, goal)?;
        }
        Ok(None)
    }

    /// What a person has to say before these are deleted here.
    fn question(&self, tx: &mut Tx<'_>, gone: &[ProjectId]) -> Result<Option<SyncError>, SyncError> {
        let many = gone.len() as u64;
        if self.keys_standing.floor == 0 {
            let total = if many > 10 { tx.count_live()? } else { u64::MAX };
            return Ok((many.saturating_mul(10) > total).then_some(SyncError::ManyGone { gone: many, total }));
        }
        // Members seal their deletions here: a backend that merely does not show a record speaks for nobody.
        let mut unsaid = 0;
        for id in gone {
            let is_deleted = |known: &Tracked| !known.is_tombstone && !known.is_dirty();
            unsaid += u64::from(tx.tracked(*id)?.as_ref().is_some_and(is_deleted));
        }
        match unsaid {
            0 => Ok(None),
            gone => Ok(Some(SyncError::Unsaid { gone, total: tx.count_live()? })),
        }
    }

    /// Where a span of our own commits begins at the position, the next page may begin at its end.
    fn follow_spans(&mut self) {
        let position: &mut Option<Position> = &mut self.state.cursor.position;
        while let Some(until) = position.as_ref().and_then(|at| self.spans.remove(at)) {
            *position = Some(until);
        }
    }
}

/// How many records the next page may have, if they are like these.
fn page_of(changes: &[Change]) -> u32 {
    let bytes: usize = changes.iter().map(|change| change.stored.envelope.len()).sum();
    let fit = PARCEL.saturating_mul(changes.len() as u64).checked_div(bytes as u64);
    fit.and_then(|fit| u32::try_from(fit).ok()).unwrap_or(PAGE).clamp(1, PAGE)
}

/// The record is not there (any more): ours goes up as a new one, a tombstone rests. One that only was to go again in another form is
/// as agreed as before; the end of the listing tells that it is gone.
pub(super) fn absent(tx: &Tx<'_>, id: ProjectId) -> Result<(), SyncError> {
    if let Some(known) = tx.tracked(id)? {
        if !known.is_dirty() && !known.is_tombstone {
            return Ok(tx.agree(known.row, &Agreed { clean_at: Some(known.number), ..known.agreed })?);
        }
        let clean_at = known.is_tombstone.then_some(known.number);
        tx.agree(known.row, &Agreed { base_at: known.agreed.base_at, there: None, clean_at })?;
    }
    Ok(())
}

/// Whether the page's entry is older than an answer about the record that came since the page was asked for.
fn is_older(answered: &HashMap<ProjectId, Option<u64>>, id: &str, page: Option<u64>) -> bool {
    let answer = id.parse().ok().and_then(|id: ProjectId| answered.get(&id));
    matches!((answer, page), (Some(Some(answer)), Some(page)) if *answer >= page)
}

/// Whether the reply is one that the request can have.
fn check(flight: &Flight, reply: &Reply) -> Result<(), SyncError> {
    let wrong = |why: String| Err(SyncError::Protocol(why));
    let mutations = flight.batch.len() + usize::from(flight.is_for_document);
    if reply.outcomes.len() != mutations {
        return wrong(format!("{} outcomes for {mutations} mutations", reply.outcomes.len()));
    }
    if reply.cursor.head.as_ref().is_some_and(|head| i64::try_from(head.number).is_err()) {
        return wrong("it numbers a commit above 2^63 - 1".to_owned());
    }
    if flight.limit == 0 {
        return if reply.changes.is_empty() && !reply.more {
            Ok(())
        } else {
            wrong("a page that was not asked for".to_owned())
        };
    }
    if reply.more && reply.cursor.position.is_none() {
        return wrong("there is more, but no position to go on from".to_owned());
    }
    if reply.more && reply.changes.is_empty() && reply.cursor.position == flight.cursor.position {
        return wrong("there is more, but it does not get on".to_owned());
    }
    Ok(())
}
