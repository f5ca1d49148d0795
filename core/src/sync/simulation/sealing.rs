//! The account's key in a schedule: a device makes it, others get it, it is rotated, records are sealed anew, all goes back to plain;
//! and what people do when a sync stops because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orkee_wire::KEYS_ID;
use rand::Rng;

use super::person::words;
use super::trace::trace;
use super::world::World;
use crate::project::ProjectId;
use crate::seal::keys::{Fresh, Joiner, KeyError, Keys, document_envelope, read};
use crate::seal::{Document, KeyId, RecipientSecret};
use crate::store::{Durability, StoreError, Tx};
use crate::sync::document::epoch_of;
use crate::sync::{GiveUpError, Summary, SyncError, give_up};

/// A recovery phrase, by the account whose key it recovers.
pub(super) type Phrases = Vec<(KeyId, RecipientSecret)>;

const AT: &str = "2026-01-01T00:00:00.000Z";

fn joiner() -> Joiner {
    Joiner {
        remote: "someone@somewhere".to_owned(),
        name: "device".to_owned(),
        device: None,
        at: AT.to_owned(),
    }
}

impl World {
    /// A person says `key init`, `recover`, `rotate`, `unseal`.
    pub(super) fn handle_key(&mut self, n: usize) {
        self.kill(n);
        let keys = self.devices[n].keys.clone();
        let Some(document) = keys.document() else {
            return match self.document() {
                None => self.make_key(n),
                Some(there) if there.seals() && self.rng.random_bool(0.7) => self.recover(n),
                Some(_) => {}
            };
        };
        let epochs = keys.epochs().unwrap();
        let document = keys.among(document, &joiner()).unwrap();
        if !document.seals() {
            let (next, _) = document.sealed_again(&epochs).unwrap().next_epoch(&epochs).unwrap();
            if self.put_document(n, &next) {
                self.on_store(n, |tx| tx.reseal_below(next.epoch()));
            }
        } else if self.rng.random_bool(0.25) {
            if self.put_document(n, &document.unsealed(&epochs).unwrap()) {
                self.on_store(n, |tx| tx.unseal_all());
            }
        } else {
            let (next, _) = document.next_epoch(&epochs).unwrap();
            if self.put_document(n, &next) && self.rng.random_bool(0.6) {
                self.on_store(n, |tx| tx.reseal_below(next.epoch()));
            }
        }
    }

    fn make_key(&mut self, n: usize) {
        let fresh = Fresh::found("", &joiner(), None).unwrap();
        let document = fresh.document().clone();
        self.phrases.push((document.id(), fresh.phrase().unwrap().recipient()));
        self.devices[n].keys = Arc::new(fresh.keep_in_memory().unwrap());
        if self.put_document(n, &document) {
            self.on_store(n, |tx| tx.reseal_below(1));
        }
    }

    /// With the recovery phrase. Keys that were here and are another account's are replaced.
    fn recover(&mut self, n: usize) {
        let Some(there) = self.document() else { return };
        let (_, secret) = self.phrases.iter().find(|(id, _)| *id == there.id()).unwrap();
        let fresh = Fresh::join(&there, secret, &joiner()).unwrap();
        let document = fresh.document().clone();
        let had_keys = self.devices[n].keys.document().is_some();
        self.devices[n].keys = Arc::new(fresh.keep_in_memory().unwrap());
        self.put(&document);
        if had_keys {
            self.on_store(n, |tx| tx.seal_anew());
        }
    }

    /// Compare and set: over the one that this device has seen last. False: another is there, or it dies before it hears of it.
    fn put_document(&mut self, n: usize, document: &Document) -> bool {
        let there = self.document().map(|there| there.bytes().to_vec());
        if there != self.devices[n].keys.document().map(|held| held.bytes().to_vec()) {
            return false;
        }
        self.put(document);
        if !self.is_settling && self.rng.random_bool(0.2) {
            return false;
        }
        self.devices[n].keys.meet(&document_envelope(document, "device", AT, None)).unwrap();
        true
    }

    fn put(&mut self, document: &Document) {
        trace(|| format!("document {}: {}", document.number(), String::from_utf8_lossy(document.bytes())));
        self.backend.put(KEYS_ID, document_envelope(document, "device", AT, None));
    }

    fn document(&self) -> Option<Document> {
        self.backend.envelope(KEYS_ID).map(|envelope| read(envelope).unwrap())
    }

    fn on_store<T>(&mut self, n: usize, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) {
        self.devices[n].untouched = None;
        self.devices[n].store.write::<_, StoreError>(Durability::Full, work).unwrap();
    }

    /// Whether the account is sealed and the request has a plain project: a backend that guards refuses it as a whole.
    pub(super) fn is_forbidden(&self, mutations: &[crate::sync::provider::Mutation]) -> bool {
        let is_plain = |envelope: &[u8]| epoch_of(envelope) == Some(0) && !envelope.ends_with(b"\n");
        self.guards
            && self.document().is_some_and(|there| there.seals())
            && mutations.iter().any(|mutation| mutation.id != KEYS_ID && is_plain(&mutation.envelope))
    }

