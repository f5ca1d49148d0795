//! Devices that sync through the server in memory: what each of them ends up with.

use std::collections::BTreeMap;
use std::time::Duration;

use orkee_provider_sdk::rehearsal::Rehearsal;
use orkee_provider_sdk::{
    Answer, Cursor, Exchange, Failure, Head, Mutation, Outcome, Page, Provider, recall, remember,
};

use super::clock;
use super::server::Server;
use crate::WebDav;

/// What a device knows: as much of the engine as the contract asks for.
#[derive(Clone, Default)]
pub(crate) struct Device {
    pub(crate) server: Server,
    pub(crate) position: Option<String>,
    head: Option<(u64, String)>,
    pub(crate) held: BTreeMap<String, (String, Vec<u8>)>,
    shelves: String,
}

impl Device {
    pub(crate) fn new(server: &Server) -> Self {
        Self { server: server.clone(), ..Self::default() }
    }

    fn request(&self, mutations: Vec<Mutation>, limit: u32) -> Exchange {
        let head = self.head.clone().map(|(number, tag)| Head { number, tag });
        Exchange { cursor: Cursor { position: self.position.clone(), head }, mutations, limit }
    }

    pub(crate) fn ask(&mut self, mutations: Vec<Mutation>, limit: u32) -> Result<Answer, Failure> {
        let exchange = self.request(mutations, limit);
        let server = self.server.clone();
        let known = self.shelves.clone();
        let (answer, shelves) = Rehearsal::new().backend(move |sent| server.answer(sent)).run(|| {
            remember("suits", &"orkee");
            remember("shelves", &known);
            (WebDav::exchange(exchange), recall("shelves").unwrap_or_default())
        });
        self.shelves = shelves;
        answer
    }

    /// A change of these records, against what the device holds.
    pub(crate) fn change(&self, records: &[(&str, &str)]) -> Vec<Mutation> {
        let guard = |id: &str| self.held.get(id).map(|(revision, _)| revision.clone());
        let one = |(id, text): &(&str, &str)| Mutation {
            id: (*id).to_owned(),
            guard: guard(id),
            envelope: text.as_bytes().to_vec(),
            tombstone: false,
        };
        records.iter().map(one).collect()
    }

    /// Takes in a page, and checks what the contract says of it.
    pub(crate) fn take_in(&mut self, mutations: &[Mutation], page: Page) {
        assert_eq!(page.outcomes.len(), mutations.len());
        for change in page.changes {
            self.held.insert(change.id, (change.revision, change.envelope));
        }
        for (mutation, outcome) in mutations.iter().zip(page.outcomes) {
            match outcome {
                Outcome::Accepted(revision) => {
                    self.held.insert(mutation.id.clone(), (revision, mutation.envelope.clone()));
                }
                Outcome::Conflict(Some(held)) => {
                    self.held.insert(mutation.id.clone(), (held.revision, held.envelope));
                }
                Outcome::Conflict(None) => drop(self.held.remove(&mutation.id)),
                Outcome::Rejected(rejection) => panic!("{}", rejection.message),
            }
        }
        self.position = page.cursor.position;
        if let Some(span) = page.written
            && self.position.as_deref() == Some(&span.after)
        {
            self.position = Some(span.until);
        }
        let told = page.cursor.head.map(|head| (head.number, head.tag));
        self.head = self.head.take().max(told);
    }

    /// Sends these records and fetches all that there is. How many pages it took.
    #[track_caller]
    pub(crate) fn sync(&mut self, records: &[(&str, &str)], limit: u32) -> usize {
        let mut mutations = self.change(records);
        for pages in 1.. {
            let page = match self.ask(mutations.clone(), limit).unwrap() {
                Answer::Page(page) => page,
                other => panic!("{other:?}"),
            };
            let (more, before) = (page.more, self.position.clone());
            assert!(page.changes.len() <= limit as usize);
            self.take_in(&mutations, page);
            if !more {
                return pages;
            }
            assert_ne!(self.position, before, "no progress");
            mutations.clear();
        }
        unreachable!()
    }

    pub(crate) fn text(&self, id: &str) -> &str {
        std::str::from_utf8(&self.held[id].1).unwrap()
    }
}

pub(crate) fn id(n: usize) -> String {
    let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    (0..8).map(|place| letters[(n + place * 7 + n / 62 * (place + 1)) % 62]).collect()
}

pub(crate) fn ids(count: usize) -> Vec<String> {
    let ids: Vec<_> = (0..count).map(id).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), count);
    ids
}

