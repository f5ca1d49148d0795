//! What happens seldom, each by itself.

use std::sync::{Arc, Mutex};

use orkee_provider_sdk::{Answer, Cursor, Exchange, Failure, Head};

use super::device::Device;
use super::memory::{Client, Memory};
use crate::store::{Listing, Object, Put, Store, Written};
use crate::{KEEP_SECONDS, exchange, probe};

type Shared = Arc<Mutex<Memory>>;

fn shared() -> Shared {
    let mut memory = Memory::new();
    memory.page = 1000;
    Arc::new(Mutex::new(memory))
}

fn device(memory: &Shared, number: usize) -> Device {
    Device::new(number, Client::new(memory.clone(), None))
}

fn requests(memory: &Shared, call: impl FnOnce()) -> usize {
    let before = memory.lock().unwrap().requests;
    call();
    memory.lock().unwrap().requests - before
}

fn ask(memory: &Shared, cursor: &Cursor) -> Answer {
    let request = Exchange { cursor: cursor.clone(), mutations: Vec::new(), limit: 100 };
    exchange(&mut Client::new(memory.clone(), None), &request).unwrap()
}

/// A store in which something happens before the first record is written.
struct Interrupted<F: FnMut()> {
    client: Client,
    before_records: Option<F>,
}

impl<F: FnMut()> Store for Interrupted<F> {
    fn get(&mut self, keys: &[String]) -> Result<Vec<Option<Object>>, Failure> {
        self.client.get(keys)
    }

    fn put(&mut self, puts: Vec<Put>) -> Vec<Result<Written, Failure>> {
        if puts.iter().any(|put| put.key.starts_with("r/")) {
            self.before_records.take().iter_mut().for_each(|happens| happens());
        }
        self.client.put(puts)
    }

    fn list(&mut self, folder: &str, after: Option<&str>) -> Result<Listing, Failure> {
        self.client.list(folder, after)
    }

    fn delete(&mut self, keys: &[String]) -> Result<(), Failure> {
        self.client.delete(keys)
    }
}

/// A write of `id` by someone else, in the middle of which something happens.
fn interrupted_write(memory: &Shared, id: &str, happens: impl FnMut()) {
    let client = Client::new(memory.clone(), None);
    let mut store = Interrupted { client, before_records: Some(happens) };
    let (id, envelope) = (id.to_owned(), b"interrupted".to_vec());
    let mutation = orkee_provider_sdk::Mutation { id, guard: None, envelope, tombstone: false };
    let cursor = Cursor { position: None, head: None };
    let answer = exchange(&mut store, &Exchange { cursor, mutations: vec![mutation], limit: 0 });
    assert!(matches!(answer, Ok(Answer::Page(_))));
}

#[test]
fn a_small_change_costs_the_same_however_much_is_stored() {
    for stored in [1, 400] {
        let memory = shared();
        let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
        (0..stored).for_each(|record| writer.edit(record));
        writer.sync(&memory);
        reader.sync(&memory);
        writer.edit(0);
        // List the log, announce, write, close.
        assert_eq!(requests(&memory, || _ = writer.exchange(100)), 4);
        // List the log, read the commit, read the record.
        assert_eq!(requests(&memory, || _ = reader.exchange(100)), 3);
        assert_eq!(reader.known, writer.known);
        assert_eq!(requests(&memory, || _ = reader.exchange(100)), 1);
        // It has its own change without listing it.
        assert_eq!(requests(&memory, || _ = writer.exchange(100)), 1);
    }
}

#[test]
fn a_reader_that_was_away_for_long_takes_the_commits_in_portions() {
    let memory = shared();
    let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
    reader.sync(&memory);
    for _ in 0..700 {
        writer.edit(0);
        writer.exchange(0);
    }
    let mut pages = 0;
    let mut more = true;
    while more {
        pages += 1;
        let asked = requests(&memory, || more = reader.exchange(100));
        assert!(asked < 400, "{asked} requests, and a call may make 1000");
    }
    assert_eq!((pages, &reader.known), (3, &writer.known));
}

