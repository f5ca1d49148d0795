//! An issuer's public keys (RFC 7517).
//!
//! A key that this program cannot use is left out and the others stand: issuers publish keys for encryption, and for algorithms to
//! come.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

use super::JwtError;
use super::algorithm::{Algorithm, KeyKind};

/// More keys than this are nobody's.
const MAX_KEYS: usize = 100;

/// The keys of an issuer that signatures can be checked with.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    /// The one algorithm that its owner keeps it for.
    algorithm: Option<Algorithm>,
    kind: KeyKind,
    /// The point, or the modulus.
    material: Vec<u8>,
    /// RSA's.
    exponent: Vec<u8>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JWK set. None where it is not one, or has more keys than anybody needs.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(json).ok()?;
        if document.keys.len() > MAX_KEYS {
            return None;
        }
        let usable = |value| Key::of(&serde_json::from_value::<Jwk>(value).ok()?);
        Some(Self { keys: document.keys.into_iter().filter_map(usable).collect() })
    }

    /// Whether there is none that can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of this name that the algorithm works with. Without a name, the only one that it works with.
    pub(super) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&Key> {
        let fits = |key: &&Key| {
            key.kind == algorithm.key_kind()
                && key.algorithm.is_none_or(|only| only == algorithm)
                && (id.is_none() || key.id.as_deref() == id)
        };
        let mut fitting = self.keys.iter().filter(fits);
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then_some(first)
    }
}

impl Key {
    /// None where it is for something else, or is not whole.
    fn of(jwk: &Jwk) -> Option<Self> {
        let for_signatures = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.as_ref().is_none_or(|uses| uses.iter().any(|use_| use_ == "verify"));
        let algorithm = match &jwk.alg {
            Some(name) => Some(Algorithm::named(name)?),
            None => None,
        };
        let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        let coordinate = |text: &Option<String>, length: usize| bytes(text).filter(|b| b.len() == length);
        let point =
            |length| Some([vec![4], coordinate(&jwk.x, length)?, coordinate(&jwk.y, length)?].concat());
        let (kind, material) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => (KeyKind::Rsa, number(bytes(&jwk.n)?)),
            ("EC", Some("P-256")) => (KeyKind::P256, point(32)?),
            ("EC", Some("P-384")) => (KeyKind::P384, point(48)?),
            ("OKP", Some("Ed25519")) => (KeyKind::Ed25519, coordinate(&jwk.x, 32)?),
            _ => return None,
        };
        let exponent = if kind == KeyKind::Rsa { number(bytes(&jwk.e)?) } else { Vec::new() };
        for_signatures.then(|| Self { id: jwk.kid.clone(), algorithm, kind, material, exponent })
    }

    /// Whether the signature is this key's over the message.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), JwtError> {
        let verified = match (algorithm.rsa(), algorithm.curve()) {
            (Some(parameters), _) => RsaPublicKeyComponents { n: &self.material, e: &self.exponent }
                .verify(parameters, message, signature),
            (None, Some(curve)) => UnparsedPublicKey::new(curve, &self.material).verify(message, signature),
            (None, None) => Err(ring::error::Unspecified),
        };
        verified.map_err(|_| JwtError::Signature)
    }
}

/// Without the zeros that some issuers put before a number.
fn number(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
