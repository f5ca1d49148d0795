//! An account that is sealed: what a session does with its key document, and with versions in a form that it does not accept.

use std::sync::Arc;

use orkee_wire::{Envelope, KEYS_ID};

use super::*;
use crate::seal::Document;
use crate::seal::keys::{Fresh, Joiner, KeyError, Keys, document_envelope};

const AT: &str = "2026-01-01T00:00:00.000Z";

fn joiner(name: &str) -> Joiner {
    Joiner { remote: "me@here".to_owned(), name: name.to_owned(), device: None, at: AT.to_owned() }
}

/// An account with a key, and the secret that recovers it.
pub(super) struct Sealed {
    pub(super) cloud: Cloud,
    secret: crate::seal::RecipientSecret,
}

impl Sealed {
    /// `keys` come to have a key, and the backend its document.
    pub(super) fn new(cloud: Cloud) -> (Self, Arc<Keys>) {
        let fresh = Fresh::found("", &joiner("laptop"), None).unwrap();
        let (document, secret) = (fresh.document().clone(), fresh.phrase().unwrap().recipient());
        let keys = Arc::new(fresh.keep_in_memory().unwrap());
        let mut sealed = Self { cloud, secret };
        sealed.put(&document, &keys);
        (sealed, keys)
    }

    fn put(&mut self, document: &Document, keys: &Keys) {
        let envelope = document_envelope(document, "laptop", AT, None);
        self.cloud.backend.put(KEYS_ID, envelope.clone());
        keys.meet(&envelope).unwrap();
    }

    fn change(&mut self, keys: &Keys, change: impl FnOnce(&Document, &crate::seal::Epochs) -> Document) {
        let document = change(&keys.document().unwrap(), &keys.epochs().unwrap());
        self.put(&document, keys);
    }

    fn raise(&mut self, keys: &Keys, floor: u32) {
        self.change(keys, |document, epochs| document.with_floor(epochs, floor).unwrap());
    }

    /// Another device gets the key.
    pub(super) fn join(&mut self, keys: &Keys) -> Arc<Keys> {
        let fresh = Fresh::join(&keys.document().unwrap(), &self.secret, &joiner("desktop")).unwrap();
        let document = fresh.document().clone();
        let joined = Arc::new(fresh.keep_in_memory().unwrap());
        self.put(&document, keys);
        joined
    }

    fn try_sync(&mut self, store: &mut Store, keys: &Arc<Keys>) -> Result<Summary, SyncError> {
        let options = Options { keys: keys.clone(), ..Options::default() };
        self.cloud.sync_with(store, LIMITS, options)
    }

    pub(super) fn sync(&mut self, store: &mut Store, keys: &Arc<Keys>) -> Summary {
        self.try_sync(store, keys).unwrap()
    }

    pub(super) fn epoch(&self, n: usize) -> u32 {
        crate::sync::document::epoch_of(self.cloud.backend.envelope(id(n).as_str()).unwrap()).unwrap()
    }
}

pub(super) type Device = (Store, Arc<Keys>);

/// Two devices with keys, whose account was changed over and takes no plain record any more.
pub(super) fn sealed_pair(count: usize) -> (Sealed, Device, Device) {
    let (cloud, mut a, mut b) = pair(count);
    let (mut sealed, a_keys) = Sealed::new(cloud);
    a.write::<_, StoreError>(Durability::Full, |tx| tx.reseal_below(1)).unwrap();
    assert_eq!(sealed.sync(&mut a, &a_keys).left_to_reseal, Some(0));
    sealed.raise(&a_keys, 1);
    a.write::<_, StoreError>(Durability::Full, |tx| tx.end_reseal()).unwrap();
    let b_keys = sealed.join(&a_keys);
    sealed.sync(&mut a, &a_keys);
    sealed.sync(&mut b, &b_keys);
    (sealed, (a, a_keys), (b, b_keys))
}

pub(super) fn reasons(store: &Store) -> Vec<(String, String)> {
    store.parked().unwrap().into_iter().map(|parked| (parked.id, parked.reason)).collect()
}