#[test]
fn numbers_have_no_gaps_however_writers_meet() {
    let memory = shared();
    let mut other = device(&memory, 1);
    interrupted_write(&memory, "aaaaaaaa", || {
        for record in 0..3 {
            other.edit(record);
            other.exchange(0);
        }
    });
    interrupted_write(&memory, "bbbbbbbb", || ());
    let memory = memory.lock().unwrap();
    let numbers: Vec<_> = memory.objects.keys().filter_map(|key| crate::commit::parse(key)).collect();
    let announced: Vec<_> = numbers.iter().filter(|(_, done)| !done).map(|(number, _)| *number).collect();
    assert_eq!(announced, [1, 2, 3, 4, 5]);
}

#[test]
fn a_reader_that_passes_between_announcement_and_write_comes_back_to_it() {
    let memory = shared();
    let (mut listed, mut follows) = (device(&memory, 1), device(&memory, 2));
    follows.sync(&memory);
    interrupted_write(&memory, "aaaaaaaa", || {
        listed.sync(&memory);
        follows.sync(&memory);
    });
    assert!(listed.known.is_empty() && follows.known.is_empty());
    listed.sync(&memory);
    follows.sync(&memory);
    assert!(listed.known.contains_key("aaaaaaaa"), "a full listing lost it");
    assert!(follows.known.contains_key("aaaaaaaa"), "a page lost it");
}

#[test]
fn a_writer_that_slept_for_hours_announces_again_what_it_wrote() {
    let memory = shared();
    let mut reader = device(&memory, 1);
    reader.sync(&memory);
    interrupted_write(&memory, "aaaaaaaa", || {
        memory.lock().unwrap().clock += 8 * 3600;
        reader.sync(&memory);
        assert!(!reader.cursor.position.as_ref().unwrap().contains("open"), "its time had passed");
    });
    reader.sync(&memory);
    assert!(reader.known.contains_key("aaaaaaaa"));
}

#[test]
fn what_a_killed_writer_wrote_is_seen_before_its_commit_is_old() {
    let memory = shared();
    let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
    reader.sync(&memory);
    writer.edit(1);
    writer.exchange(0);
    memory.lock().unwrap().objects.remove("log/0000000001.done").unwrap();
    reader.sync(&memory);
    assert_eq!(reader.known, writer.known);
    assert!(reader.cursor.position.as_ref().unwrap().contains("open"));
    memory.lock().unwrap().clock += 25 * 60;
    reader.sync(&memory);
    assert!(!reader.cursor.position.as_ref().unwrap().contains("open"));
}

#[test]
fn what_several_killed_writers_wrote_is_seen_however_little_a_page_holds() {
    for (limit, also_closed) in [(1, 0), (2, 0), (3, 3), (4, 3), (100, 3)] {
        let memory = shared();
        let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
        reader.sync(&memory);
        for first in [0, 3, 6] {
            (first..first + 3).for_each(|record| writer.edit(record));
            writer.exchange(0);
        }
        for commit in 1..=3 {
            memory.lock().unwrap().objects.remove(&crate::commit::closing(commit)).unwrap();
        }
        (9..9 + also_closed).for_each(|record| writer.edit(record));
        writer.exchange(0);
        while reader.exchange(limit) {}
        assert_eq!(reader.known, writer.known, "pages of {limit}");
        let whole = reader.cursor.position.clone();
        while reader.exchange(limit) {}
        assert_eq!(reader.cursor.position, whole, "a sweep ends where it began");
    }
}

#[test]
fn an_open_commit_that_cannot_be_read_hides_no_other() {
    let memory = shared();
    let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
    reader.sync(&memory);
    for record in 0..3 {
        writer.edit(record);
        writer.exchange(0);
        memory.lock().unwrap().objects.remove(&crate::commit::closing(record as u64 + 1)).unwrap();
    }
    memory.lock().unwrap().objects.get_mut("log/0000000002").unwrap().0.body = b"<html>".to_vec();
    reader.sync(&memory);
    assert_eq!(reader.known.len(), 2);
    memory.lock().unwrap().clock += 25 * 60;
    reader.sync(&memory);
    assert_eq!(reader.known, writer.known);
}

#[test]
fn a_writer_that_repeats_what_it_had_written_names_it_for_readers_again() {
    let memory = shared();
    interrupted_write(&memory, "aaaaaaaa", || ());
    memory.lock().unwrap().objects.remove("log/0000000001.done").unwrap();
    interrupted_write(&memory, "aaaaaaaa", || ());
    let memory = memory.lock().unwrap();
    let (closing, _) = &memory.objects["log/0000000002.done"];
    assert!(String::from_utf8_lossy(&closing.body).contains("aaaaaaaa"));
}

