//! The claims of an ID token (OpenID Connect Core 3.1.3.7): for whom, by whom, when, and for which attempt. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::digest;
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::signature::Algorithm;

/// Two servers of one company may differ by so many seconds.
const LEEWAY: i64 = 120;
/// A token that was asked for just now is not older than this.
const MAX_AGE: i64 = 600;

/// What a token has to say.
pub(in crate::auth) struct Expected<'a> {
    /// As the issuer writes it.
    pub(in crate::auth) issuer: &'a str,
    pub(in crate::auth) client_id: &'a str,
    /// Of this attempt. None: the way of signing in has none.
    pub(in crate::auth) nonce: Option<&'a str>,
    /// What came with it.
    pub(in crate::auth) access_token: &'a str,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Rejected {
    #[error("it is no signed token")]
    Form,
    #[error("it is signed with an algorithm that is not accepted")]
    Algorithm,
    #[error("it is another kind of token")]
    Kind,
    #[error("it is signed by a key that the issuer does not publish")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("its claims are not of the form that they have to have")]
    Claims,
    #[error("it was issued by another issuer")]
    Issuer,
    #[error("it is for another client")]
    Audience,
    #[error("it was issued to another client")]
    Party,
    #[error("it has expired")]
    Expired,
    #[error("it was issued in the future")]
    Future,
    #[error("it was issued too long ago")]
    Old,
    #[error("it is of another attempt to sign in")]
    Nonce,
    #[error("it does not belong to the access token that came with it")]
    AccessToken,
    #[error("it does not say who signed in")]
    Subject,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Value,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nonce: Option<String>,
    at_hash: Option<String>,
    sub: String,
}

/// Checks the payload of a token whose signature was found right.
pub(super) fn check(
    payload: &[u8],
    algorithm: Algorithm,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<(), Rejected> {
    let claims: Claims = serde_json::from_slice(payload).map_err(|_| Rejected::Claims)?;
    if claims.iss != expected.issuer {
        return Err(Rejected::Issuer);
    }
    check_audience(&claims, expected.client_id)?;
    check_times(&claims, now.as_second())?;
    if let Some(nonce) = expected.nonce {
        let same = claims.nonce.as_deref().is_some_and(|got| equal(got, nonce));
        same.then_some(()).ok_or(Rejected::Nonce)?;
    }
    if let Some(at_hash) = &claims.at_hash {
        let same = equal(at_hash, &hash(algorithm, expected.access_token));
        same.then_some(()).ok_or(Rejected::AccessToken)?;
    }
    (!claims.sub.is_empty()).then_some(()).ok_or(Rejected::Subject)
}

fn check_audience(claims: &Claims, client_id: &str) -> Result<(), Rejected> {
    let audiences: Vec<&str> = match &claims.aud {
        Value::String(one) => vec![one],
        Value::Array(many) => {
            many.iter().map(Value::as_str).collect::<Option<_>>().ok_or(Rejected::Claims)?
        }
        _ => return Err(Rejected::Claims),
    };
    if !audiences.contains(&client_id) {
        return Err(Rejected::Audience);
    }
    match claims.azp.as_deref() {
        Some(party) if party != client_id => Err(Rejected::Party),
        // Among several, somebody has to say which it was issued to.
        None if audiences.iter().any(|audience| *audience != client_id) => Err(Rejected::Party),
        _ => Ok(()),
    }
}

fn check_times(claims: &Claims, now: i64) -> Result<(), Rejected> {
    let now = now as f64;
    let (leeway, max_age) = (LEEWAY as f64, MAX_AGE as f64);
    if claims.exp <= now - leeway {
        return Err(Rejected::Expired);
    }
    if claims.iat >= now + leeway {
        return Err(Rejected::Future);
    }
    if claims.iat <= now - max_age {
        return Err(Rejected::Old);
    }
    Ok(())
}

/// `at_hash`: the left half of the hash that goes with the algorithm.
fn hash(algorithm: Algorithm, access_token: &str) -> String {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
        Algorithm::Es384 => &digest::SHA384,
        Algorithm::EdDsa => &digest::SHA512,
    };
    let whole = digest::digest(hash, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&whole.as_ref()[..whole.as_ref().len() / 2])
}

fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check_with(change: impl FnOnce(&mut Value)) -> Result<(), Rejected> {
        let mut claims = json!({
            "iss": "https://idp.example/", "aud": "client", "exp": NOW + 300, "iat": NOW, "sub": "7",
            "nonce": "n1", "at_hash": hash(Algorithm::Rs256, "access"),
        });
        change(&mut claims);
        let expected = Expected {
            issuer: "https://idp.example/",
            client_id: "client",
            nonce: Some("n1"),
            access_token: "access",
        };
        let now = Timestamp::from_second(NOW).unwrap();
        check(claims.to_string().as_bytes(), Algorithm::Rs256, &expected, now)
    }

    #[test]
    fn a48_a_token_for_this_attempt_is_taken() {
        check_with(|_| ()).unwrap();
        check_with(|c| c["aud"] = json!(["client"])).unwrap();
        check_with(|c| {
            c["aud"] = json!(["client", "other"]);
            c["azp"] = "client".into();
        })
        .unwrap();
        check_with(|c| c["exp"] = (NOW - LEEWAY + 1).into()).unwrap();
        check_with(|c| c["iat"] = (NOW + LEEWAY - 1).into()).unwrap();
        check_with(|c| drop(c.as_object_mut().unwrap().remove("at_hash"))).unwrap();
    }

    #[test]
    fn a48_each_claim_that_is_wrong_or_missing_refuses_the_token() {
        for (claim, value, why) in [
            ("iss", json!("https://idp.example"), Rejected::Issuer),
            ("iss", json!("https://evil.example/"), Rejected::Issuer),
            ("aud", json!("other"), Rejected::Audience),
            ("aud", json!([]), Rejected::Audience),
            ("aud", json!(["client", "other"]), Rejected::Party),
            ("aud", json!(7), Rejected::Claims),
            ("azp", json!("other"), Rejected::Party),
            ("exp", json!(NOW - LEEWAY), Rejected::Expired),
            ("exp", json!("tomorrow"), Rejected::Claims),
            ("exp", Value::Null, Rejected::Claims),
            ("iat", json!(NOW + LEEWAY), Rejected::Future),
            ("iat", json!(NOW - MAX_AGE), Rejected::Old),
            ("iat", Value::Null, Rejected::Claims),
            ("nonce", json!("n2"), Rejected::Nonce),
            ("nonce", Value::Null, Rejected::Nonce),
            ("at_hash", json!(hash(Algorithm::Rs256, "another")), Rejected::AccessToken),
            ("at_hash", json!(hash(Algorithm::EdDsa, "access")), Rejected::AccessToken),
            ("sub", json!(""), Rejected::Subject),
            ("sub", Value::Null, Rejected::Claims),
        ] {
            assert_eq!(check_with(|c| c[claim] = value.clone()), Err(why), "{claim} {value}");
        }
    }

    #[test]
    fn a48_at_hash_is_as_the_standard_has_it() {
        // OpenID Connect Core, A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(hash(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
