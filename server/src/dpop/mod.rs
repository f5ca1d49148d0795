//! DPoP (RFC 9449): tokens that are of use only to whoever has a key.
//!
//! A client signs a proof for each request, over its method, its address and its token. Every proof also holds a nonce of this
//! server, so that it is the server's clock, not the client's, that says how old a proof is, and none can be made in advance. A
//! proof is good once.
//!
//! Where the server offers none of this, tokens that were bound before stay bound.

mod nonce;
mod proof;
mod seen;

use axum::http::{HeaderMap, HeaderName};
use clap::ValueEnum;
use jiff::Timestamp;
use url::Url;

use nonce::Nonces;
use proof::Proof;
use seen::Seen;

/// Brings a proof.
const PROOF: HeaderName = HeaderName::from_static("dpop");
/// Brings a nonce to the client.
pub(crate) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// The one algorithm, for the metadata.
pub(crate) const ALGORITHM: &str = "ES256";
/// A proof's own time may be off by a day: its nonce dates it, and this only finds nonsense.
const SKEW: f64 = 86_400.0;

/// Whether sign-ins are bound to keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Binding {
    /// No.
    Off,
    /// Those of clients that bring a proof.
    Offered,
    /// All, those that were made before too. API tokens are not sign-ins, and stay bearer tokens.
    Required,
}

/// What names a key (RFC 7638).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thumbprint(pub(crate) [u8; 32]);

/// Why a proof is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It proves nothing.
    Invalid(&'static str),
    /// It lacks a fresh nonce.
    Nonce,
    /// It is good, but of another key.
    Key,
}

/// The request that a proof has to be for.
pub(crate) struct Proven<'a> {
    pub(crate) method: &'a str,
    /// As clients write it, without a query.
    pub(crate) url: &'a str,
    /// The access token that comes with it.
    pub(crate) token: Option<&'a str>,
    /// The key that it has to be of, where one is known.
    pub(crate) key: Option<Thumbprint>,
}

/// Checks proofs.
pub(crate) struct Dpop {
    binding: Binding,
    nonces: Nonces,
    /// Those that came with a token, which only an account has.
    seen: Seen,
    /// Those that came without: what anybody can have taken is no room of the others.
    seen_bare: Seen,
}

impl Dpop {
    pub(crate) fn new(binding: Binding) -> Self {
        Self { binding, nonces: Nonces::new(), seen: Seen::default(), seen_bare: Seen::default() }
    }

    /// Whether tokens can be bound.
    pub(crate) fn is_offered(&self) -> bool {
        self.binding != Binding::Off
    }

    /// Whether new tokens have to be.
    pub(crate) fn is_required(&self) -> bool {
        self.binding == Binding::Required
    }

    /// A nonce to begin the next proof with.
    pub(crate) fn nonce(&self, now: Timestamp) -> String {
        self.nonces.current(now)
    }

    /// The key of the proof that a request brings; none where it brings none. A proof that was taken is not taken again.
    pub(crate) fn check(
        &self,
        proven: &Proven<'_>,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Thumbprint>, Rejected> {
        let mut proofs = headers.get_all(PROOF).iter();
        let proof = match (proofs.next(), proofs.next()) {
            (None, _) => return Ok(None),
            (Some(proof), None) => proof.to_str().map_err(|_| Rejected::Invalid("the proof is no text"))?,
            _ => return Err(Rejected::Invalid("there is more than one proof")),
        };
        let proof = Proof::parse(proof).map_err(Rejected::Invalid)?;
        if proof.method != proven.method || !is_same(&proof.url, proven.url) {
            return Err(Rejected::Invalid("the proof is for another request"));
        }
        if proven.token.is_some_and(|token| !proof.is_for(token)) {
            return Err(Rejected::Invalid("the proof is for another token"));
        }
        if (proof.at - now.as_second() as f64).abs() > SKEW {
            return Err(Rejected::Invalid("the proof is of another day"));
        }
        let slot = proof.nonce.as_deref().and_then(|nonce| self.nonces.slot_of(nonce, now));
        let slot = slot.ok_or(Rejected::Nonce)?;
        if proven.key.is_some_and(|key| key != proof.key) {
            return Err(Rejected::Key);
        }
        let seen = if proven.token.is_some() { &self.seen } else { &self.seen_bare };
        seen.insert(slot, proof.key, proof.id).map_err(Rejected::Invalid)?;
        Ok(Some(proof.key))
    }
}

/// Whether two addresses are the same but for query and fragment.
fn is_same(proof: &str, expected: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    bare(proof).is_some_and(|url| Some(url) == bare(expected))
}

#[cfg(test)]
mod tests;
