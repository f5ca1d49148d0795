//! Devices, people, and messages on their way. Every choice comes from one seed.

mod disks;
mod end;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::backend::Backend;
use super::device::{BLANK, Device, SimClock, SimIds};
use super::orders;
use super::person::{Deeds, words};
use super::sealing::Phrases;
use super::trace::{tell_answer, tell_request, trace};
use super::trouble::{Times, Trouble};
use crate::project::ProjectId;
use crate::store::{Durability, Keep, Options as StoreOptions, Store, StoreError};
use crate::sync::provider::{Answer, Failure, Limits, ProviderError, Request};
use crate::sync::{Compare, Decide, Deletions, FlightId, Next, Options, Push, Session, What};

/// A request on its way to the backend, or its answer on the way back.
struct Message {
    /// None: its process died.
    device: Option<usize>,
    flight: FlightId,
    request: Request,
    /// None: the backend has not answered; an error: it refused the request as a whole.
    answer: Option<Result<Answer, ProviderError>>,
}

pub(super) struct World {
    pub(super) rng: SmallRng,
    /// Whether people seal the account.
    seals: bool,
    /// The backend takes no plain projects into a sealed account; with any other, devices look first.
    pub(super) guards: bool,
    pub(super) phrases: Phrases,
    clock: Arc<SimClock>,
    ids: Arc<SimIds>,
    pub(super) backend: Backend,
    backend_backup: Option<Backend>,
    pub(super) devices: Vec<Device>,
    wire: Vec<Message>,
    deeds: Deeds,
    records: Vec<ProjectId>,
    deletes: bool,
    copies: bool,
    pub(super) lost_device: bool,
    pub(super) lost_backend: bool,
    /// What some store knew of the other side was damaged.
    lost_state: bool,
    /// On no disk any more.
    pub(super) excused: BTreeSet<String>,
    /// Waited in a conflict of a project, or of a task, that was deleted.
    ended: BTreeSet<String>,
    saw_a_conflict: bool,
    was_a_copy: bool,
    pub(super) is_settling: bool,
    times: Times,
    /// How much history the devices keep.
    keep: Keep,
    steps: u64,
}