    /// A sync came to its end.
    pub(super) fn see_to_the_key(&mut self, n: usize, summary: &Summary) {
        let keys = self.devices[n].keys.clone();
        let Some(held) = keys.document() else { return };
        if summary.document_behind && self.document().is_none_or(|there| there.number() < held.number()) {
            self.put(&held);
        }
        if summary.left_to_reseal != Some(0) {
            return;
        }
        let to = self.devices[n].store.space_state().unwrap().0.resealing.unwrap_or(0);
        if to == 0 || held.floor() >= to {
            return self.on_store(n, |tx| tx.end_reseal());
        }
        let raised = held.with_floor(&keys.epochs().unwrap(), to).unwrap();
        self.put_document(n, &raised);
    }

    /// The sync stopped, and the person does what the message says.
    pub(super) fn refused(&mut self, n: usize, error: SyncError) {
        trace(|| format!("device {n} stops: {error}"));
        self.kill(n);
        match error {
            SyncError::Keys(KeyError::AccountSealed { .. }) => {
                if self.is_settling || self.rng.random_bool(0.3) {
                    self.recover(n);
                }
            }
            // Its store is that of a device that had the key.
            SyncError::Keys(KeyError::Missing) => {
                if self.lost_backend && self.document().is_none() {
                    self.found_again(n);
                }
                self.recover(n);
            }
            SyncError::Keys(KeyError::Gone)
                if self.lost_backend && self.devices[n].keys.document().is_none() =>
            {
                self.found_again(n);
            }
            SyncError::Keys(KeyError::RolledBack { .. } | KeyError::Forked { .. } | KeyError::Gone)
                if self.lost_backend =>
            {
                self.devices[n].is_damaged = true;
            }
            // The backend was put back, and somebody went on from there who did not know of ours.
            SyncError::Keys(KeyError::OtherKey | KeyError::Tampered | KeyError::Removed)
                if self.lost_backend =>
            {
                self.recover(n);
                self.lost_device = true;
            }
            // A person knows what was deleted.
            SyncError::Unsaid { .. } => self.devices[n].says_yes = true,
            SyncError::Provider(error) if self.guards => {
                assert!(error.failure == crate::sync::provider::Failure::Forbidden, "{error}");
            }
            other => panic!("device {n}: {other}"),
        }
    }

    /// The backend lost the document, and this device never had a key: another one that has it puts it back. Where none has, the account
    /// gets a new key, and what was sealed under the old one is lost.
    fn found_again(&mut self, n: usize) {
        let sealing = |keys: &Keys| keys.document().filter(Document::seals);
        match self.devices.iter().find_map(|device| sealing(&device.keys)) {
            Some(held) => self.put(&held),
            None => {
                self.make_key(n);
                self.lost_device = true;
            }
        }
    }

    /// A person gives up a record that cannot be read on this device. What stands on no other disk is lost with it.
    pub(super) fn give_up(&mut self, n: usize) {
        let aside = self.devices[n].store.parked().unwrap();
        let Some(parked) = aside.into_iter().find(|parked| parked.is_from_cloud) else { return };
        self.kill(n);
        let gone: BTreeSet<String> =
            self.live().get(&parked.id).into_iter().flat_map(|it| words(it)).collect();
        let device = &mut self.devices[n];
        device.untouched = None;
        match give_up(&mut device.store, &device.keys, &parked.id) {
            // A key came since, is not here any more, or may still come.
            Ok(_) | Err(GiveUpError::Readable(_) | GiveUpError::NewerKey { .. } | GiveUpError::Keys(_)) => {}
            Err(error) => panic!("{} is not given up: {error}", parked.id),
        }
        let still = self.on_disks();
        self.excused.extend(gone.difference(&still).cloned());
    }

    /// What the backend holds, as a member reads it.
    pub(super) fn live(&self) -> BTreeMap<String, String> {
        let none = Keys::none();
        let keys = self.devices.iter().map(|device| &*device.keys);
        let keys = keys.max_by_key(|keys| keys.standing().number).unwrap_or(&none);
        let read = |(id, envelope): (&str, &[u8])| {
            let opened = keys.read(id.parse::<ProjectId>().unwrap(), envelope).ok()?;
            Some((id.to_owned(), opened.version.payload?.to_json()))
        };
        self.backend.envelopes().filter(|(id, _)| *id != KEYS_ID).filter_map(read).collect()
    }

    /// Records of which some device holds a version that it may not read.
    pub(super) fn aside(&self) -> BTreeSet<String> {
        let parked = self.devices.iter().flat_map(|device| device.store.parked().unwrap());
        parked.filter(|parked| parked.is_from_cloud).map(|parked| parked.id).collect()
    }

    /// No record stays in a form that is not accepted, no device is behind, and nothing is set aside.
    pub(super) fn check_seals(&self) {
        let there = self.document();
        for (n, device) in self.devices.iter().enumerate() {
            let held = device.keys.document();
            let is_same = match (&held, &there) {
                (Some(held), Some(there)) => held.bytes() == there.bytes(),
                (held, there) => held.is_none() && there.as_ref().is_none_or(|there| !there.seals()),
            };
            assert!(is_same, "device {n} has another key document");
            assert_eq!(device.store.parked().unwrap(), [], "set aside at device {n}");
            let resealing = device.store.space_state().unwrap().0.resealing;
            assert_eq!(resealing, None, "device {n} is still changing over");
        }
        let fits = match &there {
            Some(there) if there.seals() => there.floor()..=there.epoch(),
            _ => 0..=0,
        };
        for (id, envelope) in self.backend.envelopes().filter(|(id, _)| *id != KEYS_ID) {
            let epoch = epoch_of(envelope).unwrap();
            assert!(fits.contains(&epoch), "{id} stays in epoch {epoch}");
        }
    }
}
