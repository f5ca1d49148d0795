//! Signed JSON Web Tokens (RFC 7515, RFC 7519), as an identity provider issues them: read, and verified against its keys.
//!
//! Own code on `ring`, which is in the program anyway: what JOSE libraries add is the choice among algorithms, and that choice is
//! where tokens are forged. Here a token is signed with a public key of a short list or it is nothing; its key is found by the
//! token's `kid` and has to be of the kind that the algorithm wants; nothing in a token says where keys come from. Nothing of a
//! token is believed before its signature was checked: [`Jwt`] shows which key it asks for, only [`Claims`] what it says.
//!
//! No network and no clock: whoever calls brings the keys and the time.

mod algorithm;
mod claims;
mod keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use thiserror::Error;

pub use algorithm::Algorithm;
pub use claims::{Claims, Expected};
pub use keys::KeySet;

/// Larger tokens are not read.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Why a token is not believed. Nothing that stands in it unverified is repeated, save names of a few plain characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JwtError {
    /// It is not a signed JWT.
    #[error("it is not a signed JSON Web Token: {0}")]
    Malformed(&'static str),
    /// It is signed with an algorithm that is not on the list, such as `none`.
    #[error("it is signed with `{0}`, which is not accepted")]
    Algorithm(String),
    /// None of the issuer's keys is the one that it names.
    #[error("its key is none of the issuer's")]
    UnknownKey,
    /// The signature does not belong to this content and this key.
    #[error("its signature is wrong")]
    Signature,
    /// A claim is missing.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// A claim is not of its form.
    #[error("its `{0}` is not of the form that this claim has")]
    Form(&'static str),
    /// It was issued by somebody else.
    #[error("its `iss` is another issuer")]
    Issuer,
    /// It was issued for somebody else.
    #[error("its `{0}` names another client")]
    Audience(&'static str),
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("its `{0}` lies in the future")]
    Early(&'static str),
    /// It is a token of another kind.
    #[error("it is a token of another kind")]
    Kind,
}

/// A token that was taken apart, and not verified.
#[derive(Debug)]
pub struct Jwt<'a> {
    header: Header,
    algorithm: Algorithm,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> Jwt<'a> {
    /// Takes a token apart.
    pub fn parse(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::Malformed("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed("it has no parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed("it has two parts"))?;
        if payload.contains('.') {
            return Err(JwtError::Malformed("it has too many parts"));
        }
        let decode = |part: &str| {
            URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed("a part is no base64url"))
        };
        let header: Header = serde_json::from_slice(&decode(header)?)
            .map_err(|_| JwtError::Malformed("its header is no JSON object with a text `alg`"))?;
        if header.crit.is_some() {
            return Err(JwtError::Malformed("its header asks for an extension"));
        }
        let algorithm =
            Algorithm::named(&header.alg).ok_or_else(|| JwtError::Algorithm(plain(&header.alg)))?;
        Ok(Self { header, algorithm, signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// The key that it says it was signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// What it calls itself, in lower case and without `application/`.
    pub fn kind(&self) -> Option<String> {
        let kind = self.header.typ.as_deref()?.to_ascii_lowercase();
        Some(kind.strip_prefix("application/").map_or_else(|| kind.clone(), str::to_owned))
    }

    /// Who it says issued it: whose keys to check it with, and nothing to believe before.
    pub fn claimed_issuer(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Issued {
            iss: String,
        }
        serde_json::from_slice::<Issued>(&self.payload).ok().map(|claims| claims.iss)
    }

    /// Checks the signature against the issuer's keys; what the token says.
    pub fn verify(&self, keys: &KeySet) -> Result<Claims, JwtError> {
        let key = keys.find(self.algorithm, self.key_id()).ok_or(JwtError::UnknownKey)?;
        key.verify(self.algorithm, self.signed.as_bytes(), &self.signature)?;
        Claims::parse(&self.payload)
    }

    /// What `at_hash` and `c_hash` are made of: half of the hash that the token's algorithm uses (OpenID Connect Core, 3.1.3.6).
    pub fn half_hash(&self, text: &str) -> String {
        let hash = ring::digest::digest(self.algorithm.digest(), text.as_bytes());
        URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
    }
}

/// A name out of an unverified token, fit to be shown.
fn plain(text: &str) -> String {
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_+.".contains(c));
    if text.len() > 20 || text.contains(odd) { "an unknown name".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
