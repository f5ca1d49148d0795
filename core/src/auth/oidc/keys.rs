//! The keys that an issuer publishes (RFC 7517), as far as they can have signed an ID token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::Deserialize;

use super::id_token::Rejected;
use super::signature::{Algorithm, Signed};

/// Without a name in the token, so many keys are tried.
const MAX_TRIED: usize = 16;

/// The published keys.
pub(super) struct KeySet(Vec<Key>);

/// What is known of a key. A part that its kind needs and that is missing makes it useless, not the set.
#[derive(Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(bytes).ok()?;
        // A key of a form that nobody here knows is for somebody else.
        Some(Self(document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect()))
    }

    /// Whether a key is here that may have signed it.
    pub(super) fn knows(&self, signed: &Signed<'_>) -> bool {
        self.candidates(signed).next().is_some()
    }

    /// The payload, if one of the keys signed it.
    pub(super) fn verify<'a>(&self, signed: &'a Signed<'_>) -> Result<&'a [u8], Rejected> {
        if !self.knows(signed) {
            return Err(Rejected::UnknownKey);
        }
        let verified = self.candidates(signed).take(MAX_TRIED).any(|key| key.verifies(signed).is_some());
        verified.then_some(signed.payload.as_slice()).ok_or(Rejected::Signature)
    }

    fn candidates<'a>(&'a self, signed: &'a Signed<'_>) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(|key| key.may_have_signed(signed))
    }
}

impl Key {
    fn may_have_signed(&self, signed: &Signed<'_>) -> bool {
        let (kind, curve) = match signed.algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => ("RSA", None),
            Algorithm::Es256 => ("EC", Some("P-256")),
            Algorithm::Es384 => ("EC", Some("P-384")),
            Algorithm::EdDsa => ("OKP", Some("Ed25519")),
        };
        self.kty == kind
            && curve.is_none_or(|curve| self.crv.as_deref() == Some(curve))
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.alg.as_deref().is_none_or(|alg| Algorithm::named(alg) == Some(signed.algorithm))
            && signed.key.as_ref().is_none_or(|key| self.kid.as_ref() == Some(key))
    }

    /// Some, if it did.
    fn verifies(&self, signed: &Signed<'_>) -> Option<()> {
        match signed.algorithm {
            Algorithm::Rs256 => self.verifies_rsa(&RSA_PKCS1_2048_8192_SHA256, signed),
            Algorithm::Ps256 => self.verifies_rsa(&RSA_PSS_2048_8192_SHA256, signed),
            Algorithm::Es256 => verifies(&ECDSA_P256_SHA256_FIXED, &self.point(32)?, signed),
            Algorithm::Es384 => verifies(&ECDSA_P384_SHA384_FIXED, &self.point(48)?, signed),
            Algorithm::EdDsa => verifies(&ED25519, &decoded(&self.x)?, signed),
        }
    }

    fn verifies_rsa(&self, parameters: &'static RsaParameters, signed: &Signed<'_>) -> Option<()> {
        let number = |text: &Option<String>| {
            let bytes = decoded(text)?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Some(bytes[zeros..].to_vec())
        };
        let key = RsaPublicKeyComponents { n: number(&self.n)?, e: number(&self.e)? };
        key.verify(parameters, signed.message, &signed.signature).ok()
    }

    /// A point of a curve whose coordinates have so many bytes, uncompressed.
    fn point(&self, bytes: usize) -> Option<Vec<u8>> {
        let (x, y) = (decoded(&self.x)?, decoded(&self.y)?);
        (x.len() == bytes && y.len() == bytes).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    }
}

fn decoded(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()
}

fn verifies(algorithm: &'static dyn VerificationAlgorithm, key: &[u8], signed: &Signed<'_>) -> Option<()> {
    UnparsedPublicKey::new(algorithm, key).verify(signed.message, &signed.signature).ok()
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn unsigned(alg: &str, kid: Option<&str>) -> String {
        let header = json!({"alg": alg, "kid": kid});
        format!("{}.{}", encode(header.to_string().as_bytes()), encode(b"{\"sub\":\"1\"}"))
    }

    fn set(keys: serde_json::Value) -> KeySet {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
    }

    fn ed25519(kid: &str) -> (Ed25519KeyPair, serde_json::Value) {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let key =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(pair.public_key().as_ref())});
        (pair, key)
    }

    #[test]
    fn a48_a_signature_counts_only_by_the_key_that_the_token_names() {
        let (pair, key) = ed25519("one");
        let (other, _) = ed25519("one");
        let message = unsigned("EdDSA", Some("one"));
        let good = format!("{message}.{}", encode(pair.sign(message.as_bytes()).as_ref()));
        let forged = format!("{message}.{}", encode(other.sign(message.as_bytes()).as_ref()));
        let mut renamed = key.clone();
        renamed["kid"] = "two".into();
        let good = Signed::parse(&good).unwrap();
        assert_eq!(set(json!([{"kty": "oct"}, 7, key])).verify(&good).unwrap(), b"{\"sub\":\"1\"}");
        assert_eq!(set(json!([renamed])).verify(&good).unwrap_err(), Rejected::UnknownKey);
        assert_eq!(set(json!([])).verify(&good).unwrap_err(), Rejected::UnknownKey);
        let forged = Signed::parse(&forged).unwrap();
        assert_eq!(set(json!([key])).verify(&forged).unwrap_err(), Rejected::Signature);
        let mut for_encryption = key.clone();
        for_encryption["use"] = "enc".into();
        assert!(!set(json!([for_encryption])).knows(&good));
    }

    #[test]
    fn a48_a_token_without_a_key_name_is_tried_with_every_key_that_fits() {
        let (pair, key) = ed25519("one");
        let (_, other) = ed25519("two");
        let message = unsigned("EdDSA", None);
        let token = format!("{message}.{}", encode(pair.sign(message.as_bytes()).as_ref()));
        assert!(set(json!([other, key])).verify(&Signed::parse(&token).unwrap()).is_ok());
    }

    #[test]
    fn a48_a_key_of_another_kind_or_algorithm_verifies_nothing() {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let key = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        let message = unsigned("ES256", None);
        let signature = pair.sign(&random, message.as_bytes()).unwrap();
        let token = format!("{message}.{}", encode(signature.as_ref()));
        let signed = Signed::parse(&token).unwrap();
        assert!(set(json!([key])).verify(&signed).is_ok());
        for (name, value) in [("crv", "P-384"), ("kty", "RSA"), ("alg", "ES384"), ("x", "AA"), ("y", "?")] {
            let mut wrong = key.clone();
            wrong[name] = value.into();
            assert!(set(json!([wrong])).verify(&signed).is_err(), "{name}");
        }
    }
}
