//! A proof: a JWT with its own key in its head (RFC 9449, 4.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{ALGORITHM, Thumbprint};

/// Longer than any proof.
const MAX_LEN: usize = 8 << 10;
const MAX_ID_LEN: usize = 256;
/// Bytes of a coordinate on P-256.
const COORDINATE: usize = 32;

/// A proof whose signature is good; whether it is for the request at hand, its fields say.
pub(super) struct Proof {
    pub(super) key: Thumbprint,
    /// Of this key and no other proof.
    pub(super) id: [u8; 32],
    pub(super) method: String,
    pub(super) url: String,
    pub(super) at: f64,
    pub(super) nonce: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    typ: String,
    alg: String,
    jwk: Jwk,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    d: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Proof {
    /// Reads a proof and checks its signature.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let malformed = "the proof is no JWT";
        if text.len() > MAX_LEN {
            return Err("the proof is too long");
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(malformed)?;
        let (head, claims) = signed.split_once('.').ok_or(malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed);
        let head: Head =
            serde_json::from_slice(&bytes(head)?).map_err(|_| "the proof's head is incomplete")?;
        if head.typ != "dpop+jwt" || head.alg != ALGORITHM || head.crit.is_some() {
            return Err("the proof is not of the type dpop+jwt, signed with ES256");
        }
        let point = head.jwk.point().ok_or("the proof's key is no public key on P-256")?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .verify(signed.as_bytes(), &bytes(signature)?)
            .map_err(|_| "the proof's signature is wrong")?;
        let claims: Claims =
            serde_json::from_slice(&bytes(claims)?).map_err(|_| "the proof's claims are incomplete")?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_ID_LEN {
            return Err("the proof's jti is empty or too long");
        }
        let key = head.jwk.thumbprint();
        let id = Sha256::new().chain_update(key.0).chain_update(&claims.jti).finalize().into();
        let Claims { htm: method, htu: url, iat: at, ath: token, nonce, .. } = claims;
        Ok(Self { key, id, method, url, at, nonce, token })
    }

    /// Whether it is for this access token.
    pub(super) fn is_for(&self, token: &str) -> bool {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
        self.token.as_ref().is_some_and(|known| known.as_bytes().ct_eq(hash.as_bytes()).into())
    }
}

impl Jwk {
    /// Uncompressed. None if it is another kind of key, or a private one.
    fn point(&self) -> Option<Vec<u8>> {
        if self.kty != "EC" || self.crv != "P-256" || self.d.is_some() {
            return None;
        }
        let mut point = vec![4];
        for coordinate in [&self.x, &self.y] {
            let bytes = URL_SAFE_NO_PAD.decode(coordinate).ok().filter(|bytes| bytes.len() == COORDINATE)?;
            point.extend(bytes);
        }
        Some(point)
    }

    fn thumbprint(&self) -> Thumbprint {
        let Self { x, y, .. } = self;
        // These members in this order, without white space; base64 needs no escapes.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Thumbprint(Sha256::digest(canonical).into())
    }
}
