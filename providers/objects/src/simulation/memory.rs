//! An object store in memory, and a device's connection to it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use orkee_provider_sdk::Failure;

use super::turns::{Fate, Seat};
use crate::store::{Entry, Guard, Listing, Object, Put, Store, Written};

pub(super) struct Memory {
    pub(super) objects: BTreeMap<String, (Object, u64)>,
    pub(super) clock: u64,
    /// Every write that was carried out: the key, the ETag that it replaced, its own.
    pub(super) history: Vec<(String, Option<String>, String)>,
    pub(super) requests: usize,
    /// Entries on a page of a listing.
    pub(super) page: usize,
    /// As stores do that are not to be used.
    pub(super) ignores_conditions: bool,
    /// The next listing does not show this key.
    pub(super) overlooks: Option<String>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            clock: 1_000_000_000,
            history: Vec::new(),
            requests: 0,
            page: 3,
            ignores_conditions: false,
            overlooks: None,
        }
    }

    /// Ids with ETag and text.
    pub(super) fn records(&self) -> BTreeMap<String, (String, String)> {
        let records = self.objects.iter().filter_map(|(key, (object, _))| {
            let text = String::from_utf8(object.body.clone()).unwrap();
            Some((key.strip_prefix("r/")?.to_owned(), (object.etag.clone(), text)))
        });
        records.collect()
    }

    fn put(&mut self, put: Put) -> Written {
        let held = self.objects.get(&put.key).map(|(object, _)| object.etag.clone());
        let holds = match &put.guard {
            Guard::Absent => held.is_none(),
            Guard::Match(etag) => held.as_ref() == Some(etag),
        };
        if !holds && !self.ignores_conditions {
            return Written::Refused;
        }
        let etag = format!("\"{}\"", self.history.len());
        self.history.push((put.key.clone(), held, etag.clone()));
        self.objects.insert(put.key, (Object { etag: etag.clone(), body: put.body }, self.clock));
        Written::Stored { etag, date: self.clock }
    }

    fn list(&mut self, folder: &str, after: Option<&str>) -> Listing {
        let from = after.map_or(Bound::Included(folder), Bound::Excluded);
        let overlooked = self.overlooks.take();
        let found = self.objects.range::<str, _>((from, Bound::Unbounded));
        let mut found = found.filter(|(key, _)| key.starts_with(folder) && Some(*key) != overlooked.as_ref());
        let entries = found.by_ref().take(self.page).map(|(key, (object, modified))| Entry {
            key: key.clone(),
            etag: object.etag.clone(),
            size: object.body.len() as u64,
            modified: *modified,
        });
        Listing { entries: entries.collect(), more: found.next().is_some(), date: self.clock }
    }
}

pub(super) struct Client {
    memory: Arc<Mutex<Memory>>,
    seat: Option<Seat>,
    /// The call that is under way was killed.
    dead: bool,
}

impl Client {
    pub(super) fn new(memory: Arc<Mutex<Memory>>, seat: Option<Seat>) -> Self {
        Self { memory, seat, dead: false }
    }

    /// A new call.
    pub(super) fn begin(&mut self) {
        self.dead = false;
    }

    pub(super) fn leave(&mut self) {
        self.seat = None;
    }

    pub(super) fn memory(&self) -> &Arc<Mutex<Memory>> {
        &self.memory
    }

    fn request<T>(&mut self, carry: impl FnOnce(&mut Memory) -> T) -> Result<T, Failure> {
        let lost = || Err(Failure::Http("lost".to_owned()));
        if self.dead {
            return lost();
        }
        let fate = self.seat.as_ref().map_or(Fate::Carried, Seat::wait);
        let mut memory = self.memory.lock().unwrap();
        memory.requests += 1;
        match fate {
            Fate::Carried => Ok(carry(&mut memory)),
            Fate::ReplyLost => {
                carry(&mut memory);
                lost()
            }
            Fate::Lost => lost(),
            Fate::Last => {
                self.dead = true;
                lost()
            }
        }
    }
}

impl Store for Client {
    fn get(&mut self, keys: &[String]) -> Result<Vec<Option<Object>>, Failure> {
        let get = |key| self.request(|memory| memory.objects.get(key).map(|(object, _)| object.clone()));
        keys.iter().map(get).collect()
    }

    fn put(&mut self, puts: Vec<Put>) -> Vec<Result<Written, Failure>> {
        puts.into_iter().map(|put| self.request(|memory| memory.put(put))).collect()
    }

    fn list(&mut self, folder: &str, after: Option<&str>) -> Result<Listing, Failure> {
        self.request(|memory| memory.list(folder, after))
    }

    fn delete(&mut self, keys: &[String]) -> Result<(), Failure> {
        keys.iter().try_for_each(|key| self.request(|memory| memory.objects.remove(key)).map(|_| ()))
    }
}
