//! The account's key document, as it is met on pages and asked for, and the form in which the other side is to hold each record.
//!
//! A document is looked at before anything of its reply is applied. Where a reply has a version in a form that is not known here, or a
//! document that is older than ours, the backend is asked for the document alone, and everything waits until it has answered: a page
//! may lag, and the document may stand on the last of many.

use orkee_wire::KEYS_ID;

use super::{Flight, FlightId, Next, Session, SyncError};
use crate::seal::keys::{KeyError, Met};
use crate::store::{Agreed, ListingGoal, Store, There, Tx, Version};
use crate::sync::document::{document_request, epoch_of};
use crate::sync::provider::{Outcome, Reply, Request};

impl Session {
    /// Takes the key document out of a reply and meets it. Whether the backend has to be asked for it before the rest is applied.
    /// `is_last`: all that there is was listed with it.
    pub(super) fn intercept(&mut self, reply: &mut Reply, is_last: bool) -> Result<bool, SyncError> {
        let mut is_older = false;
        while let Some(at) = reply.changes.iter().position(|change| change.id == KEYS_ID) {
            let change = reply.changes.remove(at);
            is_older |= self.meet_document(&change.stored.envelope)?.is_some();
            self.state.document_listed = self.state.listing;
        }
        let number = self.keys_standing.number;
        if self.asked == Some(number) {
            return Ok(false);
        }
        // One that this device put there has to come on a page; else the backend was put back in between, and did not notice.
        let is_missing =
            is_last && self.state.document.unwrap_or(0) != number && self.met_document != Some(number);
        Ok(is_older || is_missing || self.has_lost_its_key() || self.has_unknown_form(reply))
    }

    /// Whether the account was sealed when this store last met it, and its key is not here any more.
    fn has_lost_its_key(&self) -> bool {
        self.keys_standing.number == 0 && self.state.document.is_some_and(|number| number > 0)
    }

    /// Meets a key document. Some: it has this number, and is older than ours.
    fn meet_document(&mut self, envelope: &[u8]) -> Result<Option<u64>, SyncError> {
        let met = match self.may_be_put_back() {
            true => self.options.keys.meet_put_back(envelope),
            false => self.options.keys.meet(envelope),
        }?;
        // Another process may have adopted it already: what is written from now on has its form.
        self.keys_standing = self.options.keys.standing();
        if self.options.must_seal && !self.keys_standing.seals {
            return Err(KeyError::MustSeal.into());
        }
        if let Met::Older(number) = met {
            return Ok(Some(number));
        }
        self.met_document = Some(self.keys_standing.number);
        self.state.document_behind = false;
        Ok(None)
    }

    /// Whether a version of the reply is in a form that a newer document would have to explain.
    fn has_unknown_form(&self, reply: &Reply) -> bool {
        let standing = &self.keys_standing;
        epochs(reply).any(|epoch| match (standing.number, epoch) {
            (0, epoch) => epoch != Some(0),
            (_, Some(epoch)) => epoch > standing.epoch || !standing.is_fit(epoch),
            // A document does not explain how a newer version seals.
            (_, None) => false,
        })
    }

    /// The request for the key document, if replies wait for it.
    pub(super) fn ask_for_document(&mut self) -> Option<Next> {
        if self.waiting.is_empty() {
            return None;
        }
        if self.flights.values().any(|flight| flight.is_for_document) {
            return Some(Next::Wait);
        }
        let cursor = self.state.cursor.clone();
        let flight = FlightId(self.last_flight + 1);
        self.last_flight = flight.0;
        let asked = Flight { batch: Vec::new(), cursor: cursor.clone(), limit: 0, is_for_document: true };
        self.flights.insert(flight, asked);
        Some(Next::Ask(flight, Request { cursor, mutations: vec![document_request()], limit: 0 }))
    }

    /// The backend answered with the key document, or that it has none. What waited for it is applied.
    pub(super) fn take_document(&mut self, store: &mut Store, mut reply: Reply) -> Result<(), SyncError> {
        match reply.outcomes.pop() {
            Some(Outcome::Conflict(Some(stored))) => {
                if let Some(got) = self.meet_document(&stored.envelope)? {
                    self.bear(KeyError::RolledBack { have: self.keys_standing.number, got })?;
                }
            }
            Some(Outcome::Conflict(None)) if self.keys_standing.number > 0 => self.bear(KeyError::Gone)?,
            Some(Outcome::Conflict(None) | Outcome::Rejected { .. }) => {}
            Some(Outcome::Accepted(_)) | None => {
                return Err(SyncError::Protocol(
                    "it stores what names a revision that it never had".to_owned(),
                ));
            }
        }
        self.go_on(store, KeyError::Gone)
    }

    /// Applies what waited for the key document. Without a key, what is there of an account that is or was sealed says nothing: whatever
    /// the backend tells of the document, this device would send it plain records. `hidden`: why there is none.
    pub(super) fn go_on(&mut self, store: &mut Store, hidden: KeyError) -> Result<(), SyncError> {
        if self.has_lost_its_key() {
            return Err(KeyError::Missing.into());
        }
        let is_sealed =
            || self.waiting.iter().flat_map(|(_, reply)| epochs(reply)).any(|epoch| epoch != Some(0));
        if self.keys_standing.number == 0 && self.met_document.is_none() && is_sealed() {
            return Err(hidden.into());
        }
        self.asked = Some(self.keys_standing.number);
        for (id, reply) in std::mem::take(&mut self.waiting) {
            if let Some(flight) = self.take_off(id) {
                self.take(store, &flight, reply)?;
            }
        }
        Ok(())
    }

