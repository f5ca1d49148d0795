//! A backend in memory that keeps the contract, lags, prunes tombstones, and can be put back to an older state by copying it.

use std::collections::{BTreeMap, HashMap, HashSet};

use rand::Rng;
use rand::rngs::SmallRng;

use crate::sync::provider::{
    Answer, Change, Cursor, Head, Outcome, Position, RejectReason, Reply, Request, Revision, Span, Stored,
};

#[derive(Clone, Default)]
pub(crate) struct Backend {
    /// Like a folder of files, it knows neither positions nor heads: each sync lists everything, and nobody notices that it
    /// was put back.
    pub(crate) is_plain: bool,
    commits: u64,
    /// Of the newest tombstone that was pruned.
    horizon: u64,
    held: Records,
    tags: HashMap<u64, String>,
    /// An older state that pages may be read from.
    replica: Option<(u64, Records)>,
    listed: u64,
    /// The record that it does not take.
    pub(crate) refuses: Option<String>,
}

/// Records by id, each with its commit and envelope.
type Records = BTreeMap<String, (u64, Vec<u8>)>;

impl Backend {
    pub(crate) fn exchange(&mut self, request: &Request, rng: &mut SmallRng) -> Answer {
        if let Some(head) = &request.cursor.head
            && self.tag(head.number) != Some(head.tag.as_str())
        {
            return Answer::NewEpoch;
        }
        let (mark, listing) = match &request.cursor.position {
            Some(position) => read(position),
            None => (0, Some(self.commits)),
        };
        if mark.max(listing.unwrap_or(0)) < self.horizon {
            return Answer::Expired;
        }
        let (before, mut own) = (self.commits, HashSet::new());
        let outcomes = request.mutations.iter().map(|mutation| {
            if self.refuses.as_ref() == Some(&mutation.id) {
                let message = "not this one".to_owned();
                return Outcome::Rejected { reason: RejectReason::Invalid, message };
            }
            let held = self.held.get(&mutation.id);
            if held.map(|(commit, _)| self.revision(*commit)) == mutation.guard {
                self.commits += 1;
                self.tags.insert(self.commits, format!("{:x}", rng.random::<u32>()));
                self.held.insert(mutation.id.clone(), (self.commits, mutation.envelope.clone()));
                own.insert(self.commits);
                return Outcome::Accepted(self.revision(self.commits));
            }
            Outcome::Conflict(held.map(|(commit, envelope)| Stored {
                revision: self.revision(*commit),
                envelope: envelope.clone(),
            }))
        });
        let outcomes = outcomes.collect();
        let mut reply = Reply { outcomes, ..Reply::default() };
        let head = Head { number: self.commits, tag: self.tag(self.commits).unwrap_or_default().to_owned() };
        reply.cursor = Cursor { position: request.cursor.position.clone(), head: Some(head) };
        reply.written = (!own.is_empty())
            .then(|| Span { after: position(before, None), until: position(self.commits, None) });
        if self.is_plain {
            (reply.cursor.head, reply.written) = (None, None);
        }
        if request.limit > 0 {
            self.list(&mut reply, (mark, listing), &own, request.limit as usize, rng);
        }
        Answer::Page(reply)
    }

    fn list(
        &mut self,
        reply: &mut Reply,
        (mark, listing): (u64, Option<u64>),
        own: &HashSet<u64>,
        limit: usize,
        rng: &mut SmallRng,
    ) {
        let now = (self.commits, &self.held);
        let (top, held) = match &self.replica {
            Some((top, held)) if listing.is_none() && *top >= mark && rng.random_bool(0.4) => (*top, held),
            _ => now,
        };
        let newer = held.iter().filter(|(_, (revision, _))| *revision > mark && !own.contains(revision));
        let mut newer: Vec<_> = newer.map(|(id, (revision, envelope))| (*revision, id, envelope)).collect();
        newer.sort_unstable();
        reply.more = newer.len() > limit;
        newer.truncate(limit);
        reply.cursor.position = match newer.last() {
            Some((commit, ..)) if reply.more => Some(position(*commit, listing)),
            _ if self.is_plain => None,
            _ => Some(position(top.max(mark), None)),
        };
        let changes = newer.into_iter().map(|(commit, id, envelope)| Change {
            id: id.clone(),
            stored: Stored { revision: self.revision(commit), envelope: envelope.clone() },
        });
        reply.changes = changes.collect();
        if !self.is_plain {
            self.listed += reply.changes.len() as u64;
        }
    }