#[test]
fn k13_a_change_over_sends_every_record_again_and_makes_no_version_of_it() {
    let (sealed, (a, _), (b, _)) = sealed_pair(3);
    for n in 0..3 {
        assert_eq!(sealed.epoch(n), 1);
        for store in [&a, &b] {
            assert_eq!(store.history(id(n)).unwrap().len(), 1, "it says what it said");
        }
    }
    assert!(!a.has_waiting().unwrap() && !b.has_waiting().unwrap());
}

#[test]
fn k14_a_device_without_the_key_is_told_so_by_its_first_reply_and_sends_nothing() {
    let (mut sealed, _, _) = sealed_pair(2);
    let mut new = store("tablet");
    add(&mut new, 9);
    let before = sealed.cloud.backend.traffic().0;
    let error = sealed.try_sync(&mut new, &Arc::default()).unwrap_err();
    assert!(
        matches!(&error, SyncError::Keys(KeyError::AccountSealed { by, .. }) if by == "laptop"),
        "{error}"
    );
    assert!(sealed.cloud.requests[0].mutations.is_empty(), "it looks first");
    assert_eq!((sealed.cloud.backend.traffic().0, new.parked().unwrap()), (before, Vec::new()));
    assert!(new.get(id(0)).is_err(), "nothing of the reply was applied");
}

#[test]
fn k15_records_that_cannot_be_opened_are_parked_each_with_its_reason_and_the_rest_goes_on() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(8);
    (0..7).for_each(|n| rename(&mut a, n, "news"));
    sealed.sync(&mut a, &a_keys);
    let envelope = |sealed: &Sealed, n| sealed.cloud.backend.envelope(id(n).as_str()).unwrap().to_vec();
    let change = |sealed: &Sealed, n, change: &dyn Fn(&mut Vec<u8>)| {
        let bytes = envelope(sealed, n);
        let Envelope { head, payload } = Envelope::parse(&bytes).unwrap();
        let mut payload = payload.unwrap().to_vec();
        change(&mut payload);
        Envelope { head, payload: Some(&payload) }.to_bytes()
    };
    let flipped = change(&sealed, 0, &|payload| payload[60] ^= 1);
    let other_id = envelope(&sealed, 1);
    let other_epoch = change(&sealed, 2, &|payload| payload[8] = 7);
    let truncated = change(&sealed, 3, &|payload| payload.truncate(100));
    let future = change(&sealed, 4, &|payload| payload[4] = 2);
    let plain = envelope_of(5, "w9", 5);
    for (n, envelope) in [flipped, other_id, other_epoch, truncated, future, plain].into_iter().enumerate() {
        let n = if n == 1 { 7 } else { n };
        sealed.cloud.backend.put(id(n).as_str(), envelope);
    }
    let summary = sealed.sync(&mut b, &b_keys);
    assert_eq!(
        (summary.parked.len(), name(&b, 6), name(&b, 0)),
        (6, "news".to_owned(), "Project 0".to_owned())
    );
    let found = reasons(&b);
    let reason = |n: usize| &found.iter().find(|(of, _)| of == id(n).as_str()).unwrap().1;
    let expected = [
        (0, "changed"),
        (2, "epoch 7"),
        (3, "cut off"),
        (4, "format 2"),
        (5, "not sealed"),
        (7, "another record"),
    ];
    for (n, words) in expected {
        let words = if n == 7 { "sealed for another record" } else { words };
        assert!(reason(n).contains(words), "{n}: {}", reason(n));
    }
}

#[test]
fn k16_an_older_key_document_is_refused_and_nothing_that_came_with_it_is_applied() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(2);
    let old = sealed.cloud.backend.envelope(KEYS_ID).unwrap().to_vec();
    sealed.change(&a_keys, |document, epochs| document.next_epoch(epochs).unwrap().0);
    sealed.sync(&mut a, &a_keys);
    sealed.sync(&mut b, &b_keys);
    rename(&mut a, 0, "news");
    sealed.sync(&mut a, &a_keys);
    sealed.cloud.backend.put(KEYS_ID, old);
    let before = b.image().unwrap();
    let error = sealed.try_sync(&mut b, &b_keys).unwrap_err();
    assert!(matches!(error, SyncError::Keys(KeyError::RolledBack { have, got }) if got < have), "{error}");
    assert_eq!((b.image().unwrap() == before, b_keys.standing().epoch), (true, 2));
}

