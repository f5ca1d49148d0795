//! The compact form of a signed token (RFC 7515), and the algorithms that count: asymmetric ones alone, so that nobody can make a
//! token out of what is public.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::id_token::Rejected;

/// More than any ID token has.
const MAX: usize = 64 << 10;

/// The algorithms that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "PS256" => Self::Ps256,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            // The second name says which curve it is (RFC 9864).
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }
}

/// A signed token, taken apart. Nothing of it is believed yet.
pub(super) struct Signed<'a> {
    pub(super) algorithm: Algorithm,
    /// Which key.
    pub(super) key: Option<String>,
    /// What the signature is over.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

impl<'a> Signed<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Rejected> {
        let parts: Vec<&str> = token.split('.').collect();
        let (&[header, payload, signature], true) = (parts.as_slice(), token.len() <= MAX) else {
            return Err(Rejected::Form);
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejected::Form);
        let message = &token.as_bytes()[..header.len() + 1 + payload.len()];
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Rejected::Form)?;
        let algorithm = Algorithm::named(&header.alg).ok_or(Rejected::Algorithm)?;
        if header.crit.is_some() || header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(Rejected::Kind);
        }
        Ok(Self {
            algorithm,
            key: header.kid,
            message,
            signature: decode(signature)?,
            payload: decode(payload)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &serde_json::Value) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(&header.to_string()), encode("{}"), encode("signature"))
    }

    fn why(token: &str) -> Rejected {
        Signed::parse(token).err().unwrap()
    }

    #[test]
    fn a48_only_asymmetric_algorithms_count() {
        for (good, algorithm) in [
            ("RS256", Algorithm::Rs256),
            ("PS256", Algorithm::Ps256),
            ("ES256", Algorithm::Es256),
            ("ES384", Algorithm::Es384),
            ("EdDSA", Algorithm::EdDsa),
            ("Ed25519", Algorithm::EdDsa),
        ] {
            let token = token(&serde_json::json!({"alg": good, "kid": "k", "typ": "jwt"}));
            let signed = Signed::parse(&token).unwrap();
            assert_eq!((signed.algorithm, signed.key.as_deref()), (algorithm, Some("k")));
            assert_eq!(signed.message, &token.as_bytes()[..token.rfind('.').unwrap()]);
        }
        for bad in ["none", "None", "HS256", "HS512", "RS1", "rs256", "RSA-OAEP", ""] {
            assert_eq!(why(&token(&serde_json::json!({"alg": bad}))), Rejected::Algorithm, "{bad}");
        }
    }

    #[test]
    fn a48_what_is_no_signed_token_or_another_kind_of_one_is_refused() {
        for bad in ["", "a.b", "a.b.c", "a.b.c.d.e", "e30.e30.", "e30.e30.e30=", "....", &"a".repeat(MAX + 1)]
        {
            assert_eq!(why(bad), Rejected::Form, "{bad}");
        }
        for header in [
            serde_json::json!({"alg": "RS256", "typ": "at+jwt"}),
            serde_json::json!({"alg": "RS256", "crit": ["b64"]}),
            serde_json::json!({"alg": "RS256", "typ": "logout+jwt"}),
        ] {
            assert_eq!(why(&token(&header)), Rejected::Kind, "{header}");
        }
    }
}