/// Runs one schedule and checks its end.
pub(super) fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..world.rng.random_range(10..100) {
        world.disturb();
    }
    world.settle();
    world.check();
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let (clock, ids) = (Arc::new(SimClock(AtomicI64::new(0))), Arc::new(SimIds(AtomicU64::new(1))));
        let (is_rough, is_plain, is_narrow) =
            (rng.random_bool(0.5), rng.random_bool(0.15), rng.random_bool(0.3));
        let times = match (is_narrow, is_rough) {
            (true, _) => Times::Narrow,
            (false, true) => Times::Rough,
            (false, false) => Times::Usual,
        };
        let versions = if rng.random_bool(0.3) { rng.random_range(1..=3) } else { 0 };
        let keep = Keep { versions, days: 0 };
        let devices = rng.random_range(if is_narrow { 2 } else { 1 }..=3);
        let records = if is_narrow { 1 } else { rng.random_range(1..=4) };
        let records = (0..records).map(|n| format!("record0{n}").parse().unwrap()).collect();
        let (deletes, copies) = (!is_narrow && rng.random_bool(0.6), !is_narrow && rng.random_bool(0.5));
        let mut backend = Backend::default();
        backend.is_plain = is_plain;
        let (seals, guards) = (rng.random_bool(0.5), rng.random_bool(0.5));
        let mut world = Self {
            rng,
            seals,
            guards,
            phrases: Phrases::new(),
            clock,
            ids,
            backend,
            backend_backup: None,
            devices: Vec::new(),
            wire: Vec::new(),
            deeds: Deeds::default(),
            records,
            deletes,
            copies,
            lost_device: false,
            lost_backend: false,
            lost_state: false,
            excused: BTreeSet::new(),
            ended: BTreeSet::new(),
            saw_a_conflict: false,
            was_a_copy: false,
            is_settling: false,
            times,
            keep,
            steps: 0,
        };
        for _ in 0..devices {
            let mut store = world.store(&BLANK);
            store.write::<_, StoreError>(Durability::Full, |tx| tx.rename_writer()).unwrap();
            world.devices.push(Device::new(store));
        }
        world
    }

    fn store(&self, image: &[u8]) -> Store {
        let options =
            StoreOptions::default().clock(self.clock.clone()).ids(self.ids.clone()).device("device");
        let options = options.keep(self.keep);
        Store::from_image(options, image).unwrap()
    }

    fn tick(&mut self) {
        self.clock.0.fetch_add(1_000_000, Ordering::Relaxed);
    }

    fn disturb(&mut self) {
        self.tick();
        let n = self.rng.random_range(0..self.devices.len());
        let what = self.times.next(&mut self.rng);
        trace(|| format!("{what:?} at device {n}"));
        match what {
            Trouble::None => {
                for _ in 0..self.rng.random_range(1..12) {
                    if !self.step(n) {
                        break;
                    }
                }
            }
            Trouble::Person => self.person(n),
            Trouble::Kill => self.kill(n),
            Trouble::Orphan => self.deliver_an_orphan(),
            Trouble::Lag => self.backend.start_to_lag(),
            Trouble::Refuse => {
                let id = self.records[self.rng.random_range(0..self.records.len())];
                self.backend.refuses = self.rng.random_bool(0.5).then(|| id.to_string());
            }
            Trouble::Retry => {
                self.devices[n].untouched = None;
                self.devices[n].store.retry_parked(None).unwrap();
            }
            Trouble::BackUp => self.back_up(n),
            Trouble::Restore if self.copies => self.restore_device(n),
            Trouble::Copy if self.copies => self.copy_device(n),
            Trouble::Damage if self.copies => self.damage(n),
            Trouble::Prune => {
                // Nothing is on its way for longer than tombstones live.
                self.wire.retain(|message| message.device.is_some());
                self.backend.prune();
            }
            Trouble::Key if self.seals => self.handle_key(n),
            Trouble::Drop => self.give_up(n),
            Trouble::BackUpBackend => self.backend_backup = Some(self.backend.clone()),
            Trouble::RestoreBackend if self.copies => self.restore_backend(),
            Trouble::Restore | Trouble::Copy | Trouble::Damage | Trouble::RestoreBackend | Trouble::Key => {}
        }
    }

    fn person(&mut self, n: usize) {
        let id = self.records[self.rng.random_range(0..self.records.len())];
        let device = &mut self.devices[n];
        device.untouched = None;
        self.deeds.act(&mut device.store, id, self.deletes, &mut self.rng);
        self.deeds.known.extend(device.note_waiting().into_iter().map(|(word, _)| word));
    }

    /// One thing happens to the sync of a device. False: there is nothing more to do.
    fn step(&mut self, n: usize) -> bool {
        self.steps += 1;
        self.tick();
        if self.devices[n].session.is_none() {
            self.begin(n);
            return true;
        }
        let mine = |message: &Message| message.device == Some(n);
        let mut choices: Vec<usize> = (0..self.wire.len()).filter(|m| mine(&self.wire[*m])).collect();
        if (choices.is_empty() || self.rng.random_bool(0.4))
            && let Some(is_more) = self.ask(n)
        {
            return is_more;
        }
        if choices.is_empty() {
            panic!("the sync of device {n} waits for nothing");
        }
        let choice = choices.swap_remove(self.rng.random_range(0..choices.len()));
        if self.wire[choice].answer.is_none() {
            let request = &self.wire[choice].request;
            let answer = match self.is_forbidden(&request.mutations) {
                true => Err(ProviderError::new(Failure::Forbidden, "the account is sealed")),
                false => Ok(self.backend.exchange(request, &mut self.rng)),
            };
            trace(|| {
                let told = answer.as_ref().map_or_else(ToString::to_string, tell_answer);
                format!("device {n}: {}\n        -> {told}", tell_request(&self.wire[choice].request))
            });
            self.wire[choice].answer = Some(answer);
        } else {
            let message = self.wire.swap_remove(choice);
            self.receive(n, message);
        }
        true
    }

    fn begin(&mut self, n: usize) {
        let limits = Limits {
            max_mutations: self.rng.random_range(1..=3),
            max_bytes: 1 << 20,
            max_record_bytes: 1 << 20,
            max_page: self.rng.random_range(1..=3),
        };
        let there = self.live();
        let device = &mut self.devices[n];
        let mut options = match self.is_settling && !device.is_damaged {
            true => Options { in_flight: self.rng.random_range(1..=3), ..Options::default() },
            false => orders::random(&mut self.rng, &self.records, device.is_damaged),
        };
        options.keys = device.keys.clone();
        options.looks_first = !self.guards;
        if device.says_yes {
            options = Options {
                deletions: Deletions::Allow,
                push: Push::Nothing,
                compare: Compare::Changes,
                ..options
            };
            device.says_yes = options.dry_run;
        }
        device.is_damaged = false;
        device.untouched = options.dry_run.then(|| device.store.image().unwrap());
        if options.decide != Decide::Merge {
            options.point = Some(device.store.open_point("decided").unwrap());
            // Who decides for one side wants what that side has, old or new.
            let cloud = there.into_values();
            let all = device.store.live_payloads().unwrap().into_values().chain(cloud);
            self.deeds.wanted.extend(all.flat_map(|payload| words(&payload).collect::<Vec<_>>()));
        }
        trace(|| format!("device {n} begins: {options:?}"));
        device.options = options.clone();
        device.session =
            Some(Session::begin(&mut device.store, "someone@somewhere", limits, options).unwrap());
    }

    /// Sends what the session wants to send. None: an answer has to come first.
    fn ask(&mut self, n: usize) -> Option<bool> {
        let device = &mut self.devices[n];
        let session = device.session.as_mut()?;
        match session.next(&mut device.store).unwrap() {
            Next::Ask(flight, request) => {
                self.wire.push(Message { device: Some(n), flight, request, answer: None });
                Some(true)
            }
            Next::Wait => None,
            Next::Done => {
                self.was_a_copy |= session.summary().was_a_copy && !device.options.dry_run;
                let summary = session.summary().clone();
                if let Some(before) = device.untouched.take() {
                    assert!(device.store.image().unwrap() == before, "a dry run changed the store");
                } else if !device.options.dry_run {
                    self.see_to_the_key(n, &summary);
                }
                // What the session gave up waiting for is still on its way.
                self.kill(n);
                Some(false)
            }
        }
    }

    fn receive(&mut self, n: usize, message: Message) {
        let device = &mut self.devices[n];
        let Some(session) = device.session.as_mut() else { return };
        let before = device.store.all_texts().unwrap();
        let done = match message.answer.unwrap() {
            Ok(answer) => session.receive(&mut device.store, message.flight, answer),
            Err(error) => session.fail(&mut device.store, message.flight, error),
        };
        if let Err(error) = done {
            return self.refused(n, error);
        }
        self.was_a_copy |= session.summary().was_a_copy && !device.options.dry_run;
        self.saw_a_conflict |=
            session.take_events().iter().any(|event| matches!(event.what, What::Conflict { .. }));
        if device.options.decide != Decide::Merge {
            // What loses to a decision loses knowingly, and stays in history.
            let after = device.store.all_texts().unwrap();
            let all = before.iter().chain(&after).flat_map(|text| words(text).collect::<Vec<_>>());
            let live = device.store.live_payloads().unwrap();
            let live: BTreeSet<String> = live.values().flat_map(|text| words(text)).collect();
            self.deeds.known.extend(all.filter(|word| !live.contains(word)));
            self.deeds.known.extend(device.note_waiting().into_iter().map(|(word, _)| word));
        }
        // No answer settles what a person was told.
        for (word, (id, field)) in device.note_waiting() {
            if device.is_gone(id, &field) {
                self.ended.insert(word);
            } else {
                assert!(device.stands(id, &word), "the conflict with {word} vanished from device {n}");
            }
        }
    }

    /// The process dies, or the network does. Requests that left may still arrive; their answers reach nobody.
    pub(super) fn kill(&mut self, n: usize) {
        self.devices[n].session = None;
        self.devices[n].untouched = None;
        let rng = &mut self.rng;
        self.wire.retain_mut(|message| {
            if message.device != Some(n) {
                return true;
            }
            message.device = None;
            message.answer.is_none() && rng.random_bool(0.5)
        });
    }

    fn deliver_an_orphan(&mut self) {
        if let Some(at) = self.wire.iter().position(|message| message.device.is_none()) {
            let message = self.wire.remove(at);
            if self.is_forbidden(&message.request.mutations) {
                return;
            }
            self.backend.exchange(&message.request, &mut self.rng);
        }
    }
}