#[test]
fn k17_a_full_listing_without_the_key_document_deletes_nothing_and_is_refused() {
    let (mut sealed, (mut a, a_keys), _) = sealed_pair(2);
    sealed.cloud.backend.lose(KEYS_ID);
    sealed.cloud.backend.lose(id(0).as_str());
    a.forget_position();
    let error = sealed.try_sync(&mut a, &a_keys).unwrap_err();
    assert!(matches!(error, SyncError::Keys(KeyError::Gone)), "{error}");
    assert_eq!(name(&a, 0), "Project 0");
    let everything = Options { compare: Compare::Everything, keys: a_keys, ..Options::default() };
    let summary = sealed.cloud.sync_with(&mut a, LIMITS, everything).unwrap();
    assert!(summary.document_behind, "who compares everything is told to put ours back");
}

#[test]
fn k82_one_record_that_a_listing_does_not_show_is_deleted_here_only_with_a_persons_yes() {
    let (mut sealed, (mut a, a_keys), _) = sealed_pair(3);
    sealed.cloud.backend.lose(id(0).as_str());
    add(&mut a, 9);
    a.forget_position();
    for _ in 0..2 {
        let error = sealed.try_sync(&mut a, &a_keys).unwrap_err();
        assert!(matches!(error, SyncError::Unsaid { gone: 1, total: 4 }), "{error}");
        assert_eq!(crate::diagnostic::Diagnostic::kind(&error).exit_code(), 5);
        assert_eq!((name(&a, 0), sealed.epoch(9)), ("Project 0".to_owned(), 1), "all the rest is done");
    }
    let before = a.image().unwrap();
    let options = || Options { keys: a_keys.clone(), ..Options::default() };
    let yes = Options { push: Push::Nothing, deletions: Deletions::Allow, ..options() };
    assert_eq!(sealed.cloud.sync_with(&mut a, LIMITS, yes).unwrap().deleted, 1);
    assert_eq!(sealed.sync(&mut a, &a_keys).deleted, 0, "it is asked once");
    let mut a = Store::from_image(StoreOptions::default(), &before).unwrap();
    let back = Options { compare: Compare::Joining, ..options() };
    let summary = sealed.cloud.sync_with(&mut a, LIMITS, back).unwrap();
    assert_eq!((summary.deleted, summary.pushed, sealed.epoch(0)), (0, 1, 1));
    sealed.sync(&mut a, &a_keys);
}

#[test]
fn k82_a_device_that_was_away_longer_than_tombstones_live_goes_on_after_one_answer() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(30);
    (0..3).for_each(|n| drop(a.delete(id(n)).unwrap()));
    sealed.sync(&mut a, &a_keys);
    sealed.cloud.backend.prune();
    rename(&mut b, 0, "still in use");
    rename(&mut b, 7, "edited meanwhile");
    let error = sealed.try_sync(&mut b, &b_keys).unwrap_err();
    assert!(matches!(error, SyncError::Unsaid { gone: 2, total: 30 }), "{error}");
    let options = Options { push: Push::Nothing, deletions: Deletions::Allow, ..Options::default() };
    let yes = Options { keys: b_keys.clone(), ..options };
    assert_eq!(sealed.cloud.sync_with(&mut b, LIMITS, yes).unwrap().deleted, 2);
    sealed.sync(&mut b, &b_keys);
    sealed.sync(&mut a, &a_keys);
    assert_eq!(name(&a, 0), "still in use", "an edit beats a delete");
    assert_eq!(name(&a, 7), "edited meanwhile");
    assert!(a.get(id(1)).is_err() && b.get(id(1)).is_err());
}

/// What keeps the floor from being raised to this epoch.
pub(super) fn stuck(store: &mut Store, floor: u32, epoch: u32) -> Vec<String> {
    let stuck = store.write::<_, StoreError>(Durability::Full, |tx| tx.stuck_below(floor, epoch)).unwrap();
    stuck.into_iter().map(|parked| format!("{}: {}", parked.id, parked.reason)).collect()
}