    /// A commit that was made, lost and made again has another revision where nobody would notice otherwise.
    fn revision(&self, commit: u64) -> Revision {
        match self.is_plain {
            true => Revision(format!("{commit}.{}", self.tag(commit).unwrap_or_default())),
            false => Revision(commit.to_string()),
        }
    }

    fn tag(&self, commit: u64) -> Option<&str> {
        if commit == 0 { Some("none") } else { self.tags.get(&commit).map(String::as_str) }
    }

    /// Forgets what was deleted.
    pub(crate) fn prune(&mut self) {
        let newest = self
            .held
            .values()
            .filter(|(_, envelope)| is_tombstone(envelope))
            .map(|(revision, _)| *revision)
            .max();
        self.horizon = self.horizon.max(newest.unwrap_or(0));
        self.held.retain(|_, (_, envelope)| !is_tombstone(envelope));
        self.replica = None;
    }

    /// From now on pages may show this state, until it is pruned or forgotten.
    pub(crate) fn start_to_lag(&mut self) {
        self.replica = Some((self.commits, self.held.clone()));
    }

    pub(crate) fn stop_lagging(&mut self) {
        self.replica = None;
    }

    /// The payloads that are not tombstones, by id.
    pub(crate) fn live(&self) -> BTreeMap<String, String> {
        let live = self.held.iter().filter(|(_, (_, envelope))| !is_tombstone(envelope));
        live.map(|(id, (_, envelope))| (id.clone(), payload(envelope))).collect()
    }

    /// What it holds of a record.
    pub(crate) fn envelope(&self, id: &str) -> Option<&[u8]> {
        self.held.get(id).map(|(_, envelope)| envelope.as_slice())
    }

    /// All that it holds.
    pub(crate) fn envelopes(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.held.iter().map(|(id, (_, envelope))| (id.as_str(), envelope.as_slice()))
    }

    /// Versions stored and versions listed, so far.
    pub(crate) fn traffic(&self) -> (u64, u64) {
        (self.commits, self.listed)
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// Stores a version as another program would.
    pub(crate) fn put(&mut self, id: &str, envelope: Vec<u8>) {
        self.commits += 1;
        self.tags.insert(self.commits, format!("tag{}", self.commits));
        self.held.insert(id.to_owned(), (self.commits, envelope));
    }

    /// Loses a record without a trace.
    pub(crate) fn lose(&mut self, id: &str) {
        self.held.remove(id);
    }
}

fn position(mark: u64, listing: Option<u64>) -> Position {
    Position(listing.map_or_else(|| mark.to_string(), |listing| format!("{mark}/{listing}")))
}

fn read(position: &Position) -> (u64, Option<u64>) {
    match position.0.split_once('/') {
        Some((mark, listing)) => (mark.parse().unwrap(), Some(listing.parse().unwrap())),
        None => (position.0.parse().unwrap(), None),
    }
}

fn payload(envelope: &[u8]) -> String {
    let end = envelope.iter().position(|byte| *byte == b'\n').unwrap();
    String::from_utf8(envelope[end + 1..].to_vec()).unwrap()
}

fn is_tombstone(envelope: &[u8]) -> bool {
    envelope.iter().position(|byte| *byte == b'\n').is_some_and(|end| end + 1 == envelope.len())
}
