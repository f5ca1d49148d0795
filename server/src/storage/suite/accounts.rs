//! Accounts and sessions.

use jiff::SignedDuration;

use super::{Bench, account, start};
use crate::secret::SecretHash;
use crate::storage::{Accounts, Grants, NewAccount, NewGrant, Storage, StorageError};

pub(crate) fn an_account_is_found_by_its_address_and_made_once(bench: &impl Bench) {
    let storage = bench.open();
    let made = account(&storage, "ann");
    let again = NewAccount { email: "ann@example.com", password: Some("other"), plan: "other" };
    assert!(matches!(storage.create_account(&again, start()), Err(StorageError::AccountExists(_))));
    let (found, password) = storage.account_by_email("ann@example.com").unwrap().unwrap();
    assert_eq!((found, password.as_deref()), (made, Some("phc")));
    assert!(storage.account_by_email("bob@example.com").unwrap().is_none());
}

pub(crate) fn a_session_lasts_until_it_expires_or_ends(bench: &impl Bench) {
    let storage = bench.open();
    let made = account(&storage, "ann");
    let (one, two) = (SecretHash::of("one"), SecretHash::of("two"));
    let expires = start() + SignedDuration::from_hours(1);
    storage.create_session(one, made.key, expires).unwrap();
    storage.create_session(two, made.key, expires).unwrap();
    assert_eq!(storage.session(one, start()).unwrap().as_ref(), Some(&made));
    assert_eq!(storage.session(one, expires).unwrap(), None);
    storage.end_session(one).unwrap();
    assert_eq!(storage.session(one, start()).unwrap(), None);
    storage.sweep(expires + SignedDuration::from_secs(1)).unwrap();
    assert_eq!(storage.session(two, start()).unwrap(), None);
}

pub(crate) fn a_disabled_account_is_signed_out_everywhere_at_once(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (account(&storage, "ann"), account(&storage, "bob"));
    let later = start() + SignedDuration::from_hours(1);
    for made in [&ann, &bob] {
        storage.create_session(SecretHash::of(&made.email), made.key, later).unwrap();
        let access = SecretHash::of(&made.id);
        storage
            .create_grant(&NewGrant { account: made.key, name: "script", access, expires: None }, start())
            .unwrap();
    }
    let let_in = |made: &crate::storage::Account| {
        let session = storage.session(SecretHash::of(&made.email), start()).unwrap().is_some();
        (session, storage.caller(SecretHash::of(&made.id), start()).unwrap().is_some())
    };
    storage.set_disabled(ann.key, Some(start())).unwrap();
    assert_eq!((let_in(&ann), let_in(&bob)), ((false, false), (true, true)));
    assert!(storage.account_by_email("ann@example.com").unwrap().unwrap().0.disabled);
    let access = SecretHash::of("late");
    storage
        .create_grant(&NewGrant { account: ann.key, name: "late", access, expires: None }, start())
        .unwrap();
    assert!(storage.caller(access, start()).unwrap().is_none(), "nor is what comes later any good");
    storage.set_disabled(ann.key, None).unwrap();
    assert_eq!(let_in(&ann), (false, false), "what was ended stays so");
    assert!(storage.caller(access, start()).unwrap().is_some());
}
