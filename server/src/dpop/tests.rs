//! Proofs that are taken, and all that are not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

const URL: &str = "https://orkee.example/oauth/token";

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    fn head(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..])});
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(head), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn claims(dpop: &Dpop, id: &str) -> Value {
    json!({"jti": id, "htm": "POST", "htu": URL, "iat": now().as_second(), "nonce": dpop.nonce(now())})
}

fn changed(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

fn check(dpop: &Dpop, proof: &str, token: Option<&str>) -> Result<Option<Thumbprint>, Rejected> {
    check_of(dpop, proof, token, None)
}

fn check_of(
    dpop: &Dpop,
    proof: &str,
    token: Option<&str>,
    key: Option<Thumbprint>,
) -> Result<Option<Thumbprint>, Rejected> {
    let headers = HeaderMap::from_iter([(PROOF, proof.parse().unwrap())]);
    dpop.check(&Proven { method: "POST", url: URL, token, key }, &headers, now())
}

#[test]
fn a_proof_of_another_key_is_refused_and_takes_no_room() {
    let (dpop, key) = (Dpop::new(Binding::Offered), Key::new());
    let proof = key.sign(&key.head(), &claims(&dpop, "a"));
    assert_eq!(check_of(&dpop, &proof, None, Some(Thumbprint([0; 32]))), Err(Rejected::Key));
    let own = check(&dpop, &proof, None).unwrap();
    assert!(own.is_some(), "it was not taken before");
    let second = key.sign(&key.head(), &claims(&dpop, "b"));
    assert_eq!(check_of(&dpop, &second, None, own), Ok(own));
}

#[test]
fn a49_a_proof_is_taken_once_and_names_its_key() {
    let (dpop, key) = (Dpop::new(Binding::Offered), Key::new());
    let proof = key.sign(&key.head(), &claims(&dpop, "a"));
    let first = check(&dpop, &proof, None).unwrap().unwrap();
    assert_eq!(check(&dpop, &proof, None), Err(Rejected::Invalid("the proof was used before")));
    let second = key.sign(&key.head(), &claims(&dpop, "b"));
    assert_eq!(check(&dpop, &second, None), Ok(Some(first)));
    let other = Key::new();
    let third = other.sign(&other.head(), &claims(&dpop, "a"));
    assert_ne!(check(&dpop, &third, None).unwrap(), Some(first), "another key may use the id");
}

#[test]
fn a49_a_proof_of_another_request_token_key_or_kind_is_refused() {
    let (dpop, key) = (Dpop::new(Binding::Offered), Key::new());
    let refused = |head: &Value, claims: &Value, token| {
        let proof = key.sign(head, claims);
        matches!(check(&dpop, &proof, token), Err(Rejected::Invalid(_)))
    };
    let (head, good) = (key.head(), claims(&dpop, "a"));
    for (name, value) in [
        ("htm", json!("GET")),
        ("htu", json!("https://orkee.example/oauth/revoke")),
        ("htu", json!("http://orkee.example/oauth/token")),
        ("htu", json!("https://orkee.example:444/oauth/token")),
        ("iat", json!(now().as_second() - 86_401)),
        ("iat", json!("now")),
        ("jti", json!("")),
        ("jti", json!("x".repeat(300))),
        ("jti", Value::Null),
    ] {
        assert!(refused(&head, &changed(good.clone(), name, value.clone()), None), "{name} {value}");
    }
    for (name, value) in [
        ("typ", json!("JWT")),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("crit", json!(["exp"])),
        ("jwk", Key::new().head()["jwk"].clone()),
        ("jwk", changed(head["jwk"].clone(), "d", json!("x"))),
        ("jwk", changed(head["jwk"].clone(), "crv", json!("P-384"))),
        ("jwk", changed(head["jwk"].clone(), "x", json!("AA"))),
    ] {
        assert!(refused(&changed(head.clone(), name, value.clone()), &good, None), "{name} {value}");
    }
    assert!(refused(&head, &good, Some("token")), "no ath");
    let bound = URL_SAFE_NO_PAD.encode(<sha2::Sha256 as sha2::Digest>::digest("token"));
    let bound = changed(good.clone(), "ath", json!(bound));
    assert!(refused(&head, &bound, Some("another token")));
    assert!(check(&dpop, &key.sign(&head, &bound), Some("token")).is_ok());
    for text in ["", ".", "..", "a.b", "a.b.c", "%"] {
        assert!(matches!(check(&dpop, text, None), Err(Rejected::Invalid(_))), "{text}");
    }
}

#[test]
fn a49_the_nonce_dates_a_proof_whatever_the_clock_of_the_client() {
    let (dpop, key) = (Dpop::new(Binding::Offered), Key::new());
    let two_hours_off = changed(claims(&dpop, "a"), "iat", json!(now().as_second() + 7200));
    assert!(check(&dpop, &key.sign(&key.head(), &two_hours_off), None).is_ok());
    for nonce in [Value::Null, json!("made up"), json!(dpop.nonce(now() - SignedDuration::from_mins(10)))] {
        let stale = changed(claims(&dpop, "b"), "nonce", nonce);
        assert_eq!(check(&dpop, &key.sign(&key.head(), &stale), None), Err(Rejected::Nonce));
    }
    let last = json!(dpop.nonce(now() - SignedDuration::from_mins(5)));
    let proof = key.sign(&key.head(), &changed(claims(&dpop, "c"), "nonce", last));
    assert!(check(&dpop, &proof, None).is_ok());
    assert!(check(&dpop, &proof, None).is_err(), "proofs of the step before are remembered as well");
}

#[test]
fn an_address_is_compared_as_a_url_without_its_query() {
    assert!(is_same("HTTPS://Orkee.Example:443/oauth/token?x=1#y", URL));
    assert!(!is_same("https://orkee.example/oauth/Token", URL));
    assert!(!is_same("", URL));
}