/// A server on which the folders are made.
pub(crate) fn prepared() -> Server {
    let server = Server::default();
    let answering = server.clone();
    Rehearsal::new().backend(move |sent| answering.answer(sent)).run(|| {
        crate::suitability::check(&crate::place::Place::chosen().unwrap()).unwrap();
    });
    server.asked();
    server
}

#[test]
fn what_one_device_sends_another_has() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    a.sync(&[("aaaaaaaa", "one"), ("AAAAAAAA", "two")], 10);
    b.sync(&[], 10);
    assert_eq!(a.held, b.held);
    b.sync(&[("aaaaaaaa", "three")], 10);
    a.sync(&[], 10);
    assert_eq!((a.text("aaaaaaaa"), a.text("AAAAAAAA")), ("three", "two"));
}

#[test]
fn a_sync_with_nothing_to_say_is_one_request() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    for n in 0..40 {
        a.sync(&[("aaaaaaaa", &n.to_string())], 10);
        b.sync(&[], 10);
        server.asked();
        for device in [&mut a, &mut b] {
            device.sync(&[], 10);
            let asked = server.asked();
            // Where the next commit begins a folder, its own is looked at too.
            let expected = if (n + 2) % 16 == 0 { 2 } else { 1 };
            assert_eq!(asked.len(), expected, "{n}: {asked:?}");
        }
    }
}

#[test]
fn a_small_change_costs_the_same_however_much_is_stored() {
    let mut costs = Vec::new();
    for stored in [10, 600] {
        let server = prepared();
        let (mut a, mut b) = (Device::new(&server), Device::new(&server));
        let ids = ids(stored);
        for portion in ids.chunks(200) {
            let records: Vec<_> = portion.iter().map(|id| (id.as_str(), "text")).collect();
            a.sync(&records, 200);
        }
        b.sync(&[], 200);
        server.asked();
        a.sync(&[(&ids[3], "new")], 200);
        let sent = server.asked().len();
        b.sync(&[], 200);
        costs.push((sent, server.asked().len()));
        assert_eq!(a.held, b.held);
    }
    assert_eq!(costs, [(6, 3), (6, 3)]);
}

#[test]
fn of_two_that_changed_the_same_version_one_is_told_of_the_others() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    a.sync(&[("aaaaaaaa", "one")], 10);
    b.sync(&[], 10);
    a.sync(&[("aaaaaaaa", "from a")], 10);
    let mutations = b.change(&[("aaaaaaaa", "from b"), ("bbbbbbbb", "new")]);
    let Answer::Page(page) = b.ask(mutations, 0).unwrap() else { panic!() };
    assert!(matches!(&page.outcomes[0], Outcome::Conflict(Some(held)) if held.envelope == b"from a"));
    assert!(matches!(page.outcomes[1], Outcome::Accepted(_)));
    let twice = b.change(&[("cccccccc", "x")]);
    b.ask(twice.clone(), 0).unwrap();
    let Answer::Page(page) = b.ask(twice, 0).unwrap() else { panic!() };
    assert!(matches!(&page.outcomes[0], Outcome::Conflict(Some(held)) if held.envelope == b"x"));
}

#[test]
fn a_guard_for_what_is_not_there_is_a_conflict_with_nothing() {
    let mut a = Device::new(&prepared());
    let (id, guard) = ("aaaaaaaa".into(), Some("0123".into()));
    let mutation = Mutation { id, guard, envelope: vec![1], tombstone: false };
    let Answer::Page(page) = a.ask(vec![mutation], 0).unwrap() else { panic!() };
    assert!(matches!(page.outcomes[0], Outcome::Conflict(None)));
}

#[test]
fn pages_of_any_size_bring_everything_in_a_full_listing_and_after_it() {
    for limit in [1, 2, 7, 200] {
        let server = prepared();
        let (mut a, mut b, mut c) = (Device::new(&server), Device::new(&server), Device::new(&server));
        let ids = ids(90);
        a.sync(&ids[..60].iter().map(|id| (id.as_str(), "text")).collect::<Vec<_>>(), 200);
        b.sync(&[], limit);
        assert_eq!(a.held, b.held, "{limit}");
        for id in &ids[50..] {
            a.sync(&[(id, "newer")], 200);
        }
        a.sync(&ids[..20].iter().map(|id| (id.as_str(), "newest")).collect::<Vec<_>>(), 200);
        b.sync(&[], limit);
        assert_eq!(a.held, b.held, "{limit}");
        c.sync(&[], limit);
        assert_eq!(a.held, c.held, "{limit}");
    }
}

