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

    fn back_up(&mut self, n: usize) {
        let device = &mut self.devices[n];
        device.backup = Some((device.store.image().unwrap(), device.is_damaged));
    }

    fn restore_device(&mut self, n: usize) {
        let Some((image, is_damaged)) = self.devices[n].backup.clone() else { return };
        self.become_image(n, &image, is_damaged);
    }

    /// A home folder is copied to another machine, and both go on under one name.
    fn copy_device(&mut self, n: usize) {
        let other = (n + 1) % self.devices.len();
        if other != n {
            let (image, is_damaged) = (self.devices[n].store.image().unwrap(), self.devices[n].is_damaged);
            self.become_image(other, &image, is_damaged);
        }
    }

    fn damage(&mut self, n: usize) {
        self.kill(n);
        for _ in 0..self.rng.random_range(1..=3) {
            let sql = orders::DAMAGES[self.rng.random_range(0..orders::DAMAGES.len())];
            let (number, row) =
                (self.rng.random_range(1..8u8), self.rng.random_range(1..=self.records.len()));
            let sql = sql.replace("{n}", &number.to_string()).replace("{row}", &row.to_string());
            trace(|| sql.clone());
            self.devices[n].store.execute_for_test(&sql);
        }
        self.devices[n].is_damaged = true;
        self.lost_state = true;
    }

    fn become_image(&mut self, n: usize, image: &[u8], is_damaged: bool) {
        let gone = self.on_disks();
        self.devices[n].session = None;
        self.wire.retain(|message| message.device != Some(n));
        self.devices[n].store = self.store(image);
        self.devices[n].untouched = None;
        self.devices[n].is_damaged = is_damaged;
        let device = &mut self.devices[n];
        self.excused.extend(device.note_waiting().into_iter().map(|(word, _)| word));
        let still = self.on_disks();
        self.excused.extend(gone.difference(&still).cloned());
        self.lost_device = true;
    }

    fn restore_backend(&mut self) {
        let Some(backup) = self.backend_backup.clone() else { return };
        let gone: BTreeSet<String> = self.live().values().flat_map(|payload| words(payload)).collect();
        // Whoever puts a backend back stops it first: no answer from before comes after one from the older state.
        self.wire.clear();
        self.devices.iter_mut().for_each(|device| device.session = None);
        self.backend = backup;
        let still = self.on_disks();
        self.excused.extend(gone.difference(&still).cloned());
        self.lost_backend = true;
        // Nobody can tell what a plain backend that was put back has lost from what was deleted there.
        self.lost_device |= self.backend.is_plain;
    }

    /// What stands in some device's records or is on its way from there.
    pub(super) fn on_disks(&mut self) -> BTreeSet<String> {
        self.devices
            .iter_mut()
            .flat_map(|device| device.store.held_texts().unwrap())
            .flat_map(|text| words(&text).collect::<Vec<_>>())
            .collect()
    }

    fn settle(&mut self) {
        self.is_settling = true;
        self.backend.stop_lagging();
        self.backend.refuses = None;
        for n in 0..self.devices.len() {
            // What was begun with other orders ends here; what was set aside is tried again.
            self.kill(n);
            self.devices[n].store.retry_parked(None).unwrap();
        }
        self.wire.retain(|message| message.device.is_some());
        // Two rounds in which nothing is stored and nothing listed: everybody has heard of everything.
        let mut quiet = 0;
        for _ in 0..12 {
            let before = self.backend.traffic();
            for n in 0..self.devices.len() {
                // What was set aside may have counted as synced before it was mended.
                self.devices[n].store.retry_parked(None).unwrap();
                let end = self.steps + 5_000;
                while self.step(n) {
                    assert!(self.steps < end, "the sync of device {n} does not end");
                }
            }
            quiet = if self.backend.traffic() == before { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("devices keep talking");
    }

    fn check(&mut self) {
        // What was sent below the floor by a device that has lost its disk since cannot be vouched for by anybody.
        let aside = if self.lost_device { self.aside() } else { BTreeSet::new() };
        let mut there = self.live();
        there.retain(|id, _| !aside.contains(id));
        if !self.lost_device && !self.lost_state {
            self.check_seals();
        }
        for (n, device) in self.devices.iter_mut().enumerate() {
            let mut here = device.store.live_payloads().unwrap();
            here.retain(|id, _| !aside.contains(id));
            assert_eq!(here, there, "device {n} diverged");
            let is_done = !device.store.has_waiting().unwrap() || !aside.is_empty();
            assert!(is_done, "device {n} has something left to send");
            assert_eq!(device.untold(), [""; 0], "device {n} told nobody of the last change");
        }
        let last: BTreeSet<String> = there.values().flat_map(|payload| words(payload)).collect();
        let mut waiting: BTreeSet<String> =
            self.devices.iter().flat_map(|device| device.waiting().into_keys()).collect();
        if !aside.is_empty() {
            waiting.extend(self.on_disks());
        }
        let kept = |word: &&String| {
            last.contains(*word)
                || waiting.contains(*word)
                || self.ended.contains(*word)
                || self.deeds.known.contains(*word)
                || self.excused.contains(*word)
        };
        let lost: Vec<&String> = self.deeds.written.iter().filter(|word| !kept(word)).collect();
        // One thing at a time: of two together nobody could tell what is true.
        let faults = [self.lost_device, self.lost_backend, self.lost_state];
        let faults = faults.iter().filter(|fault| **fault).count();
        assert!(faults > 1 || lost.is_empty(), "lost: {lost:?}");
        let lost_disks = faults > 0;
        let unwanted = self.deeds.replaced.difference(&self.deeds.wanted);
        let back: Vec<&String> = unwanted.filter(|word| last.contains(*word)).collect();
        assert!(lost_disks || self.deletes || back.is_empty(), "revived: {back:?}");
        assert!(self.devices.len() > 1 || lost_disks || !self.saw_a_conflict, "noise: {waiting:?}");
        assert!(lost_disks || !self.was_a_copy, "took itself for a copy");
        self.check_history();
    }

    /// What a device overwrote is still in its history: every word that was written is on some disk.
    fn check_history(&mut self) {
        if self.lost_device || self.lost_state || self.keep.versions > 0 {
            return;
        }
        let mut remembered = BTreeSet::new();
        for device in &mut self.devices {
            remembered.extend(
                device.store.all_texts().unwrap().iter().flat_map(|text| words(text).collect::<Vec<_>>()),
            );
        }
        let forgotten: Vec<&String> = self.deeds.written.difference(&remembered).collect();
        assert!(forgotten.is_empty(), "in no history: {forgotten:?}");
    }
}
