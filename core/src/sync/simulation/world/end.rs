//! The end of a schedule: everybody syncs until it is quiet, and then all is as it has to be.

use std::collections::BTreeSet;

use super::World;
use crate::sync::simulation::person::words;

impl World {
    pub(super) fn settle(&mut self) {
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

    pub(super) fn check(&mut self) {
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
