//! Accounts and sessions.

use jiff::SignedDuration;

use super::{Bench, account, start};
use crate::secret::SecretHash;
use crate::storage::{Accounts, NewAccount, Storage, StorageError};

pub(crate) fn an_account_is_found_by_its_address_and_made_once(bench: &impl Bench) {
    let storage = bench.open();
    let made = account(&storage, "ann");
    let again = NewAccount { email: "ann@example.com", password: "other", plan: "other" };
    assert!(matches!(storage.create_account(&again, start()), Err(StorageError::AccountExists(_))));
    let (found, password) = storage.account_by_email("ann@example.com").unwrap().unwrap();
    assert_eq!((found, password.as_str()), (made, "phc"));
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