#[test]
fn a_position_from_before_the_pruning_has_expired_and_a_full_listing_has_not() {
    let memory = shared();
    let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
    writer.edit(0);
    writer.sync(&memory);
    reader.sync(&memory);
    let stale = reader.cursor.clone();
    for record in 1..48 {
        writer.edit(record % 7);
        writer.exchange(0);
    }
    memory.lock().unwrap().clock += KEEP_SECONDS + 60;
    for record in 0..3 {
        writer.edit(record);
        writer.exchange(0);
    }
    let commits = |memory: &Shared| {
        let memory = memory.lock().unwrap();
        memory.objects.keys().filter(|key| key.starts_with("log/")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(commits(&memory).first().map(String::as_str), Some("log/0000000049"), "old ones are gone");
    assert!(matches!(ask(&memory, &stale), Answer::Expired));
    assert!(matches!(ask(&memory, &Cursor { position: None, ..stale }), Answer::Page(_)));
    reader.sync(&memory);
    assert_eq!(reader.known, memory.lock().unwrap().records());
}

#[test]
fn a_store_that_was_put_back_is_a_new_epoch() {
    let memory = shared();
    let mut writer = device(&memory, 0);
    writer.edit(0);
    writer.sync(&memory);
    let backup = memory.lock().unwrap().objects.clone();
    writer.edit(1);
    writer.sync(&memory);
    memory.lock().unwrap().objects = backup;
    assert!(matches!(ask(&memory, &writer.cursor), Answer::NewEpoch), "its newest commit is gone");
    let mut other = device(&memory, 1);
    for record in 0..2 {
        other.edit(record);
        other.sync(&memory);
    }
    assert!(matches!(ask(&memory, &writer.cursor), Answer::NewEpoch), "another has its number");
    writer.sync(&memory);
    assert_eq!(writer.known, memory.lock().unwrap().records());
}

#[test]
fn nothing_of_an_exchange_with_an_unknown_head_is_carried_out() {
    let memory = shared();
    let mut writer = device(&memory, 0);
    writer.edit(0);
    writer.sync(&memory);
    writer.cursor.head = Some(Head { number: 1, tag: "other".to_owned() });
    let before = memory.lock().unwrap().history.len();
    writer.edit(1);
    for limit in [0, 5] {
        let head = Some(Head { number: 1, tag: "other".to_owned() });
        writer.cursor.head = head;
        writer.exchange(limit);
        assert_eq!(memory.lock().unwrap().history.len(), before);
    }
}

#[test]
fn a_listing_that_overlooks_a_commit_is_asked_again() {
    let memory = shared();
    let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
    reader.sync(&memory);
    for record in 0..3 {
        writer.edit(record);
        writer.exchange(0);
    }
    memory.lock().unwrap().overlooks = Some("log/0000000002".to_owned());
    let before = reader.cursor.position.clone();
    assert!(!reader.exchange(100), "a page, and all of it");
    assert_ne!(reader.cursor.position, before);
    assert_eq!(reader.known, writer.known);
}

#[test]
fn a_commit_that_cannot_be_read_is_passed_by_a_full_listing() {
    let memory = shared();
    let (mut writer, mut reader) = (device(&memory, 0), device(&memory, 1));
    reader.sync(&memory);
    writer.edit(0);
    writer.exchange(0);
    memory.lock().unwrap().objects.get_mut("log/0000000001.done").unwrap().0.body = b"<html>".to_vec();
    assert!(matches!(ask(&memory, &reader.cursor), Answer::Expired));
    reader.sync(&memory);
    assert_eq!(reader.known, writer.known);
    assert!(matches!(ask(&memory, &Cursor { position: Some("7".into()), head: None }), Answer::Expired));
}

#[test]
fn a_store_that_ignores_conditions_is_found_out_and_left_clean() {
    let memory = shared();
    probe(&mut Client::new(memory.clone(), None)).unwrap();
    assert!(memory.lock().unwrap().objects.is_empty());
    memory.lock().unwrap().ignores_conditions = true;
    let refused = probe(&mut Client::new(memory.clone(), None));
    assert!(matches!(refused, Err(Failure::Unsuitable(words)) if words.contains("ignores conditions")));
    assert!(memory.lock().unwrap().objects.is_empty());
}
