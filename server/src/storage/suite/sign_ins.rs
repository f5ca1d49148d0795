//! Sign-ins at identity providers.

use jiff::{SignedDuration, Timestamp};

use super::{Bench, start};
use crate::secret::SecretHash;
use crate::storage::{
    Account, Accounts, DeviceName, Grants, Identity, NewSignIn, SignIns, SignedIn, Storage, StorageError,
    Tenants, TokenPair,
};

fn somebody(storage: &impl Storage, subject: &str) -> Account {
    let tenant = storage.set_tenant("acme", "{}", start()).unwrap();
    let identity = Identity { tenant: tenant.key, issuer: "https://idp.example", subject };
    let email = format!("{subject}@example.com");
    storage.create_identity_account(identity, &email, "Acme", start()).unwrap()
}

fn hour() -> Timestamp {
    start() + SignedDuration::from_hours(1)
}

fn sign_in(storage: &impl Storage, account: &Account, name: &str) -> SignedIn {
    let tokens = TokenPair {
        access: SecretHash::of(&format!("access of {name}")),
        access_expires: hour(),
        refresh: SecretHash::of(&format!("refresh of {name}")),
        refresh_expires: hour(),
        key: None,
    };
    let device = DeviceName { name: Some("laptop".to_owned()), platform: None };
    let sign_in = NewSignIn {
        account: account.key,
        device: &device,
        tokens,
        at: start() - SignedDuration::from_secs(9),
        proof: SecretHash::of(name),
        proof_expires: hour(),
    };
    storage.sign_in(&sign_in, start()).unwrap()
}

pub(crate) fn a_proof_is_good_for_one_sign_in_until_it_is_too_old_anyway(bench: &impl Bench) {
    let storage = bench.open();
    let ann = somebody(&storage, "ann");
    assert!(!storage.is_spent(SecretHash::of("one")).unwrap());
    let SignedIn::Granted(grant) = sign_in(&storage, &ann, "one") else { panic!("refused") };
    let caller = storage.caller(SecretHash::of("access of one"), start()).unwrap().unwrap();
    assert_eq!((&caller.account, caller.grant, caller.device.as_str()), (&ann, grant, "laptop"));
    let at = Some(start() - SignedDuration::from_secs(9));
    assert_eq!(caller.signed_in_at, at);
    assert_eq!(storage.signed_in(SecretHash::of("refresh of one")).unwrap(), Some((ann.clone(), at)));
    assert_eq!(storage.signed_in(SecretHash::of("access of one")).unwrap(), None);
    assert_eq!(sign_in(&storage, &ann, "one"), SignedIn::Spent);
    assert!(storage.is_spent(SecretHash::of("one")).unwrap());
    storage.sweep(hour()).unwrap();
    assert_eq!(sign_in(&storage, &ann, "one"), SignedIn::Spent);
    storage.sweep(hour() + SignedDuration::from_secs(1)).unwrap();
    assert!(matches!(sign_in(&storage, &ann, "one"), SignedIn::Granted(_)));
}

pub(crate) fn a_disabled_account_signs_in_nowhere_and_spends_nothing(bench: &impl Bench) {
    let storage = bench.open();
    let ann = somebody(&storage, "ann");
    storage.set_disabled(ann.key, Some(start())).unwrap();
    assert_eq!(sign_in(&storage, &ann, "one"), SignedIn::Disabled);
    storage.set_disabled(ann.key, None).unwrap();
    assert!(matches!(sign_in(&storage, &ann, "one"), SignedIn::Granted(_)));
    storage.end_grants(ann.key, start()).unwrap();
    assert!(storage.caller(SecretHash::of("access of one"), start()).unwrap().is_none());
    assert_eq!(storage.tokens_since(ann.key).unwrap(), None);
    storage.set_tokens_since(ann.key, hour()).unwrap();
    assert_eq!(storage.tokens_since(ann.key).unwrap(), Some(hour()));
}

pub(crate) fn the_newest_judgement_of_an_account_stays_the_newest(bench: &impl Bench) {
    let storage = bench.open();
    let ann = somebody(&storage, "ann");
    assert_eq!(storage.judged_at(ann.key).unwrap(), None);
    for (issued, newest) in [(start(), start()), (hour(), hour()), (start(), hour())] {
        storage.set_judged_at(ann.key, issued).unwrap();
        assert_eq!(storage.judged_at(ann.key).unwrap(), Some(newest));
    }
}

pub(crate) fn an_address_moves_only_to_where_nobody_has_it(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (somebody(&storage, "ann"), somebody(&storage, "bob"));
    let tenant = storage.tenant_by_key(ann.tenant.unwrap()).unwrap().unwrap();
    assert_eq!(tenant.name, "acme");
    assert_eq!(storage.tenant_accounts(tenant.key).unwrap(), [ann.clone(), bob.clone()]);
    assert!(matches!(storage.set_email(bob.key, &ann.email), Err(StorageError::AccountExists(_))));
    storage.set_email(ann.key, "ann@new.example").unwrap();
    storage.set_email(bob.key, "ann@example.com").unwrap();
    let found = storage.tenant_account(tenant.key, "ann@new.example").unwrap().unwrap();
    assert_eq!(found.key, ann.key);
}

pub(crate) fn an_account_goes_to_another_identity_only_after_its_own_was_forgotten(bench: &impl Bench) {
    let storage = bench.open();
    let ann = somebody(&storage, "ann");
    let tenant = ann.tenant.unwrap();
    let other = Identity { tenant, issuer: "https://new.example", subject: "7" };
    assert_eq!(storage.adopt(other, &ann.email).unwrap(), None);
    storage.forget_identities(ann.key).unwrap();
    let before = Identity { tenant, issuer: "https://idp.example", subject: "ann" };
    assert_eq!(storage.account_by_identity(before).unwrap(), None);
    assert_eq!(storage.adopt(other, "bob@example.com").unwrap(), None);
    assert_eq!(storage.adopt(other, &ann.email).unwrap().as_ref(), Some(&ann));
    assert_eq!(storage.account_by_identity(other).unwrap().as_ref(), Some(&ann));
    let third = Identity { subject: "8", ..other };
    assert_eq!(storage.adopt(third, &ann.email).unwrap(), None, "it has an owner again");
}
