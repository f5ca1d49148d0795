//! What was set aside and is given up: what takes its place, and that whoever can read it has it stand again.

use orkee_wire::{Envelope, sealed};

use super::sealing::{Sealed, reasons, sealed_pair, stuck};
use super::*;
use crate::seal::keys::{KeyError, Keys};
use crate::sync::{GiveUpError, GivenUp, give_up, look_at_aside};

/// A record that nobody can read.
fn unreadable(cloud: &Cloud) -> Vec<u8> {
    let head = Envelope::parse(cloud.backend.envelope(id(0).as_str()).unwrap()).unwrap().head;
    Envelope { head, payload: Some(b"a project of a newer version") }.to_bytes()
}

#[test]
fn k90_a_record_that_nobody_can_read_and_that_keeps_the_floor_down_is_deleted_when_it_is_given_up() {
    let (mut cloud, mut a, _) = pair(2);
    let bad = unreadable(&cloud);
    cloud.backend.put(id(7).as_str(), bad);
    let (mut sealed, keys) = Sealed::new(cloud);
    a.write::<_, StoreError>(Durability::Full, |tx| tx.reseal_below(1)).unwrap();
    assert_eq!(sealed.sync(&mut a, &keys).left_to_reseal, Some(1));
    let seen = look_at_aside(&mut a, &keys, id(7).as_str()).unwrap();
    assert_eq!((seen.name, seen.is_known, seen.is_named), (None, false, true));
    assert_eq!(a.parked().unwrap().len(), 1, "looking changes nothing");
    assert_eq!(give_up(&mut a, &keys, id(7).as_str()).unwrap(), GivenUp::Deletion);
    assert!(matches!(give_up(&mut a, &keys, id(7).as_str()), Err(GiveUpError::NotAside(_))));
    assert_eq!(sealed.sync(&mut a, &keys).left_to_reseal, Some(0));
    assert_eq!((stuck(&mut a, 0, 1), reasons(&a), sealed.epoch(7)), (vec![], vec![], 1));
    assert!(matches!(a.get(id(7)), Err(StoreError::Deleted { .. })));
    assert_eq!(a.examine().unwrap(), []);
}

#[test]
fn k90_what_another_device_can_read_stands_again_after_it_was_given_up() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(1);
    rename(&mut b, 0, "by B");
    sealed.sync(&mut b, &b_keys);
    let mut bad = sealed.cloud.backend.envelope(id(0).as_str()).unwrap().to_vec();
    *bad.last_mut().unwrap() ^= 1;
    sealed.cloud.backend.put(id(0).as_str(), bad.clone());
    // One that has never met the project, and one that has an older version of it.
    let c_keys = sealed.join(&a_keys);
    let mut c = store("tablet");
    sealed.sync(&mut c, &c_keys);
    assert_eq!(give_up(&mut c, &c_keys, id(0).as_str()).unwrap(), GivenUp::Deletion);
    sealed.sync(&mut c, &c_keys);
    assert!(
        Envelope::parse(sealed.cloud.backend.envelope(id(0).as_str()).unwrap()).unwrap().payload.is_none()
    );
    for (store, keys) in [(&mut b, &b_keys), (&mut a, &a_keys), (&mut c, &c_keys)] {
        sealed.sync(store, keys);
        assert_eq!((name(store, 0), reasons(store)), ("by B".to_owned(), vec![]));
    }
    rename(&mut b, 0, "by B again");
    sealed.sync(&mut b, &b_keys);
    let mut bad = sealed.cloud.backend.envelope(id(0).as_str()).unwrap().to_vec();
    *bad.last_mut().unwrap() ^= 1;
    sealed.cloud.backend.put(id(0).as_str(), bad);
    sealed.sync(&mut a, &a_keys);
    let seen = look_at_aside(&mut a, &a_keys, id(0).as_str()).unwrap();
    assert_eq!(seen.name.as_deref(), Some("by B"));
    assert_eq!(give_up(&mut a, &a_keys, id(0).as_str()).unwrap(), GivenUp::Ours);
    sealed.sync(&mut a, &a_keys);
    sealed.sync(&mut b, &b_keys);
    sealed.sync(&mut a, &a_keys);
    assert_eq!((name(&a, 0), name(&b, 0)), ("by B again".to_owned(), "by B again".to_owned()));
    assert_eq!((reasons(&a), reasons(&b)), (vec![], vec![]));
}

#[test]
fn k90_what_can_be_read_or_has_no_key_here_is_not_given_up_and_what_came_since_is_not_overwritten() {
    let (mut sealed, (mut a, a_keys), (mut b, b_keys)) = sealed_pair(2);
    let good = sealed.cloud.backend.envelope(id(0).as_str()).unwrap().to_vec();
    let aside = |store: &mut Store, text: &str, envelope: &[u8]| {
        let revision = Revision("r".to_owned());
        store
            .write::<_, StoreError>(Durability::Full, |tx| tx.set_aside(text, &revision, envelope, "so"))
            .unwrap();
    };
    aside(&mut a, id(0).as_str(), &good);
    assert!(matches!(give_up(&mut a, &a_keys, id(0).as_str()), Err(GiveUpError::Readable(_))));
    let none = Keys::none();
    assert!(matches!(give_up(&mut a, &none, id(0).as_str()), Err(GiveUpError::Keys(KeyError::Missing))));
    // What is sealed under a newer key than those that are here can be read by whoever has that one; of epoch 1001 no account has one.
    for (epoch, comes) in [(2u32, true), (1000, true), (1001, false)] {
        let mut newer = good.clone();
        let at = newer.iter().position(|byte| *byte == b'\n').unwrap() + 1 + sealed::MAGIC.len() + 1;
        newer[at..at + 4].copy_from_slice(&epoch.to_be_bytes());
        aside(&mut a, id(0).as_str(), &newer);
        let looked = look_at_aside(&mut a, &a_keys, id(0).as_str());
        let is_newer = matches!(&looked, Err(GiveUpError::NewerKey { epoch: told, .. }) if *told == epoch);
        assert_eq!((is_newer, looked.is_ok()), (comes, !comes), "{epoch}: {looked:?}");
        if comes {
            assert!(give_up(&mut a, &a_keys, id(0).as_str()).is_err());
            assert_eq!(a.parked().unwrap().len(), 1);
        }
    }
    a.write::<_, StoreError>(Durability::Full, |tx| tx.clear_aside(id(0))).unwrap();
    // No request can name it.
    aside(&mut a, "no id at all", b"bytes");
    assert_eq!(give_up(&mut a, &a_keys, "no id at all").unwrap(), GivenUp::Nothing);
    assert_eq!((reasons(&a), a.has_waiting().unwrap()), (vec![], false));

    let mut bad = good;
    *bad.last_mut().unwrap() ^= 1;
    sealed.cloud.backend.put(id(7).as_str(), bad);
    sealed.sync(&mut a, &a_keys);
    assert_eq!(give_up(&mut a, &a_keys, id(7).as_str()).unwrap(), GivenUp::Deletion);
    add(&mut b, 7);
    sealed.cloud.backend.put(id(7).as_str(), b"neither".to_vec());
    sealed.sync(&mut b, &b_keys);
    give_up(&mut b, &b_keys, id(7).as_str()).unwrap();
    for (store, keys) in [(&mut b, &b_keys), (&mut a, &a_keys)] {
        sealed.sync(store, keys);
        assert_eq!(name(store, 7), "Project 7");
    }
}