    /// The backend has less of the key document than this device. After it was put back, or where a person has everything compared,
    /// this is said in the end; else the sync stops.
    fn bear(&mut self, error: KeyError) -> Result<(), SyncError> {
        if !self.may_be_put_back() {
            return Err(error.into());
        }
        self.state.document_behind = true;
        Ok(())
    }

    fn may_be_put_back(&self) -> bool {
        self.summary.new_epoch || self.state.goal.is_some_and(|goal| goal != ListingGoal::Delete)
    }

    /// A full listing has come to its end. One that should have shown the key document and did not says nothing of what is gone.
    pub(super) fn miss_document(&mut self, goal: ListingGoal) -> Result<(), SyncError> {
        let standing = self.keys_standing;
        if standing.number == 0 {
            return Ok(());
        }
        let is_listed = self.state.document_listed == self.state.listing;
        // A key file that is older than the store: what came since has to come again.
        if let Some(have) = self.state.document.filter(|seen| *seen > standing.number) {
            let got = standing.number;
            return self.bear(if is_listed { KeyError::RolledBack { have, got } } else { KeyError::Gone });
        }
        if is_listed {
            return Ok(());
        }
        // One that began before the document was put there need not show it.
        let knew = [self.state.document, self.listed_with].contains(&Some(standing.number));
        if goal != ListingGoal::Delete || !standing.seals {
            self.state.document_behind |= goal != ListingGoal::Delete || knew;
            return Ok(());
        }
        if knew { self.bear(KeyError::Gone) } else { Ok(()) }
    }

    /// All that there is was listed. Where the key document is another than the one that the records were looked through for, they
    /// are; and what was set aside is tried again, of it or because a person said so.
    pub(super) fn look_through(&mut self, tx: &mut Tx<'_>) -> Result<(), SyncError> {
        let standing = self.keys_standing;
        let is_other = self.state.document.unwrap_or(0) != standing.number;
        if self.has_aside {
            self.try_again(tx, is_other)?;
        }
        self.state.document = Some(standing.number);
        if !is_other {
            return Ok(());
        }
        // A change over the other way is over: it would never come to its end.
        if self.state.resealing.is_some_and(|to| (to > 0) != standing.seals || to > standing.form()) {
            tx.end_reseal()?;
            self.state.resealing = None;
        }
        match standing.seals {
            true if standing.floor > 0 => drop(tx.mark_below(standing.floor)?),
            true => {}
            false => drop(tx.mark_sealed()?),
        }
        Ok(())
    }

    fn try_again(&mut self, tx: &mut Tx<'_>, all: bool) -> Result<(), SyncError> {
        for id in tx.aside(all)? {
            let Some(stored) = tx.unread(&id)? else { continue };
            if self.arrive(tx, &id, stored)? {
                // It was set aside for a key that came later in this session.
                self.summary.parked.retain(|parked| parked.id != id);
            }
        }
        Ok(())
    }

    /// Whether the other side may hold a record in this form.
    pub(super) fn is_fit(&self, epoch: u32) -> bool {
        let standing = &self.keys_standing;
        // What would come of sending it again is always fit, or it would be sent for ever.
        if epoch == standing.form() {
            return true;
        }
        let is_resealed = match self.state.resealing {
            Some(to) if standing.seals => epoch >= to,
            _ => true,
        };
        standing.is_fit(epoch) && is_resealed
    }

    /// A version whose form is not accepted any more, or that nobody sealed: nothing of what it says is taken over. Where ours contains
    /// all that it claims to, ours goes over it. False: it has to be set aside.
    pub(super) fn go_over(
        &mut self,
        tx: &mut Tx<'_>,
        there: &There,
        id: crate::project::ProjectId,
        theirs: &Version,
    ) -> Result<bool, SyncError> {
        let Some(known) = tx.tracked(id)? else { return Ok(false) };
        if !crate::sync::ancestry::contains(&known.ancestry, &theirs.ancestry) {
            return Ok(false);
        }
        tx.mark_row_listed(known.row, self.state.listing)?;
        if self.has_aside {
            tx.clear_aside(id)?;
        }
        if self.options.dry_run {
            self.met.insert(id);
        }
        let Agreed { base_at, .. } = known.agreed;
        let ours = if known.ancestry == theirs.ancestry {
            Some(known.number)
        } else {
            tx.find_version(id, known.row, &theirs.ancestry)?
        };
        match base_at.or(ours) {
            Some(base_at) => tx.go_over(&known, there, base_at)?,
            None => {
                // Both are strangers: the version that it claims to be is nowhere here.
                let nothing = Version { payload: None, ..theirs.clone() };
                let base_at = Some(tx.slip_in(&known, id, &nothing)?);
                tx.agree(known.row, &Agreed { base_at, there: Some(there.clone()), clean_at: None })?;
            }
        }
        Ok(true)
    }
}

/// The forms of the versions that a reply has; 0: plain, none: not known to this version.
fn epochs(reply: &Reply) -> impl Iterator<Item = Option<u32>> {
    let changes = reply.changes.iter().map(|change| &change.stored);
    let instead = reply.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Conflict(stored) => stored.as_ref(),
        _ => None,
    });
    changes.chain(instead).map(|stored| epoch_of(&stored.envelope))
}
