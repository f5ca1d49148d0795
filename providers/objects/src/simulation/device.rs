//! A device as the contract lets it be: it knows records by their revisions, and joins what two devices said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use orkee_provider_sdk::{Answer, Cursor, Exchange, Failure, Mutation, Outcome, Page};

use super::memory::{Client, Memory};
use crate::exchange;

pub(super) struct Device {
    pub(super) number: usize,
    client: Client,
    pub(super) cursor: Cursor,
    /// Ids with revision and text.
    pub(super) known: BTreeMap<String, (String, String)>,
    /// Said and not yet accepted.
    unsent: BTreeMap<String, BTreeSet<String>>,
    /// Every word that a person ever said here.
    pub(super) said: BTreeMap<String, Vec<String>>,
    words: usize,
    /// What a full listing that is under way has to show, and what it has shown.
    listing: Option<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Device {
    pub(super) fn new(number: usize, client: Client) -> Self {
        Self {
            number,
            client,
            cursor: Cursor { position: None, head: None },
            known: BTreeMap::new(),
            unsent: BTreeMap::new(),
            said: BTreeMap::new(),
            words: 0,
            listing: None,
        }
    }

    pub(super) fn edit(&mut self, record: usize) {
        self.words += 1;
        let (id, word) = (format!("rec{record:05}"), format!("d{}w{}", self.number, self.words));
        self.unsent.entry(id.clone()).or_default().insert(word.clone());
        self.said.entry(id).or_default().push(word);
    }

    /// As a device does that begins anew.
    pub(super) fn forget_everything(&mut self) {
        self.cursor = Cursor { position: None, head: None };
        self.known.clear();
    }

    pub(super) fn leave(mut self) -> Self {
        self.client.leave();
        self
    }

    /// Pulls, and sends, until a whole pull moves nothing.
    pub(super) fn sync(&mut self, memory: &Arc<Mutex<Memory>>) {
        let mut pulled = None;
        for _ in 0..1000 {
            let unsent = self.unsent.len();
            if self.exchange(2) || !self.unsent.is_empty() {
                continue;
            }
            let position = self.cursor.position.clone();
            if unsent == 0 && pulled == Some(position.clone()) {
                return;
            }
            pulled = Some(position);
        }
        panic!("device {} does not come to an end: {:?}", self.number, memory.lock().unwrap().objects.keys());
    }

    /// Whether there is more, or a new beginning.
    pub(super) fn exchange(&mut self, limit: u32) -> bool {
        let request = self.request(limit);
        if limit > 0 && self.cursor.position.is_none() {
            let present = self.client.memory().lock().unwrap().records().into_keys().collect();
            self.listing = Some((present, BTreeSet::new()));
        }
        self.client.begin();
        match exchange(&mut self.client, &request) {
            Ok(Answer::Page(page)) => self.apply(&request, page),
            Ok(Answer::Expired) => {
                assert!(self.cursor.position.is_some(), "a full listing expired");
                self.cursor.position = None;
                true
            }
            Ok(Answer::NewEpoch) => {
                self.forget_everything();
                true
            }
            Err(Failure::Http(_)) => true,
            Err(other) => panic!("{other:?}"),
        }
    }

    fn request(&self, limit: u32) -> Exchange {
        let mutation = |(id, words): (&String, &BTreeSet<String>)| {
            let known = self.known.get(id);
            let mut all: BTreeSet<&str> = words.iter().map(String::as_str).collect();
            all.extend(known.iter().flat_map(|(_, text)| text.split(' ')));
            let text: Vec<_> = all.into_iter().collect();
            Mutation {
                id: id.clone(),
                guard: known.map(|(revision, _)| revision.clone()),
                envelope: text.join(" ").into_bytes(),
                tombstone: false,
            }
        };
        Exchange { cursor: self.cursor.clone(), mutations: self.unsent.iter().map(mutation).collect(), limit }
    }

    fn apply(&mut self, request: &Exchange, page: Page) -> bool {
        assert!(
            page.changes.len() <= request.limit as usize && page.outcomes.len() == request.mutations.len()
        );
        let ids: BTreeSet<_> = page.changes.iter().map(|change| &change.id).collect();
        assert_eq!(ids.len(), page.changes.len(), "a record is listed twice");
        assert!(request.limit == 0 || page.cursor.position.is_some());
        assert!(request.limit > 0 || page.cursor.position == request.cursor.position);
        assert!(!page.more || page.cursor.position != request.cursor.position, "a page does not move on");
        assert!(page.cursor.position.as_ref().is_none_or(|position| position.len() < 4096));
        if let Some((_, shown)) = &mut self.listing {
            shown.extend(page.changes.iter().map(|change| change.id.clone()));
        }
        for change in page.changes {
            self.known.insert(change.id, (change.revision, text(change.envelope)));
        }
        for (mutation, outcome) in request.mutations.iter().zip(page.outcomes) {
            self.settle(mutation, outcome);
        }
        if request.limit > 0 {
            self.cursor.position = page.cursor.position.clone();
        }
        if let Some(span) = page.written.filter(|span| self.cursor.position.as_ref() == Some(&span.after)) {
            self.cursor.position = Some(span.until);
        }
        let number = |cursor: &Cursor| cursor.head.as_ref().map(|head| head.number);
        if number(&page.cursor) >= number(&self.cursor) {
            self.cursor.head = page.cursor.head;
        }
        if request.limit > 0
            && !page.more
            && let Some((present, shown)) = self.listing.take()
        {
            let missing: Vec<_> = present.difference(&shown).collect();
            assert!(missing.is_empty(), "a full listing did not show {missing:?}");
        }
        page.more
    }

    fn settle(&mut self, mutation: &Mutation, outcome: Outcome) {
        let Mutation { id, guard, envelope, .. } = mutation.clone();
        match outcome {
            Outcome::Accepted(revision) => {
                let write = (format!("r/{id}"), guard, revision.clone());
                let memory = self.client.memory().lock().unwrap();
                assert!(memory.history.contains(&write), "accepted, but not written so: {write:?}");
                drop(memory);
                self.unsent.remove(&id);
                if let Some((_, shown)) = &mut self.listing {
                    shown.insert(id.clone());
                }
                self.known.insert(id, (revision, text(envelope)));
            }
            Outcome::Conflict(Some(held)) => {
                if held.envelope == envelope {
                    self.unsent.remove(&id);
                }
                self.known.insert(id, (held.revision, text(held.envelope)));
            }
            Outcome::Conflict(None) => {
                self.known.remove(&id);
            }
            Outcome::Rejected(rejection) => panic!("{rejection:?}"),
        }
    }
}

fn text(envelope: Vec<u8>) -> String {
    String::from_utf8(envelope).unwrap()
}
