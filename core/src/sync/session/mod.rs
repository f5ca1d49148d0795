//! One sync, without I/O: what to ask next, and what an answer changes.
//!
//! A session lives as long as its process; all that must outlive it is in the store, and a new session goes on from there. It
//! keeps what is in flight (ids and numbers, no payloads), which answers came since the page under way was asked for, and
//! spans that do not fit yet. Parts: `push` fills requests, `apply` takes answers, `arrive` decides about one version, `sealing` about
//! keys and forms.

mod apply;
mod arrive;
mod heal;
mod push;
mod run;
mod sealing;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::SyncError;
use super::event::{Event, Summary};
use super::options::{Compare, Options};
use super::provider::{Cursor, Failure, Limits, Position, ProviderError, Reply, Request, Revision};
use crate::project::ProjectId;
use crate::seal::keys::{KeyError, Standing};
use crate::store::{Durability, ListingGoal, SpaceState, Store, StoreError, Tx};
use apply::Held;
use run::Run;

/// Pushes in flight at once, unless the options say otherwise. One is on its way while the next is made; each is held in memory
/// several times, here and in the provider.
const IN_FLIGHT: usize = 2;
/// Records of a batch, unless the options say otherwise or the backend takes fewer.
const BATCH: u32 = 435;
/// Records of a page. It is applied in one transaction, and whoever edits a project meanwhile waits for that.
const PAGE: u32 = 500;
/// Bytes of envelopes, of a batch and, as far as can be foreseen, of a page: twice what the largest record has. With the number of
/// requests in flight they say what a sync holds, whatever the store does.
const PARCEL: u64 = 2 << 20;

/// A request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlightId(u64);

/// What a session wants.
#[derive(Debug)]
pub enum Next {
    /// Send this, and bring the answer.
    Ask(FlightId, Request),
    /// An answer has to come first.
    Wait,
    /// Both sides have nothing more to say.
    Done,
}

/// One sync of one space with one backend.
#[derive(Debug)]
pub struct Session {
    options: Options,
    limits: Limits,
    /// As it is in the store.
    state: SpaceState,
    flights: BTreeMap<FlightId, Flight>,
    last_flight: u64,
    /// Rows of records in flight.
    busy: HashSet<i64>,
    /// The page that waits for pushes which it crosses.
    held: Option<Held>,
    /// Records answered since the page under way was asked for, with the commit that the answer knew of.
    answered: HashMap<ProjectId, Option<u64>>,
    /// Commits of our own, from position to position, that we need not list.
    spans: HashMap<Position, Position>,
    wants_page: bool,
    /// Records that the next page may have, by the size of those that came.
    page: u32,
    /// An answer came: the backend takes this cursor.
    is_met: bool,
    /// Nothing is sent until what there is was listed: a listing compares everything, or whether the account is sealed is not known.
    lists_first: bool,
    /// How the account is sealed, as far as this device knows.
    keys_standing: Standing,
    /// The number of our key document when the backend was last asked for its own.
    asked: Option<u64>,
    /// The number of our key document when it was last met there.
    met_document: Option<u64>,
    /// The number of our key document when the listing under way began, where it began in this session.
    listed_with: Option<u64>,
    /// Replies that wait until the backend has answered with its key document.
    waiting: Vec<(FlightId, Reply)>,
    /// A request that was refused as a whole was followed by a look at what there is.
    has_looked: bool,
    /// It was refused again, by an older key document than ours: nothing is sent until the backend has ours.
    holds_back: bool,
    /// The row up to which the records to send were looked through.
    swept: i64,
    /// How often the backend preferred its version of a record.
    refused: HashMap<i64, u32>,
    expired: u32,
    /// The pages that followed one another until now.
    run: Run,
    /// Versions that could not be read wait in the store.
    has_aside: bool,
    /// What a dry run met in the listing.
    met: HashSet<ProjectId>,
    events: Vec<Event>,
    summary: Summary,
}

/// A request under way, as far as its answer needs it.
#[derive(Debug)]
struct Flight {
    batch: Vec<Sent>,
    cursor: Cursor,
    limit: u32,
    /// It asks for the key document alone.
    is_for_document: bool,
}

/// A mutation under way.
#[derive(Debug, Clone)]
struct Sent {
    row: i64,
    id: ProjectId,
    name: String,
    is_tombstone: bool,
    number: u64,
    guard: Option<Revision>,
    /// Under which it was sealed; 0: it is plain.
    epoch: u32,
}

