use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of these parts, signed by `sign`.
fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let signature = encoded(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn rsa() -> RsaKeyPair {
    let text: String = include_str!("rsa-key-of-the-tests.b64").split_whitespace().collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    RsaKeyPair::from_pkcs8(&der).unwrap()
}

fn rsa_jwk(id: &str) -> Value {
    let public: RsaPublicKeyComponents<Vec<u8>> = rsa().public().into();
    let (n, e) = (encoded(public.n), encoded(public.e));
    json!({ "kty": "RSA", "kid": id, "n": n, "e": e })
}

fn rsa_signed(padding: &'static dyn RsaEncoding) -> impl FnOnce(&[u8]) -> Vec<u8> {
    move |message| {
        let key = rsa();
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }
}

fn ed25519() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn ed_jwk(id: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": encoded(ed25519().public_key()) })
}

fn ed_token(header: &Value, claims: &Value) -> String {
    token(header, claims, |message| ed25519().sign(message).as_ref().to_vec())
}

fn keys(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn claims() -> Value {
    json!({ "iss": "https://idp.test", "aud": "orkee", "sub": "u1", "exp": NOW + 60, "iat": NOW })
}

fn verified(claims: &Value) -> Claims {
    let token = ed_token(&json!({ "alg": "EdDSA", "kid": "e" }), claims);
    Jwt::parse(&token).unwrap().verify(&keys(&[ed_jwk("e")])).unwrap()
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://idp.test",
        audience: "orkee",
        now: jiff::Timestamp::from_second(NOW).unwrap(),
        leeway: jiff::SignedDuration::from_secs(60),
    }
}

/// The checks of claims that were changed.
fn checked(change: impl FnOnce(&mut Value)) -> Result<(), JwtError> {
    let mut all = claims();
    change(&mut all);
    let claims = verified(&all);
    claims.check(&expected())?;
    claims.check_id_token("orkee")
}

#[test]
fn a48_every_algorithm_of_the_list_verifies_with_its_own_key_alone() {
    let random = SystemRandom::new();
    let curves = [
        ("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, 32),
        ("ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING, 48),
    ];
    let mut all = vec![
        (
            "RS256",
            rsa_jwk("k"),
            token(&json!({ "alg": "RS256", "kid": "k" }), &claims(), rsa_signed(&RSA_PKCS1_SHA256)),
        ),
        (
            "PS512",
            rsa_jwk("k"),
            token(&json!({ "alg": "PS512", "kid": "k" }), &claims(), rsa_signed(&RSA_PSS_SHA512)),
        ),
        ("EdDSA", ed_jwk("k"), ed_token(&json!({ "alg": "EdDSA", "kid": "k" }), &claims())),
        ("Ed25519", ed_jwk("k"), ed_token(&json!({ "alg": "Ed25519", "kid": "k" }), &claims())),
    ];
    for (alg, crv, signing, size) in curves {
        let der = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(signing, der.as_ref(), &random).unwrap();
        let point = key.public_key().as_ref();
        let (x, y) = (encoded(&point[1..=size]), encoded(&point[1 + size..]));
        let sign = |message: &[u8]| key.sign(&random, message).unwrap().as_ref().to_vec();
        let signed = token(&json!({ "alg": alg, "kid": "k" }), &claims(), sign);
        all.push((alg, json!({ "kty": "EC", "crv": crv, "kid": "k", "x": x, "y": y }), signed));
    }
    for (alg, _, signed) in &all {
        for (owner, jwk, _) in &all {
            let same = jwk["kty"] == all.iter().find(|(name, ..)| name == alg).unwrap().1["kty"];
            let read = Jwt::parse(signed).unwrap().verify(&keys(std::slice::from_ref(jwk)));
            let other_curve = same && jwk["kty"] == "EC" && owner != alg;
            match same && !other_curve {
                true => assert_eq!(read.unwrap().subject(), Ok("u1"), "{alg}"),
                false => assert_eq!(read.unwrap_err(), JwtError::UnknownKey, "{alg} with the key of {owner}"),
            }
        }
        let at = signed.rfind('.').unwrap() + 10;
        let mut forged = signed.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let key = &all.iter().find(|(name, ..)| name == alg).unwrap().1;
        let refused = Jwt::parse(&forged).unwrap().verify(&keys(std::slice::from_ref(key))).unwrap_err();
        assert_eq!(refused, JwtError::Signature, "{alg}");
    }
}

#[test]
fn a48_the_example_of_rfc_8037_verifies() {
    let keys = keys(&[
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
    ]);
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    // Its payload is a sentence: the signature holds, and what was signed are no claims.
    let read = Jwt::parse(token).unwrap().verify(&keys).unwrap_err();
    assert_eq!(read, JwtError::Malformed("its claims are no JSON object"));
}

#[test]
fn a48_no_algorithm_without_a_public_key_is_accepted() {
    for alg in
        ["none", "None", "nOnE", "HS256", "HS384", "HS512", "", "ES512", "RSA-OAEP", "dir", "\u{1b}[2J"]
    {
        let token = token(&json!({ "alg": alg, "kid": "e" }), &claims(), |_| Vec::new());
        let error = Jwt::parse(&token).unwrap_err();
        assert!(matches!(error, JwtError::Algorithm(_)), "{alg}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn a48_keys_that_are_for_something_else_or_ambiguous_are_no_keys() {
    let named = ed_token(&json!({ "alg": "EdDSA", "kid": "e" }), &claims());
    let nameless = ed_token(&json!({ "alg": "EdDSA" }), &claims());
    let with = |change: Value| {
        let mut jwk = ed_jwk("e");
        jwk.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        jwk
    };
    let verdict = |token: &str, set: &[Value]| Jwt::parse(token).unwrap().verify(&keys(set)).map(drop);
    assert_eq!(
        verdict(&named, &[with(json!({ "use": "sig", "alg": "EdDSA", "key_ops": ["verify"] }))]),
        Ok(())
    );
    for other in [
        json!({ "use": "enc" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "HS256" }),
        json!({ "key_ops": ["sign"] }),
        json!({ "kid": "f" }),
        json!({ "x": "AAAA" }),
        json!({ "crv": "X25519" }),
        json!({ "kty": 7 }),
    ] {
        assert_eq!(verdict(&named, &[with(other.clone())]), Err(JwtError::UnknownKey), "{other}");
    }
    assert_eq!(verdict(&nameless, &[ed_jwk("e"), rsa_jwk("r")]), Ok(()), "the only one of its kind");
    assert_eq!(verdict(&nameless, &[ed_jwk("e"), ed_jwk("f")]), Err(JwtError::UnknownKey));
    let many: Vec<Value> = (0..101).map(|n| ed_jwk(&n.to_string())).collect();
    for bad in [json!({ "keys": many }), json!({ "keys": 7 }), json!([]), json!({})] {
        assert!(KeySet::parse(bad.to_string().as_bytes()).is_none());
    }
    assert!(KeySet::parse(b"<html>").is_none());
}

#[test]
fn a48_what_is_no_token_is_refused() {
    let good = ed_token(&json!({ "alg": "EdDSA" }), &claims());
    let crit = ed_token(&json!({ "alg": "EdDSA", "crit": ["exp"], "exp": 1 }), &claims());
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    for bad in [
        "",
        ".",
        "..",
        "a.b.c",
        &format!("{header}.{payload}"),
        &format!("{good}.x"),
        &format!("{header}=.{payload}.{signature}"),
        &format!("{}.{payload}.{signature}", encoded("[]")),
        &format!("{}.{payload}.{signature}", encoded(r#"{"alg":"none","alg":"EdDSA"}"#)),
        &format!(" {good}"),
        &crit,
        &long,
    ] {
        assert!(matches!(Jwt::parse(bad), Err(JwtError::Malformed(_))), "{bad}");
    }
    assert_eq!(Jwt::parse(&good).unwrap().kind(), None);
    let typed = ed_token(&json!({ "alg": "EdDSA", "typ": "application/AT+JWT" }), &claims());
    assert_eq!(Jwt::parse(&typed).unwrap().kind().as_deref(), Some("at+jwt"));
}

#[test]
fn a48_each_claim_is_checked() {
    assert_eq!(checked(|_| ()), Ok(()));
    let set = |name: &'static str, value: Value| move |claims: &mut Value| claims[name] = value;
    assert_eq!(checked(set("iss", "https://idp.test/".into())), Err(JwtError::Issuer));
    assert_eq!(checked(set("iss", Value::Null)), Err(JwtError::Missing("iss")));
    assert_eq!(checked(set("aud", "other".into())), Err(JwtError::Audience("aud")));
    assert_eq!(checked(set("aud", json!([]))), Err(JwtError::Missing("aud")));
    assert_eq!(checked(set("aud", json!(["orkee", 7]))), Err(JwtError::Form("aud")));
    assert_eq!(checked(set("aud", json!(["orkee"]))), Ok(()));
    assert_eq!(checked(set("aud", json!(["orkee", "other"]))), Err(JwtError::Missing("azp")));
    assert_eq!(checked(set("azp", "orkee".into())), Ok(()));
    assert_eq!(checked(set("azp", "other".into())), Err(JwtError::Audience("azp")));
    assert_eq!(checked(set("sub", "".into())), Err(JwtError::Form("sub")));
    assert_eq!(checked(set("sub", 7.into())), Err(JwtError::Missing("sub")));
    assert_eq!(checked(set("exp", (NOW - 60).into())), Err(JwtError::Expired));
    assert_eq!(checked(set("exp", (NOW - 59).into())), Ok(()), "clocks differ");
    assert_eq!(checked(set("exp", (NOW as f64 + 0.5).into())), Ok(()));
    assert_eq!(checked(set("exp", Value::Null)), Err(JwtError::Missing("exp")));
    for odd in [json!("soon"), json!(1e300), json!(-1e300), json!(u64::MAX)] {
        assert_eq!(checked(set("exp", odd.clone())), Err(JwtError::Form("exp")), "{odd}");
    }
    assert_eq!(checked(set("nbf", (NOW + 61).into())), Err(JwtError::Early("nbf")));
    assert_eq!(checked(set("nbf", (NOW + 60).into())), Ok(()));
    assert_eq!(checked(set("iat", (NOW + 61).into())), Err(JwtError::Early("iat")));
    assert_eq!(checked(set("iat", Value::Null)), Err(JwtError::Missing("iat")));
}

#[test]
fn a48_half_of_the_hash_of_an_access_token_is_as_the_standard_has_it() {
    let token = token(&json!({ "alg": "RS256" }), &claims(), |_| Vec::new());
    // The example of OpenID Connect Core, appendix A.3.
    let hash = Jwt::parse(&token).unwrap().half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
}

#[test]
fn a55_claims_do_not_print_what_they_hold() {
    assert_eq!(format!("{:?}", verified(&json!({ "email": "canary" }))), r#"["email"]"#);
}
