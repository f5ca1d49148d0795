//! The server of the sync model, and random schedules that ask it and the storage the same.
//!
//! The model says what an exchange means with nothing but a map and a counter: a tag for each commit, tombstones that
//! prunings drop, an older state that comes back. Several devices with cursors of their own write, list, push, stay away.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Bench, account, start};
use crate::storage::Records;
use crate::storage::{
    Cursor, Exchange, Exchanged, Kind, Origin, PageLimit, Position, RecordId, SpaceKey, Storage, Write,
    WriteOutcome,
};

const SCHEDULES: u64 = 20;
const STEPS: usize = 80;
const IDS: [&str; 4] = ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"];

/// Small, seeded random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % n
    }
}

#[derive(Clone, Default)]
struct Model {
    newest: u64,
    pruned: u64,
    /// By id: revision, and text; an empty one is a tombstone.
    records: BTreeMap<&'static str, (u64, String)>,
    tags: BTreeMap<u64, u64>,
}

/// A cursor of the model: since, listing, head's number and tag. Neither since nor listing: a full listing begins.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct ModelCursor {
    position: Option<(u64, u64)>,
    head: (u64, u64),
}

type ModelWrite = (&'static str, Option<u64>, String);

/// Accepted with its revision, or what is there instead.
type ModelOutcome = Result<u64, Option<(u64, String)>>;

/// Nothing was carried out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Refusal {
    Expired,
    NewEpoch,
}

#[derive(Debug, PartialEq)]
struct ModelReply {
    outcomes: Vec<ModelOutcome>,
    page: Vec<(u64, String)>,
    position: Option<(u64, u64)>,
    more: bool,
}

impl Model {
    fn exchange(
        &mut self,
        cursor: ModelCursor,
        writes: &[ModelWrite],
        limit: usize,
        random: &mut Random,
    ) -> Result<(ModelReply, ModelCursor), Refusal> {
        if cursor.head.0 > 0 && self.tags.get(&cursor.head.0) != Some(&cursor.head.1) {
            return Err(Refusal::NewEpoch);
        }
        let (since, listing) = cursor.position.unwrap_or((0, self.newest.max(1)));
        if since.max(listing) < self.pruned {
            return Err(Refusal::Expired);
        }
        let before = self.newest;
        let outcomes = writes.iter().map(|write| self.write(write, random)).collect();
        let newer = self.records.values().filter(|(revision, _)| *revision > since && *revision <= before);
        let mut page: Vec<(u64, String)> = newer.cloned().collect();
        page.sort();
        let more = limit > 0 && page.len() > limit;
        page.truncate(limit);
        let position = match (limit, more) {
            (0, _) => cursor.position,
            (_, true) => Some((page[page.len() - 1].0, listing)),
            (_, false) => Some((self.newest.max(since), 0)),
        };
        let head = (self.newest, self.tags.get(&self.newest).copied().unwrap_or_default());
        Ok((ModelReply { outcomes, page, position, more }, ModelCursor { position, head }))
    }

    fn write(&mut self, (id, guard, text): &ModelWrite, random: &mut Random) -> ModelOutcome {
        let there = self.records.get(id);
        if there.map(|(revision, _)| *revision) != *guard {
            return Err(there.cloned());
        }
        self.newest += 1;
        self.tags.insert(self.newest, random.below(u64::MAX));
        self.records.insert(id, (self.newest, text.clone()));
        Ok(self.newest)
    }

    fn prune(&mut self) {
        for (revision, text) in self.records.values() {
            if text.is_empty() {
                self.pruned = self.pruned.max(*revision);
            }
        }
        self.records.retain(|_, (_, text)| !text.is_empty());
    }
}

/// A device: where it stands at the model and at the storage, and the revisions that it knows.
#[derive(Clone, Default)]
struct Device {
    model: ModelCursor,
    storage: Cursor,
    known: BTreeMap<&'static str, u64>,
}

pub(crate) fn random_exchanges_agree_with_the_model(bench: &impl Bench) {
    for seed in 1..=SCHEDULES {
        let storage = bench.open();
        let space = account(&storage, &format!("ann{seed}")).space;
        Schedule { random: Random(seed * 7919), seed, space, model: Model::default() }.run(bench, storage);
    }
}

