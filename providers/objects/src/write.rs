//! Carrying out mutations: announce, write, close.

use orkee_provider_sdk::{Exchange, Failure, Head, Outcome, Span, Stored, debug};

use crate::commit::{self, Contents};
use crate::listing::record;
use crate::log::Log;
use crate::position::Position;
use crate::prune;
use crate::store::{Guard, Put, Store, Written};

/// How often the next number is tried.
const TRIES: u64 = 64;
/// A writer that finds its records written later than this after the announcement announces them again. Less than
/// `OPEN_SECONDS`, since a reader that counts the commit as ended looks at the records a moment later.
const LATE_SECONDS: u64 = 15 * 60;

/// What became of the mutations.
pub(crate) struct Result {
    pub(crate) outcomes: Vec<Outcome>,
    /// The newest commit.
    pub(crate) head: Option<Head>,
    /// The commit of this exchange, if there was exactly one.
    own: Option<u64>,
}

impl Result {
    pub(crate) fn has_accepted(&self, exchange: &Exchange, id: &str) -> bool {
        let mut pairs = exchange.mutations.iter().zip(&self.outcomes);
        pairs.any(|(mutation, outcome)| mutation.id == id && matches!(outcome, Outcome::Accepted(_)))
    }

    /// Who has taken in all before this exchange's commit may go on after it. `position`: what such a reader stands at, but for `taken`.
    pub(crate) fn span(&self, position: Option<&Position>) -> Option<Span> {
        let (number, position) = (self.own?, position?);
        if position.listing.is_some() || position.within.is_some() {
            return None;
        }
        Some(Span { after: position.at(number - 1).text(), until: position.at(number).text() })
    }
}

/// An announced commit.
struct Announced {
    number: u64,
    tag: String,
    date: u64,
}

pub(crate) fn write<S: Store>(
    store: &mut S,
    exchange: &Exchange,
    log: &Log,
) -> std::result::Result<Result, Failure> {
    if exchange.mutations.is_empty() {
        return Ok(Result { outcomes: Vec::new(), head: log.head(), own: None });
    }
    let size = |envelope: &[u8]| u64::try_from(envelope.len()).unwrap_or(u64::MAX);
    let all = exchange.mutations.iter().map(|mutation| (mutation.id.clone(), size(&mutation.envelope)));
    let first = announce(store, log.newest(), all.collect())?;
    // Where one is in doubt the commit stays open: that record may be written at any moment.
    let written = put(store, exchange)?;
    let latest = written.iter().filter_map(|written| match written {
        Written::Stored { date, .. } => Some(*date),
        Written::Refused | Written::Rejected(_) => None,
    });
    let latest = latest.max().unwrap_or(0);
    let outcomes = outcomes(store, exchange, written)?;
    let pairs = exchange.mutations.iter().zip(&outcomes);
    let stored = pairs.filter(|(mutation, outcome)| match outcome {
        Outcome::Accepted(_) => true,
        // An earlier attempt wrote it and was cut off. Its commit is open, and readers need not wait for that.
        Outcome::Conflict(Some(held)) => held.envelope == mutation.envelope,
        Outcome::Conflict(None) | Outcome::Rejected(_) => false,
    });
    let stored: Vec<_> =
        stored.map(|(mutation, _)| (mutation.id.clone(), size(&mutation.envelope))).collect();
    close(store, first.number, stored.clone());
    let late = latest.saturating_sub(first.date) > LATE_SECONDS;
    let last = if late {
        let again = announce(store, first.number, stored.clone())?;
        close(store, again.number, stored);
        again
    } else {
        first
    };
    prune::now_and_then(store, last.number);
    let own = (!late).then_some(last.number);
    Ok(Result { outcomes, head: Some(Head { number: last.number, tag: last.tag }), own })
}

/// Takes the next number. That a number is taken is the only thing that makes the one after it free: there are no gaps.
fn announce<S: Store>(
    store: &mut S,
    newest: u64,
    records: Vec<(String, u64)>,
) -> std::result::Result<Announced, Failure> {
    let body = Contents::of(store.nonce(), records).bytes();
    for number in newest + 1..=newest + TRIES {
        if number > commit::LAST {
            return Err(Failure::Unsuitable("the store's log is full".to_owned()));
        }
        let put = Put { key: commit::announcement(number), guard: Guard::Absent, body: body.clone() };
        match one(store, put)? {
            Written::Stored { etag, date } => return Ok(Announced { number, tag: etag, date }),
            Written::Refused => {}
            Written::Rejected(rejection) => return Err(Failure::Unsuitable(rejection.message)),
        }
    }
    Err(Failure::Busy(None))
}

fn put<S: Store>(store: &mut S, exchange: &Exchange) -> std::result::Result<Vec<Written>, Failure> {
    let puts = exchange.mutations.iter().map(|mutation| Put {
        key: record(&mutation.id),
        guard: mutation.guard.clone().map_or(Guard::Absent, Guard::Match),
        body: mutation.envelope.clone(),
    });
    let written = store.put(puts.collect());
    if written.len() != exchange.mutations.len() {
        return Err(Failure::Protocol("the store did not answer each request".to_owned()));
    }
    written.into_iter().collect()
}

/// That a commit cannot be closed is no failure: what it names is written, and readers wait for its time to pass.
fn close<S: Store>(store: &mut S, number: u64, records: Vec<(String, u64)>) {
    let body = Contents::of(String::new(), records).bytes();
    let put = Put { key: commit::closing(number), guard: Guard::Absent, body };
    if let Err(error) = one(store, put) {
        debug(&format!("commit {number} stays open: {error:?}"));
    }
}

fn one<S: Store>(store: &mut S, put: Put) -> std::result::Result<Written, Failure> {
    let written = store.put(vec![put]).into_iter().next();
    written.unwrap_or_else(|| Err(Failure::Protocol("the store did not answer".to_owned())))
}

fn outcomes<S: Store>(
    store: &mut S,
    exchange: &Exchange,
    written: Vec<Written>,
) -> std::result::Result<Vec<Outcome>, Failure> {
    let pairs = exchange.mutations.iter().zip(&written);
    let refused = pairs.filter(|(_, written)| matches!(written, Written::Refused));
    let keys: Vec<_> = refused.map(|(mutation, _)| record(&mutation.id)).collect();
    let mut held = Vec::new();
    for portion in keys.chunks(CONFLICTS_AT_ONCE) {
        held.extend(store.get(portion)?);
    }
    let mut held = held.into_iter();
    let outcome = |written| match written {
        Written::Stored { etag, .. } => Outcome::Accepted(etag),
        Written::Rejected(rejection) => Outcome::Rejected(rejection),
        Written::Refused => {
            let held = held.next().flatten();
            Outcome::Conflict(held.map(|held| Stored { revision: held.etag, envelope: held.body }))
        }
    };
    Ok(written.into_iter().map(outcome).collect())
}

/// What the store holds instead is of unknown size.
const CONFLICTS_AT_ONCE: usize = 8;