impl Session {
    /// A sync of the store's space with the account and backend that `remote` names.
    pub fn begin(
        store: &mut Store,
        remote: &str,
        limits: Limits,
        options: Options,
    ) -> Result<Self, SyncError> {
        let (mended, state, has_aside) = look(store, &options)?;
        let keys_standing = options.keys.standing();
        if options.must_seal && !keys_standing.seals {
            return Err(KeyError::MustSeal.into());
        }
        store.write_much()?;
        let mut session = Self {
            // One that was begun goes on: what the backend still has need not be sent.
            lists_first: state.goal.is_some_and(|goal| goal != ListingGoal::Delete),
            keys_standing,
            asked: None,
            met_document: None,
            listed_with: None,
            waiting: Vec::new(),
            has_looked: false,
            holds_back: false,
            state,
            has_aside,
            limits,
            flights: BTreeMap::new(),
            last_flight: 0,
            busy: HashSet::new(),
            held: None,
            answered: HashMap::new(),
            spans: HashMap::new(),
            wants_page: true,
            page: PAGE,
            is_met: false,
            swept: 0,
            refused: HashMap::new(),
            expired: 0,
            run: Run::default(),
            met: HashSet::new(),
            events: Vec::new(),
            summary: Summary { mended, ..Summary::default() },
            options,
        };
        session.meet(store, remote)?;
        Ok(session)
    }

    /// Compares the remote with the one that the store knows, and prepares a forced comparison.
    fn meet(&mut self, store: &mut Store, remote: &str) -> Result<(), SyncError> {
        let is_other = self.state.remote.as_deref().is_some_and(|known| known != remote);
        if is_other && self.options.compare != Compare::Joining {
            let was = self.state.remote.clone().unwrap_or_default();
            return Err(SyncError::OtherRemote { was, now: remote.to_owned() });
        }
        let compares_all = self.options.compare != Compare::Changes;
        let lost_keys = self.state.document.is_some_and(|number| self.keys_standing.number < number);
        let is_new = self.state.remote.as_deref() != Some(remote);
        self.lists_first |= is_new || self.state.document.is_none() || lost_keys;
        self.lists_first |= self.options.looks_first && !self.keys_standing.seals;
        if is_new {
            self.state.remote = Some(remote.to_owned());
            self.state.document = None;
        } else if !compares_all && !lost_keys {
            return Ok(());
        }
        if lost_keys {
            // The document that these keys do not know stands before the position.
            self.state.cursor.position = None;
        }
        if compares_all {
            self.state.cursor.position = None;
            self.state.goal = Some(ListingGoal::Compare);
            self.lists_first = true;
        }
        if is_other {
            self.state.cursor.head = None;
        }
        self.transact(store, |session, tx| {
            if is_other {
                tx.offer_everything()?;
            }
            Ok(tx.save_space_state(&session.state)?)
        })
    }

    /// The next request. What it carries is marked as sent, and that is committed, before this returns.
    pub fn next(&mut self, store: &mut Store) -> Result<Next, SyncError> {
        if let Some(first) = self.ask_for_document() {
            return Ok(first);
        }
        let asks =
            self.wants_page && self.held.is_none() && self.flights.values().all(|flight| flight.limit == 0);
        let batch = if self.may_push() { self.fill(store)? } else { Vec::new() };
        if !asks && batch.is_empty() {
            return if self.flights.is_empty() { self.finish(store) } else { Ok(Next::Wait) };
        }
        if asks {
            self.ask_for_page(store)?;
        }
        let limit = if asks { self.limits.max_page.min(self.page).max(1) } else { 0 };
        let (batch, mutations) = batch.into_iter().unzip();
        let cursor = self.state.cursor.clone();
        let flight = FlightId(self.last_flight + 1);
        self.last_flight = flight.0;
        self.flights.insert(flight, Flight { batch, cursor: cursor.clone(), limit, is_for_document: false });
        Ok(Next::Ask(flight, Request { cursor, mutations, limit }))
    }

    fn ask_for_page(&mut self, store: &mut Store) -> Result<(), SyncError> {
        self.wants_page = false;
        self.answered.clear();
        if self.state.cursor.position.is_some() {
            return Ok(());
        }
        self.state.listing += 1;
        self.listed_with = Some(self.keys_standing.number);
        self.state.goal.get_or_insert(ListingGoal::Delete);
        self.met.clear();
        self.transact(store, |session, tx| Ok(tx.save_space_state(&session.state)?))
    }

    /// The request failed as a whole. An error ends the session; where there is none, smaller requests may pass.
    pub fn fail(
        &mut self,
        store: &mut Store,
        flight: FlightId,
        error: ProviderError,
    ) -> Result<(), SyncError> {
        let Some(flight) = self.flights.remove(&flight) else {
            return Ok(());
        };
        for sent in &flight.batch {
            self.busy.remove(&sent.row);
        }
        if error.failure == Failure::Forbidden && flight.is_for_document {
            // Who may only read may not even ask so; the document comes on a page.
            return self.go_on(store, KeyError::Missing);
        }
        if error.failure == Failure::Forbidden && self.may_look(&flight) {
            let stop = self.transact(store, |session, tx| session.land_and_save(tx))?;
            return stop.map_or(Ok(()), Err);
        }
        if error.failure != Failure::TooLarge || flight.is_for_document {
            return Err(error.into());
        }
        let records = u32::try_from(flight.batch.len()).unwrap_or(u32::MAX);
        let mut too_large = None;
        match flight.batch.as_slice() {
            [] if flight.limit <= 1 => return Err(error.into()),
            [] => self.limits.max_page = flight.limit / 2,
            [one] => too_large = Some(one),
            _ => self.limits.max_mutations = records / 2,
        }
        self.wants_page |= flight.limit > 0;
        self.swept = 0;
        let stop = self.transact(store, |session, tx| {
            if let Some(one) = too_large {
                session.set_aside_ours(tx, one, &error.message)?;
            }
            session.land_and_save(tx)
        })?;
        stop.map_or(Ok(()), Err)
    }

