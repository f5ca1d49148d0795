//! Codes, tokens, devices.

use jiff::{SignedDuration, Timestamp};

use super::{Bench, key, start};
use crate::dpop::Thumbprint;
use crate::secret::SecretHash;
use crate::storage::{
    AccountKey, Accounts, Client, DeviceName, Grants, NewCode, NewGrant, Redeemed, Redemption, Rotated,
    Storage, TokenPair,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn client() -> Client {
    Client { id: "orkee-cli".to_owned(), redirect_uri: "http://127.0.0.1:1/callback".to_owned() }
}

fn laptop() -> DeviceName {
    DeviceName { name: Some("laptop".to_owned()), platform: None }
}

/// Tokens named after `n`.
pub(super) fn pair(n: u32) -> TokenPair {
    TokenPair {
        access: access(n),
        access_expires: start() + HOUR,
        refresh: refresh(n),
        refresh_expires: start() + HOUR * 24,
        key: None,
    }
}

fn access(n: u32) -> SecretHash {
    SecretHash::of(&format!("access {n}"))
}

pub(super) fn refresh(n: u32) -> SecretHash {
    SecretHash::of(&format!("refresh {n}"))
}

/// Whether it was kept.
fn make_code(storage: &impl Storage, account: AccountKey, code: &str) -> bool {
    let new = NewCode {
        hash: SecretHash::of(code),
        account,
        client: &client(),
        challenge: "challenge",
        device: &laptop(),
        expires: start() + SignedDuration::from_secs(60),
    };
    storage.create_code(&new).unwrap()
}

fn redeem(
    storage: &impl Storage,
    code: &str,
    client: &Client,
    challenge: &str,
    n: u32,
    now: Timestamp,
) -> Redeemed {
    let device = DeviceName { name: None, platform: Some("linux".to_owned()) };
    let redemption =
        Redemption { code: SecretHash::of(code), client, challenge, device: &device, tokens: pair(n) };
    storage.redeem_code(&redemption, now).unwrap()
}

/// Signs a device in with tokens named after `n`.
pub(super) fn signed_in(storage: &impl Storage, account: AccountKey, n: u32) {
    make_code(storage, account, &n.to_string());
    assert_eq!(redeem(storage, &n.to_string(), &client(), "challenge", n, start()), Redeemed::Granted);
}

pub(crate) fn a_grant_keeps_the_key_that_it_is_bound_to(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    signed_in(&storage, ann, 1);
    assert_eq!(storage.bound_to(refresh(1), start()).unwrap(), Some(None));
    assert_eq!(storage.bound_to(refresh(1), start() + HOUR * 24).unwrap(), None, "it has expired");
    assert_eq!(storage.bound_to(refresh(9), start()).unwrap(), None);

    make_code(&storage, ann, "2");
    let bound = Thumbprint([7; 32]);
    let tokens = TokenPair { key: Some(bound), ..pair(2) };
    let (code, client, device) = (SecretHash::of("2"), &client(), &laptop());
    let redemption = Redemption { code, client, challenge: "challenge", device, tokens };
    assert_eq!(storage.redeem_code(&redemption, start()).unwrap(), Redeemed::Granted);
    assert_eq!(storage.caller(access(2), start()).unwrap().unwrap().key, Some(bound));
    let tokens = TokenPair { key: Some(bound), ..pair(3) };
    assert_eq!(storage.rotate(refresh(2), tokens, start()).unwrap(), Rotated::Granted);
    assert_eq!(storage.bound_to(refresh(3), start()).unwrap(), Some(Some(bound)));
    assert_eq!(storage.caller(access(3), start()).unwrap().unwrap().key, Some(bound));
    assert_eq!(storage.caller(access(1), start()).unwrap().unwrap().key, None);

    let token = NewGrant { account: ann, name: "a script", access: access(4), expires: None };
    storage.create_grant(&token, start()).unwrap();
    let is_sign_in = [1, 3, 4].map(|n| storage.caller(access(n), start()).unwrap().unwrap().is_sign_in);
    assert_eq!(is_sign_in, [true, true, false]);
}

fn is_good(storage: &impl Storage, n: u32) -> bool {
    storage.caller(access(n), start()).unwrap().is_some()
}

pub(crate) fn a_code_is_redeemed_once_by_whom_it_was_made_for(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    let elsewhere = Client { redirect_uri: "http://127.0.0.1:2/callback".to_owned(), ..client() };
    let late = start() + SignedDuration::from_secs(60);
    for (n, client, challenge, now) in [
        (1, &elsewhere, "challenge", start()),
        (2, &client(), "other", start()),
        (3, &client(), "challenge", late),
    ] {
        make_code(&storage, ann, &n.to_string());
        assert_eq!(redeem(&storage, &n.to_string(), client, challenge, n, now), Redeemed::Refused, "{n}");
        assert!(!is_good(&storage, n));
        let again = redeem(&storage, &n.to_string(), &self::client(), "challenge", n, start());
        assert_eq!(again, Redeemed::Replayed, "a wrong try spends the code");
    }
    assert_eq!(redeem(&storage, "never made", &client(), "challenge", 9, start()), Redeemed::Refused);
    signed_in(&storage, ann, 4);
    let caller = storage.caller(access(4), start()).unwrap().unwrap();
    assert_eq!(caller.account.key, ann);
}

pub(crate) fn a_disabled_account_is_given_no_code(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (key(&storage, "ann"), key(&storage, "bob"));
    assert!(make_code(&storage, ann, "before"));
    storage.set_disabled(ann, Some(start())).unwrap();
    assert!(!make_code(&storage, ann, "after"), "whoever was still looking at the question");
    assert!(make_code(&storage, bob, "of another"));
    storage.set_disabled(ann, None).unwrap();
    for code in ["before", "after"] {
        assert_eq!(redeem(&storage, code, &client(), "challenge", 1, start()), Redeemed::Refused, "{code}");
    }
}

pub(crate) fn a_code_that_comes_twice_takes_its_tokens_along(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    signed_in(&storage, ann, 1);
    signed_in(&storage, ann, 2);
    assert_eq!(redeem(&storage, "1", &client(), "challenge", 3, start()), Redeemed::Replayed);
    assert_eq!([1, 2, 3].map(|n| is_good(&storage, n)), [false, true, false]);
    assert_eq!(storage.rotate(refresh(1), pair(4), start()).unwrap(), Rotated::Refused);
}

pub(crate) fn a_refresh_token_is_good_once_and_kills_its_family_when_it_comes_back(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    signed_in(&storage, ann, 1);
    signed_in(&storage, ann, 9);
    assert_eq!(storage.rotate(refresh(1), pair(2), start()).unwrap(), Rotated::Granted);
    assert_eq!(storage.rotate(refresh(2), pair(3), start()).unwrap(), Rotated::Granted);
    assert_eq!(storage.rotate(refresh(1), pair(4), start()).unwrap(), Rotated::Reused);
    assert_eq!(storage.rotate(refresh(3), pair(5), start()).unwrap(), Rotated::Refused);
    assert_eq!([1, 2, 3, 4, 5, 9].map(|n| is_good(&storage, n)), [false, false, false, false, false, true]);
}

pub(crate) fn revoking_a_token_ends_what_it_belongs_to(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    signed_in(&storage, ann, 1);
    signed_in(&storage, ann, 2);
    let script = NewGrant { account: ann, name: "script", access: access(3), expires: None };
    storage.create_grant(&script, start()).unwrap();

    assert!(storage.revoke_token(access(1), start()).unwrap());
    assert!(!is_good(&storage, 1));
    assert_eq!(storage.rotate(refresh(1), pair(4), start()).unwrap(), Rotated::Granted, "the sign-in stands");
    assert!(storage.revoke_token(refresh(2), start()).unwrap());
    assert!(!is_good(&storage, 2));
    assert!(storage.revoke_token(access(3), start()).unwrap());
    assert!(!storage.revoke_token(access(3), start()).unwrap());
    let names: Vec<String> = storage.devices(ann, start()).unwrap().into_iter().map(|d| d.name).collect();
    assert_eq!(names, ["laptop"]);
}

pub(crate) fn tokens_expire_and_are_swept(bench: &impl Bench) {
    let storage = bench.open();
    let ann = key(&storage, "ann");
    signed_in(&storage, ann, 1);
    let later = start() + HOUR;
    assert!(storage.caller(access(1), later).unwrap().is_none());
    storage.sweep(later).unwrap();
    assert_eq!(storage.rotate(refresh(1), pair(2), later).unwrap(), Rotated::Granted);
    let much_later = start() + HOUR * 48;
    assert_eq!(storage.devices(ann, much_later).unwrap(), []);
    storage.sweep(much_later).unwrap();
    assert_eq!(storage.rotate(refresh(2), pair(3), start()).unwrap(), Rotated::Refused);
}

pub(crate) fn a_device_is_seen_named_and_revoked_by_its_own_account_alone(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (key(&storage, "ann"), key(&storage, "bob"));
    signed_in(&storage, ann, 1);
    let caller = storage.caller(access(1), start() + SignedDuration::from_mins(7)).unwrap().unwrap();
    let devices = storage.devices(ann, start()).unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!((devices[0].id.as_str(), devices[0].name.as_str()), (caller.grant.as_str(), "laptop"));
    assert_eq!(devices[0].platform.as_deref(), Some("linux"));
    assert_eq!(devices[0].last_seen, Some(start() + SignedDuration::from_mins(7)));
    assert_eq!(storage.devices(bob, start()).unwrap(), []);
    assert!(!storage.revoke_grant(bob, &caller.grant, start()).unwrap());
    assert!(storage.revoke_grant(ann, &caller.grant, start()).unwrap());
    assert!(!is_good(&storage, 1));
}