struct Schedule {
    random: Random,
    seed: u64,
    space: SpaceKey,
    model: Model,
}

impl Schedule {
    fn run<B: Bench>(mut self, bench: &B, storage: B::Storage) {
        let mut storage = Some(storage);
        let mut devices: [Device; 3] = Default::default();
        let mut saved: Option<Model> = None;
        for _ in 0..STEPS {
            match self.random.below(100) {
                0..3 => {
                    drop(storage.take());
                    bench.save();
                    saved = Some(self.model.clone());
                }
                3..6 if saved.is_some() => {
                    drop(storage.take());
                    bench.put_back();
                    self.model = saved.clone().unwrap_or_default();
                }
                6..14 => {
                    let open = storage.get_or_insert_with(|| bench.open());
                    open.prune(start() + SignedDuration::from_secs(1)).unwrap();
                    self.model.prune();
                }
                _ => {
                    let open = storage.get_or_insert_with(|| bench.open());
                    let device = self.random.below(3) as usize;
                    self.ask(open, &mut devices[device]);
                }
            }
        }
    }

    fn ask(&mut self, storage: &impl Storage, device: &mut Device) {
        let writes = self.writes(device);
        let limit = self.random.below(4) as usize;
        let expected = self.model.exchange(device.model, &writes, limit, &mut self.random);
        let exchange = Exchange {
            cursor: device.storage.clone(),
            writes: writes.iter().map(to_write).collect(),
            page: PageLimit { changes: limit as u32, bytes: 1 << 20 },
            witness: None,
            origin: Origin::Device,
        };
        let seen = storage.exchange(self.space, &exchange, start()).unwrap();
        match (expected, seen) {
            (Err(Refusal::Expired), Exchanged::Expired) => {
                device.model.position = None;
                device.storage.position = None;
            }
            (Err(Refusal::NewEpoch), Exchanged::NewEpoch) => {
                device.model = ModelCursor::default();
                device.storage = Cursor::default();
            }
            (Ok((expected, next)), Exchanged::Reply(reply)) => {
                let page: Vec<_> =
                    reply.page.iter().map(|e| (e.stored.revision, text(&e.stored.envelope))).collect();
                let outcomes = reply.outcomes.iter().map(outcome).collect();
                let position = reply.cursor.position.map(|Position { since, listing }| (since, listing));
                let seen = ModelReply { outcomes, page, position, more: reply.more };
                assert_eq!(seen, expected, "seed {}", self.seed);
                let known =
                    reply.page.iter().filter_map(|entry| Some((known_id(&entry.id)?, entry.stored.revision)));
                device.known.extend(known);
                if self.random.below(5) > 0 {
                    (device.model, device.storage) = (next, reply.cursor);
                }
            }
            (expected, seen) => panic!("seed {}: {seen:?}, not {expected:?}", self.seed),
        }
    }

    fn writes(&mut self, device: &Device) -> Vec<ModelWrite> {
        let count = self.random.below(3);
        (0..count)
            .map(|_| {
                let id = IDS[self.random.below(IDS.len() as u64) as usize];
                let guard = match self.random.below(3) {
                    0 => device.known.get(id).copied(),
                    1 => self.model.records.get(id).map(|(revision, _)| *revision),
                    _ => None,
                };
                let text = match self.random.below(4) {
                    0 => String::new(),
                    _ => self.random.below(1000).to_string(),
                };
                (id, guard, text)
            })
            .collect()
    }
}

fn to_write((id, guard, text): &ModelWrite) -> Write<'_> {
    let kind = if text.is_empty() { Kind::Tombstone } else { Kind::Project };
    Write {
        id: RecordId::new(id).unwrap(),
        guard: *guard,
        kind,
        envelope: text.as_bytes(),
        keep_replaced: false,
    }
}

fn outcome(outcome: &WriteOutcome) -> ModelOutcome {
    match outcome {
        WriteOutcome::Accepted(revision) => Ok(*revision),
        WriteOutcome::Conflict(there) => {
            Err(there.as_ref().map(|there| (there.revision, text(&there.envelope))))
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn known_id(id: &str) -> Option<&'static str> {
    IDS.into_iter().find(|known| *known == id)
}