#[test]
fn k83_a_plain_record_that_cannot_be_read_here_or_is_not_taken_there_keeps_the_floor_down_and_is_named() {
    let (mut cloud, mut a, _) = pair(2);
    let head = Envelope::parse(cloud.backend.envelope(id(0).as_str()).unwrap()).unwrap().head;
    let newer = Envelope { head, payload: Some(b"a project of a newer version") }.to_bytes();
    cloud.backend.put(id(7).as_str(), newer.clone());
    cloud.rejects = Some(id(1).to_string());
    let (mut sealed, keys) = Sealed::new(cloud);
    a.write::<_, StoreError>(Durability::Full, |tx| tx.reseal_below(1)).unwrap();
    assert_eq!(sealed.sync(&mut a, &keys).left_to_reseal, Some(2));
    let named = stuck(&mut a, 0, 1);
    assert!(named[0].starts_with(id(1).as_str()) && named[1].starts_with(id(7).as_str()), "{named:?}");
    sealed.cloud.rejects = None;
    a.retry_parked(None).unwrap();
    assert_eq!(sealed.sync(&mut a, &keys).left_to_reseal, Some(1), "it would be shut out unread");
    // Whoever can read it seals it.
    sealed.cloud.backend.put(id(7).as_str(), envelope_of(7, "w9", 5));
    assert_eq!(sealed.sync(&mut a, &keys).left_to_reseal, Some(0));
    assert_eq!((stuck(&mut a, 0, 1), sealed.epoch(7)), (vec![], 1));
    // What the floor shuts out already keeps nothing open.
    sealed.raise(&keys, 1);
    sealed.cloud.backend.put(id(8).as_str(), newer);
    sealed.change(&keys, |document, epochs| document.next_epoch(epochs).unwrap().0);
    a.write::<_, StoreError>(Durability::Full, |tx| tx.reseal_below(2)).unwrap();
    assert_eq!(sealed.sync(&mut a, &keys).left_to_reseal, Some(0));
    assert_eq!(reasons(&a).len(), 1);
}

#[test]
fn k18_plain_text_for_a_sealed_account_overwrites_nothing_and_ours_goes_over_what_it_claims() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(2);
    let head = Envelope::parse(sealed.cloud.backend.envelope(id(0).as_str()).unwrap()).unwrap().head;
    let forged = format!("{{\"id\":\"{}\",\"name\":\"forged\"}}", id(0));
    let envelope = Envelope { head, payload: Some(forged.as_bytes()) }.to_bytes();
    sealed.cloud.backend.put(id(0).as_str(), envelope);
    for (store, keys) in [(&mut a, &a_keys), (&mut b, &b_keys)] {
        sealed.sync(store, keys);
        assert_eq!((name(store, 0), reasons(store)), ("Project 0".to_owned(), Vec::new()));
    }
    assert_eq!(sealed.epoch(0), 1, "ours is there again");
}

#[test]
fn k19_a_change_over_is_no_edit_and_gives_way_to_a_delete() {
    let (cloud, mut a, mut b) = pair(3);
    let (mut sealed, keys) = Sealed::new(cloud);
    sealed.sync(&mut a, &keys);
    b.delete(id(0)).unwrap();
    let b_keys = sealed.join(&keys);
    sealed.sync(&mut b, &b_keys);
    sealed.cloud.backend.prune();
    a.write::<_, StoreError>(Durability::Full, |tx| tx.reseal_below(1)).unwrap();
    a.forget_position();
    let summary = sealed.sync(&mut a, &keys);
    assert_eq!((summary.deleted, summary.left_to_reseal), (1, Some(0)));
    assert!(a.get(id(0)).is_err());
}

#[test]
fn k20_what_was_set_aside_for_a_key_is_taken_in_when_the_document_comes_or_a_person_asks() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(2);
    rename(&mut a, 0, "news");
    sealed.sync(&mut a, &a_keys);
    let good = sealed.cloud.backend.envelope(id(0).as_str()).unwrap().to_vec();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    sealed.cloud.backend.put(id(0).as_str(), bad);
    assert_eq!(sealed.sync(&mut b, &b_keys).parked.len(), 1);
    assert_eq!(b.retry_parked(None).unwrap(), [id(0)]);
    assert_eq!(sealed.sync(&mut b, &b_keys).parked.len(), 1, "it is tried again, and is as it was");
    assert_eq!(sealed.sync(&mut b, &b_keys).parked.len(), 0, "once");
    sealed.cloud.backend.put(id(0).as_str(), good);
    sealed.sync(&mut b, &b_keys);
    assert_eq!((name(&b, 0), reasons(&b)), ("news".to_owned(), Vec::new()));
}

