//! Proofs of possession (DPoP, RFC 9449): a key of this device, and its signature over each request that a token goes with.
//!
//! A token that is bound to the key is of no use to whoever has the token alone. The private key stays in here and in the one
//! file that sign-in keeps it in.

use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::secret::Secret;
use crate::id;

/// Brings a proof.
pub(crate) const PROOF: HeaderName = HeaderName::from_static("dpop");
/// Brings the nonce that the next proof has to hold.
pub(super) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// What a server calls it when the nonce is missing or old.
pub(crate) const NEEDS_NONCE: &str = "use_dpop_nonce";

const PEM: (&str, &str) = ("-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n");
/// Bytes of a coordinate on P-256.
const COORDINATE: usize = 32;
/// Names a proof: 131 bits.
const ID_LEN: usize = 22;

/// A key on P-256 that tokens are bound to.
pub struct ProofKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    pkcs8: Zeroizing<Vec<u8>>,
    /// The head of every proof, encoded.
    head: String,
    thumbprint: String,
}

/// The request that a proof is for.
pub(crate) struct Proven<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    /// The access token that goes with it.
    pub(crate) token: Option<&'a Secret>,
    /// The server's newest.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) at: Timestamp,
}

impl ProofKey {
    /// A new key. None: the system has no random numbers.
    pub fn generate() -> Option<Self> {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// From what [`ProofKey::to_pem`] made.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let inside = pem.trim_start().strip_prefix(PEM.0)?.trim_end().strip_suffix(PEM.1.trim_end())?;
        let encoded: Zeroizing<String> =
            Zeroizing::new(inside.chars().filter(|c| !c.is_ascii_whitespace()).collect());
        Self::from_pkcs8(&Zeroizing::new(BASE64_STANDARD.decode(encoded.as_bytes()).ok()?))
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).ok()?;
        let (x, y) = pair.public_key().as_ref().strip_prefix(&[4])?.split_at_checked(COORDINATE)?;
        let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
        // As RFC 7638 wants it for the thumbprint: these members, in this order.
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let head = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);
        Some(Self {
            pair,
            random,
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
            head: BASE64_URL_SAFE_NO_PAD.encode(head),
            thumbprint: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(jwk)),
        })
    }

    /// The whole key, to be kept.
    pub fn to_pem(&self) -> Secret {
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(&self.pkcs8));
        let mut pem = String::from(PEM.0);
        for line in encoded.as_bytes().chunks(64) {
            pem.extend(line.iter().copied().map(char::from));
            pem.push('\n');
        }
        pem.push_str(PEM.1);
        Secret::new(pem)
    }

    /// What names the key: 43 characters of base64url.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The header that goes with one request, once. None: it cannot be signed.
    pub(crate) fn prove(&self, proven: &Proven<'_>) -> Option<HeaderValue> {
        let mut url = proven.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let mut claims = json!({
            "jti": id::random(ID_LEN),
            "htm": proven.method.as_str(),
            "htu": url.as_str(),
            "iat": proven.at.as_second(),
        });
        if let Some(token) = proven.token {
            claims["ath"] = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose())).into();
        }
        if let Some(nonce) = proven.nonce {
            claims["nonce"] = nonce.into();
        }
        let signed = format!("{}.{}", self.head, BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).ok()?;
        HeaderValue::from_str(&format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))).ok()
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofKey").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(proof: &HeaderValue) -> serde_json::Value {
        let part = proof.to_str().unwrap().split('.').nth(1).unwrap().to_owned();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn a49_a_proof_is_for_one_request_and_no_other_is_like_it() {
        let key = ProofKey::generate().unwrap();
        let (url, token) = ("https://api.example/v1/sync?x=1#y".parse().unwrap(), Secret::new("canary"));
        let at = Timestamp::UNIX_EPOCH;
        let proven = Proven { method: &Method::POST, url: &url, token: Some(&token), nonce: Some("n"), at };
        let (first, second) = (key.prove(&proven).unwrap(), key.prove(&proven).unwrap());
        assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
        let said = claims(&first);
        assert_eq!(
            [&said["htm"], &said["htu"], &said["nonce"]],
            ["POST", "https://api.example/v1/sync", "n"]
        );
        assert_eq!(said["ath"], BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest("canary")));
        assert!(!said.to_string().contains("canary"));
    }

    #[test]
    fn a49_a_key_comes_back_from_its_file_and_is_not_printed() {
        let key = ProofKey::generate().unwrap();
        let pem = key.to_pem();
        assert_eq!(ProofKey::from_pem(pem.expose()).unwrap().thumbprint(), key.thumbprint());
        assert_eq!(key.thumbprint().len(), 43);
        let middle = pem.expose().lines().nth(1).unwrap();
        assert!(!format!("{key:?}").contains(middle));
        for bad in ["", "-----BEGIN PRIVATE KEY-----\n", &pem.expose().replace('M', "N"), &pem.expose()[..80]]
        {
            assert!(ProofKey::from_pem(bad).is_none(), "{bad}");
        }
        assert_ne!(ProofKey::generate().unwrap().thumbprint(), key.thumbprint());
    }
}
