//! What becomes of disks: a device's is backed up, put back, copied or damaged; the backend's is put back. What is on no disk any more
//! is not missed in the end.

use std::collections::BTreeSet;

use rand::Rng;

use super::World;
use crate::sync::simulation::orders;
use crate::sync::simulation::person::words;
use crate::sync::simulation::trace::trace;

impl World {
    pub(super) fn back_up(&mut self, n: usize) {
        let device = &mut self.devices[n];
        device.backup = Some((device.store.image().unwrap(), device.is_damaged));
    }

    pub(super) fn restore_device(&mut self, n: usize) {
        let Some((image, is_damaged)) = self.devices[n].backup.clone() else { return };
        self.become_image(n, &image, is_damaged);
    }

    /// A home folder is copied to another machine, and both go on under one name.
    pub(super) fn copy_device(&mut self, n: usize) {
        let other = (n + 1) % self.devices.len();
        if other != n {
            let (image, is_damaged) = (self.devices[n].store.image().unwrap(), self.devices[n].is_damaged);
            self.become_image(other, &image, is_damaged);
        }
    }

    pub(super) fn damage(&mut self, n: usize) {
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

    pub(super) fn restore_backend(&mut self) {
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
    pub(in crate::sync::simulation) fn on_disks(&mut self) -> BTreeSet<String> {
        self.devices
            .iter_mut()
            .flat_map(|device| device.store.held_texts().unwrap())
            .flat_map(|text| words(&text).collect::<Vec<_>>())
            .collect()
    }
}