#[test]
fn k21_what_left_before_the_floor_was_raised_goes_again_above_it() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(3);
    rename(&mut b, 1, "B was away");
    // Unknown to B, the account goes on to the next epoch, and accepts no older one.
    sealed.change(&a_keys, |document, epochs| document.next_epoch(epochs).unwrap().0);
    a.write::<_, StoreError>(Durability::Full, |tx| tx.reseal_below(2)).unwrap();
    assert_eq!(sealed.sync(&mut a, &a_keys).left_to_reseal, Some(0));
    sealed.raise(&a_keys, 2);
    sealed.sync(&mut b, &b_keys);
    assert_eq!([0, 1, 2].map(|n| sealed.epoch(n)), [2; 3]);
    sealed.sync(&mut a, &a_keys);
    assert_eq!((name(&a, 1), reasons(&a)), ("B was away".to_owned(), Vec::new()));
}

#[test]
fn k22_back_to_plain_leaves_no_sealed_record_and_a_device_that_was_away_follows() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(3);
    rename(&mut b, 1, "B was away");
    sealed.change(&a_keys, |document, epochs| document.unsealed(epochs).unwrap());
    a.write::<_, StoreError>(Durability::Full, |tx| tx.unseal_all()).unwrap();
    assert_eq!(sealed.sync(&mut a, &a_keys).left_to_reseal, Some(0));
    sealed.sync(&mut b, &b_keys);
    assert_eq!([0, 1, 2].map(|n| sealed.epoch(n)), [0; 3]);
    let mut new = store("tablet");
    assert_eq!(sealed.sync(&mut new, &Arc::default()).pulled, 3, "whoever never had the key reads all");
}

#[test]
fn k23_a_sync_of_a_sealed_account_asks_as_often_as_one_of_a_plain_account_and_looks_at_no_other_record() {
    let (mut cloud, mut plain, _) = pair(200);
    let (mut sealed, (mut a, a_keys), _) = sealed_pair(200);
    (0..10).for_each(|n| rename(&mut plain, n, "news"));
    (0..10).for_each(|n| rename(&mut a, n, "news"));
    let cost = plain.instructions(|plain| assert_eq!(cloud.sync(plain).round_trips, 1));
    let sealed_cost = a.instructions(|a| assert_eq!(sealed.sync(a, &a_keys).round_trips, 1));
    assert!(sealed_cost <= cost + cost / 20, "{sealed_cost} instructions, {cost} for plain ones");
}

#[test]
fn k24_a_device_that_lost_its_keys_lists_everything_anew_before_it_sends_anything() {
    let (mut sealed, (mut a, _), _) = sealed_pair(2);
    rename(&mut a, 0, "secret");
    let error = sealed.try_sync(&mut a, &Arc::default()).unwrap_err();
    assert!(matches!(error, SyncError::Keys(KeyError::AccountSealed { .. })), "{error}");
    assert!(sealed.cloud.requests.iter().all(|asked| asked.mutations.iter().all(|m| m.id == KEYS_ID)));
    assert_eq!(sealed.epoch(0), 1);
}

/// All that was sent is a look at the key document.
fn sent_nothing(sealed: &Sealed) -> bool {
    sealed.cloud.requests.iter().all(|asked| asked.mutations.iter().all(|m| m.id == KEYS_ID))
}