#[test]
fn what_is_written_during_a_full_listing_comes_after_it() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    let ids = ids(30);
    a.sync(&ids.iter().map(|id| (id.as_str(), "text")).collect::<Vec<_>>(), 200);
    let Answer::Page(page) = b.ask(vec![], 10).unwrap() else { panic!() };
    assert!(page.more);
    b.take_in(&[], page);
    a.sync(&ids.iter().map(|id| (id.as_str(), "newer")).collect::<Vec<_>>(), 200);
    a.sync(&[("zzzzzzzz", "new")], 200);
    b.sync(&[], 10);
    assert_eq!(a.held, b.held);
}

#[test]
fn own_writes_do_not_come_back() {
    let server = prepared();
    let mut a = Device::new(&server);
    a.sync(&[("aaaaaaaa", "one")], 10);
    server.asked();
    let Answer::Page(page) = a.ask(vec![], 10).unwrap() else { panic!() };
    assert!(page.changes.is_empty() && server.asked().len() == 1);
    let mutations = a.change(&[("aaaaaaaa", "two")]);
    let Answer::Page(page) = a.ask(mutations, 10).unwrap() else { panic!() };
    assert!(page.changes.is_empty());
    assert_eq!(page.written.map(|span| (span.after, span.until)), Some(("1".to_owned(), "2".to_owned())));
}

#[test]
fn a_server_that_was_put_back_is_noticed_and_nothing_is_carried_out() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    a.sync(&[("aaaaaaaa", "one")], 10);
    let backup = server.0.borrow().nodes.clone();
    a.sync(&[("aaaaaaaa", "two")], 10);
    b.sync(&[], 10);
    server.0.borrow_mut().nodes = backup.clone();
    let mutations = a.change(&[("bbbbbbbb", "x")]);
    assert!(matches!(a.ask(mutations.clone(), 10), Ok(Answer::NewEpoch)));
    assert_eq!(server.0.borrow().nodes.len(), backup.len());
    // Somebody writes on: the number is there again, under another tag.
    let mut c = Device::new(&server);
    c.sync(&[("cccccccc", "x")], 10);
    assert!(matches!(b.ask(vec![], 10), Ok(Answer::NewEpoch)));
    server.0.borrow_mut().nodes.clear();
    assert!(matches!(b.ask(mutations, 0), Ok(Answer::NewEpoch)));
}

#[test]
fn after_ninety_days_old_commits_are_gone_and_who_missed_them_lists_everything() {
    let server = prepared();
    let (mut a, mut late) = (Device::new(&server), Device::new(&server));
    a.sync(&[("aaaaaaaa", "0")], 10);
    late.sync(&[], 10);
    for n in 0..40 {
        a.sync(&[("aaaaaaaa", &n.to_string())], 10);
    }
    assert!(server.0.borrow().nodes.contains_key("/orkee/log/000000000/"));
    clock::pass(Duration::from_secs(91 * 86_400));
    for n in 0..16 {
        a.sync(&[("aaaaaaaa", &n.to_string())], 10);
    }
    assert!(!server.0.borrow().nodes.keys().any(|path| path.starts_with("/orkee/log/000000000/")));
    assert!(matches!(late.ask(vec![], 10), Ok(Answer::Expired)));
    late.position = None;
    late.sync(&[], 10);
    assert_eq!(a.held, late.held);
    a.sync(&[("aaaaaaaa", "on")], 10);
    late.sync(&[], 10);
    assert_eq!(late.text("aaaaaaaa"), "on");
}

#[test]
fn a_stranger_among_the_files_is_left_alone_and_a_damaged_record_is_named() {
    let server = prepared();
    let (mut a, mut b) = (Device::new(&server), Device::new(&server));
    a.sync(&[("aaaaaaaa", "one")], 10);
    let stranger = server.0.borrow().nodes["/orkee/r/a/aaaaaaaa"].clone();
    for path in [
        "/orkee/r/a/holiday.jpg",
        "/orkee/r/a/aaaaaaaa (copy)",
        "/orkee/r/notes.txt",
        "/orkee/log/x",
        "/orkee/log/000000000/f-x",
    ] {
        server.0.borrow_mut().nodes.insert(path.to_owned(), stranger.clone());
    }
    b.sync(&[], 10);
    assert_eq!(a.held, b.held);
    server.0.borrow_mut().nodes.get_mut("/orkee/r/a/aaaaaaaa").unwrap().body = b"<html>".to_vec();
    let failure = Device::new(&server).ask(vec![], 10).unwrap_err();
    assert!(matches!(failure, Failure::Protocol(words) if words.contains("/orkee/r/a/aaaaaaaa")));
}