    /// A request was refused as a whole. It may be that the account was sealed, or unsealed, since this device looked: that the key
    /// document tells. True: nothing more is sent before what there is was listed.
    fn may_look(&mut self, refused: &Flight) -> bool {
        if refused.batch.is_empty() {
            return false;
        }
        if self.has_looked && !self.lists_first {
            self.holds_back = self.state.document_behind;
            return self.holds_back;
        }
        self.has_looked = true;
        self.lists_first = true;
        self.wants_page |= self.held.is_none() && self.flights.values().all(|flight| flight.limit == 0);
        self.swept = 0;
        true
    }

    /// What happened since this was last called. All of it is committed.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What the session did so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn finish(&mut self, store: &mut Store) -> Result<Next, SyncError> {
        debug_assert!(self.held.is_none(), "a page waits for nothing");
        self.summary.document_behind = self.state.document_behind;
        if let Some(to) = self.state.resealing {
            let floor = self.keys_standing.floor;
            self.summary.left_to_reseal = Some(self.transact(store, |_, tx| Ok(tx.count_below(floor, to)?))?);
        }
        if self.options.dry_run {
            self.plan_pushes(store)?;
        } else if store.has_synced()? {
            self.transact(store, |_, tx| Ok(tx.tell_synced()?))?;
        }
        Ok(Next::Done)
    }

    /// Does `work` in one transaction. What a loss of power takes back of it can be fetched again.
    fn transact<T>(
        &mut self,
        store: &mut Store,
        work: impl FnOnce(&mut Self, &mut Tx<'_>) -> Result<T, SyncError>,
    ) -> Result<T, SyncError> {
        self.transact_as(Durability::Refetchable, store, work)
    }

    /// Does `work` in one transaction; in a dry run all of it is taken back. Events of what failed are forgotten.
    fn transact_as<T>(
        &mut self,
        durability: Durability,
        store: &mut Store,
        work: impl FnOnce(&mut Self, &mut Tx<'_>) -> Result<T, SyncError>,
    ) -> Result<T, SyncError> {
        let told = self.events.len();
        let dry_run = self.options.dry_run;
        let mut dry = None;
        let done = store.write(durability, |tx| {
            if dry_run && self.summary.mended > 0 {
                // What the beginning mended was taken back, too.
                tx.mend()?;
            }
            match work(self, tx) {
                Ok(value) if dry_run => {
                    dry = Some(value);
                    Err(TakenBack::DryRun)
                }
                Ok(value) => {
                    let changed = self.events[told..].iter().filter(|event| event.what.is_change());
                    tx.note_synced(changed.map(|event| event.id.as_str()))?;
                    Ok(value)
                }
                Err(error) => Err(TakenBack::Failed(error)),
            }
        });
        let done = match (done, dry) {
            (Err(TakenBack::DryRun), Some(value)) | (Ok(value), _) => Ok(value),
            (Err(TakenBack::Failed(error)), _) => Err(error),
            (Err(TakenBack::DryRun), None) => {
                Err(SyncError::Protocol("a dry run without an outcome".to_owned()))
            }
        };
        match &done {
            Ok(_) => self.events[told..].iter().for_each(|event| self.summary.count(event)),
            Err(_) => self.events.truncate(told),
        }
        done
    }
}

/// Where the space stands. Before everything is compared, what makes no sense in the store is mended; how much that was comes first.
fn look(store: &mut Store, options: &Options) -> Result<(u64, SpaceState, bool), SyncError> {
    if options.compare == Compare::Changes {
        let (state, has_aside) = store.space_state()?;
        return Ok((0, state, has_aside));
    }
    let mut seen = None;
    let kept = store.write(Durability::Refetchable, |tx| {
        let mended = tx.mend()?.len() as u64;
        let (state, has_aside) = tx.space_state()?;
        seen = Some((mended, state, has_aside));
        if options.dry_run { Err(TakenBack::DryRun) } else { Ok(()) }
    });
    match (kept, seen) {
        (Ok(()) | Err(TakenBack::DryRun), Some(seen)) => Ok(seen),
        (Err(TakenBack::Failed(error)), _) => Err(error),
        (_, None) => Err(SyncError::Protocol("a store that was not looked at".to_owned())),
    }
}

/// Why a transaction is rolled back.
enum TakenBack {
    DryRun,
    Failed(SyncError),
}

impl From<StoreError> for TakenBack {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

#[cfg(test)]
mod tests;