#[test]
fn k24_a_device_that_lost_its_keys_goes_on_in_plain_for_no_document_that_the_cloud_shows_or_hides() {
    for compare in [Compare::Changes, Compare::Everything] {
        let (mut sealed, (mut a, a_keys), _) = sealed_pair(2);
        rename(&mut a, 0, "secret");
        let document = a_keys.document().unwrap();
        let plain = document.unsealed(&a_keys.epochs().unwrap()).unwrap();
        for shown in [Some(document_envelope(&plain, "laptop", AT, None)), None] {
            sealed.cloud.backend.lose(KEYS_ID);
            shown.into_iter().for_each(|envelope| sealed.cloud.backend.put(KEYS_ID, envelope));
            for _ in 0..2 {
                let options = Options { compare, ..Options::default() };
                let error = sealed.cloud.sync_with(&mut a, LIMITS, options).unwrap_err();
                assert!(matches!(error, SyncError::Keys(KeyError::Missing)), "{error}");
                assert!(
                    sent_nothing(&sealed) && a.space_state().unwrap().0.document == Some(document.number())
                );
            }
        }
    }
}

#[test]
fn k24_a_new_device_that_sees_sealed_records_and_no_document_sends_its_own_to_nobody() {
    let (mut sealed, _, _) = sealed_pair(2);
    sealed.cloud.backend.lose(KEYS_ID);
    let mut new = store("tablet");
    add(&mut new, 9);
    let error = sealed.try_sync(&mut new, &Arc::default()).unwrap_err();
    assert!(matches!(error, SyncError::Keys(KeyError::Gone)), "{error}");
    sealed.cloud.rejects = Some(KEYS_ID.to_owned());
    let error = sealed.try_sync(&mut new, &Arc::default()).unwrap_err();
    assert!(matches!(error, SyncError::Keys(KeyError::Gone)), "{error}");
    // Nor where it may not ask for it.
    let mut session = Session::begin(&mut new, "me@here", LIMITS, Options::default()).unwrap();
    let error = loop {
        let Next::Ask(flight, request) = session.next(&mut new).unwrap() else { panic!("nothing is asked") };
        let done = if request.mutations.is_empty() {
            let answer = sealed.cloud.answer(request);
            session.receive(&mut new, flight, answer)
        } else {
            assert!(request.mutations.iter().all(|mutation| mutation.id == KEYS_ID));
            session.fail(&mut new, flight, ProviderError::new(Failure::Forbidden, "not you"))
        };
        if let Err(error) = done {
            break error;
        }
    };
    assert!(matches!(error, SyncError::Keys(KeyError::Missing)), "{error}");
    assert_eq!((sent_nothing(&sealed), new.parked().unwrap()), (true, Vec::new()));
}

#[test]
fn k22_where_a_policy_wants_sealed_records_a_document_that_goes_back_to_plain_ends_the_sync() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(2);
    sealed.change(&a_keys, |document, epochs| document.unsealed(epochs).unwrap());
    sealed.sync(&mut a, &a_keys);
    rename(&mut b, 0, "secret");
    let must = || Options { must_seal: true, keys: b_keys.clone(), looks_first: true, ..Options::default() };
    for _ in 0..2 {
        let error = sealed.cloud.sync_with(&mut b, LIMITS, must()).unwrap_err();
        assert!(matches!(error, SyncError::Keys(KeyError::MustSeal)), "{error}");
        assert!(sealed.cloud.requests.iter().all(|asked| {
            asked.mutations.iter().all(|m| crate::sync::document::epoch_of(&m.envelope) != Some(0))
        }));
    }
}

#[test]
fn k22_a_session_follows_what_another_process_adopted_in_the_meantime() {
    let (mut sealed, (mut a, a_keys), _) = sealed_pair(2);
    rename(&mut a, 0, "news");
    let options = Options { keys: a_keys.clone(), ..Options::default() };
    let mut session = Session::begin(&mut a, "me@here", LIMITS, options).unwrap();
    // The same keys, as if another command had met the document on this device.
    sealed.change(&a_keys, |document, epochs| document.unsealed(epochs).unwrap());
    for _ in 0..20 {
        match session.next(&mut a).unwrap() {
            Next::Ask(flight, request) => {
                let answer = sealed.cloud.answer(request);
                session.receive(&mut a, flight, answer).unwrap();
            }
            Next::Wait => panic!("nothing is under way"),
            Next::Done => {
                assert_eq!((sealed.epoch(0), sealed.epoch(1)), (0, 0));
                return;
            }
        }
    }
    panic!("it goes on for ever");
}
