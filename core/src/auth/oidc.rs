//! Whether an ID token of OpenID Connect proves who signed in (OpenID Connect Core, 3.1.3.7): by whose key, for whom, when, and for
//! which attempt. Nothing of a token is put into an error or a log.
//!
//! The issuer's own clock tells whether its token is of now, so that a machine whose clock is wrong signs in all the same: the
//! token comes straight from the issuer, and the nonce ties it to the attempt.

use http::Request;
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;
use thiserror::Error;
use url::Url;

use super::discovery::Metadata;
use super::endpoint::{self, Endpoint};
use super::error::AuthError;
use super::tenant::TenantError;
use crate::jwt::{self, Claims, Jwt, JwtError, KeySet};
use crate::net::{Http, Secret};

/// The servers of one company may differ by so much.
const LEEWAY: SignedDuration = SignedDuration::from_mins(2);
/// A token that was asked for just now is not older than this.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(10);

/// What a token has to say.
pub(super) struct Expected<'a> {
    /// As the issuer writes it.
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// Of this attempt. None: the way of signing in has none.
    pub(super) nonce: Option<&'a str>,
    /// What came with it.
    pub(super) access_token: &'a str,
    /// The time, as the issuer has it.
    pub(super) now: Timestamp,
}

/// Why a token proves nothing.
#[derive(Debug, PartialEq, Eq, Error)]
enum Rejected {
    #[error(transparent)]
    Token(#[from] JwtError),
    #[error("it was issued too long ago")]
    Old,
    #[error("its `nonce` is not the one of this sign-in")]
    Nonce,
    #[error("its `at_hash` is not of the access token that came with it")]
    AccessToken,
}

/// Checks an ID token that came from the issuer's token endpoint.
pub(super) async fn verify(
    http: &Http,
    metadata: &Metadata,
    id_token: &Secret,
    expected: &Expected<'_>,
) -> Result<(), AuthError> {
    let host = || endpoint::host(&metadata.token);
    let refuse =
        |why: Rejected| AuthError::from(TenantError::IdToken { host: host(), reason: why.to_string() });
    let token = read(id_token.expose()).map_err(|error| refuse(error.into()))?;
    let url = metadata.jwks.as_ref().ok_or_else(|| AuthError::Metadata {
        issuer: metadata.issuer.clone(),
        reason: "it publishes no keys".to_owned(),
    })?;
    let claims = match token.verify(&keys(http, url).await?) {
        // The key may be so new that the first answer, from some cache, did not have it.
        Err(JwtError::UnknownKey) => token.verify(&keys(http, url).await?),
        known => known,
    };
    let claims = claims.map_err(|error| refuse(error.into()))?;
    check(&token, &claims, expected).map_err(refuse)
}

/// A token of the kind that an ID token is.
fn read(text: &str) -> Result<Jwt<'_>, JwtError> {
    let token = Jwt::parse(text)?;
    match token.kind().as_deref() {
        None | Some("jwt") => Ok(token),
        Some(_) => Err(JwtError::Kind),
    }
}

fn check(token: &Jwt<'_>, claims: &Claims, expected: &Expected<'_>) -> Result<(), Rejected> {
    let &Expected { issuer, client_id, nonce, access_token, now } = expected;
    claims.check(&jwt::Expected { issuer, audience: client_id, now, leeway: LEEWAY })?;
    claims.check_id_token(client_id)?;
    if claims.time("iat")?.is_some_and(|at| now.duration_since(at) > MAX_AGE) {
        return Err(Rejected::Old);
    }
    let is = |name: &str, text: &str| claims.text(name).is_some_and(|given| equal(given, text));
    if nonce.is_some_and(|nonce| !is("nonce", nonce)) {
        return Err(Rejected::Nonce);
    }
    if claims.get("at_hash").is_some() && !is("at_hash", &token.half_hash(access_token)) {
        return Err(Rejected::AccessToken);
    }
    Ok(())
}

fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// The keys that the issuer publishes.
async fn keys(http: &Http, url: &Url) -> Result<KeySet, AuthError> {
    let unusable = |what: &str| Endpoint::Keys.answered(url, what);
    let request =
        Request::get(url.as_str()).header(http::header::ACCEPT, "application/json").body(Vec::new());
    let request = request.map_err(|_| unusable("nothing: its URL cannot be used"))?;
    let reply = endpoint::send(http, Endpoint::Keys, url, request).await?;
    if !reply.status().is_success() {
        return Err(unusable(&format!("status {}", reply.status().as_u16())));
    }
    KeySet::parse(reply.body()).ok_or_else(|| unusable("something that is no set of keys"))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn check_with(change: impl FnOnce(&mut Value, &mut Value)) -> Result<(), Rejected> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let mut header = json!({"alg": "EdDSA", "kid": "k"});
        let mut claims = json!({
            "iss": "https://idp.example/", "aud": "client", "exp": NOW + 300, "iat": NOW, "sub": "7", "nonce": "n1",
        });
        change(&mut header, &mut claims);
        let message =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let text = format!("{message}.{}", encode(pair.sign(message.as_bytes()).as_ref()));
        let key =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": encode(pair.public_key().as_ref())});
        let keys = KeySet::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap();
        let token = read(&text)?;
        let claims = token.verify(&keys)?;
        let expected = Expected {
            issuer: "https://idp.example/",
            client_id: "client",
            nonce: Some("n1"),
            access_token: "access",
            now: Timestamp::from_second(NOW).unwrap(),
        };
        check(&token, &claims, &expected)
    }

    #[test]
    fn a48_a_token_for_this_attempt_is_taken() {
        let hash = ring::digest::digest(&ring::digest::SHA512, b"access");
        check_with(|_, _| ()).unwrap();
        check_with(|_, c| c["at_hash"] = encode(&hash.as_ref()[..32]).into()).unwrap();
        check_with(|h, _| h["typ"] = "JWT".into()).unwrap();
        check_with(|_, c| c["exp"] = (NOW - 119).into()).unwrap();
        check_with(|_, c| c["iat"] = (NOW + 119).into()).unwrap();
        check_with(|_, c| c["iat"] = (NOW - 599).into()).unwrap();
    }

    #[test]
    fn a48_what_is_of_another_attempt_or_time_or_kind_is_refused() {
        type Change = fn(&mut Value, &mut Value);
        let wrong: [(Rejected, Change); 8] = [
            (Rejected::Nonce, |_, c| c["nonce"] = "n2".into()),
            (Rejected::Nonce, |_, c| c["nonce"] = Value::Null),
            (Rejected::Nonce, |_, c| c["nonce"] = json!(["n1"])),
            (Rejected::AccessToken, |_, c| c["at_hash"] = "AAAA".into()),
            (Rejected::AccessToken, |_, c| c["at_hash"] = 7.into()),
            (Rejected::Old, |_, c| c["iat"] = (NOW - 601).into()),
            (Rejected::Token(JwtError::Expired), |_, c| c["exp"] = (NOW - 120).into()),
            (Rejected::Token(JwtError::Kind), |h, _| h["typ"] = "at+jwt".into()),
        ];
        for (why, change) in wrong {
            assert_eq!(check_with(change).unwrap_err(), why);
        }
    }
}
