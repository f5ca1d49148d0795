//! Signing and checking in the manner of Standard Webhooks: what a receiver does with a delivery, and, where it does not fit, which part
//! is to blame.
//!
//! A signature is over `ID.TIMESTAMP.BODY`. The header may hold several, of several keys and versions: one that fits is enough, and
//! versions that are not known here say nothing. Comparing takes the same time wherever two signatures differ.

mod explain;
mod key;
#[cfg(test)]
mod tests;

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use thiserror::Error;

pub use explain::{Explanation, Fault, Part, explain};
pub use key::VerifyingKey;

use crate::diagnostic::{Diagnostic, Kind};
use crate::plugin::{Algorithm, SigningKey};

/// Seconds that a delivery's time may be off, in either direction.
pub const TOLERANCE: i64 = 300;
/// A signature of HMAC-SHA256.
const V1: &str = "v1";
/// A signature of Ed25519.
const V1A: &str = "v1a";

/// The three headers of a delivery, as they came.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`
    pub signature: &'a str,
}

/// Why a receiver must not believe a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The time is no number of seconds.
    #[error("the header `webhook-timestamp` is not an integer")]
    NoTime,
    /// It may be an old delivery that somebody kept and sends again.
    #[error("the delivery is {seconds} s old, and at most {TOLERANCE} s are taken")]
    TooOld {
        /// How old.
        seconds: i64,
    },
    /// One of the two clocks is wrong.
    #[error("the delivery's time is {seconds} s ahead of this clock, and at most {TOLERANCE} s are taken")]
    TooNew {
        /// How far ahead.
        seconds: i64,
    },
    /// The header has none that could be checked with these keys.
    #[error("the header `webhook-signature` has no signature in a version that the key is for")]
    NoSignature,
    /// None of the signatures is of this id, this time and these bytes with one of these keys.
    #[error("no signature fits")]
    Mismatch,
}

impl Diagnostic for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoTime | Self::TooOld { .. } | Self::TooNew { .. } => "E-HOOK-030",
            Self::NoSignature => "E-HOOK-031",
            Self::Mismatch => "E-HOOK-032",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Failed
    }
}

/// The signature of a delivery, as one entry of `webhook-signature`.
pub fn sign(key: &SigningKey, id: &str, timestamp: i64, body: &[u8]) -> String {
    let version = match key.algorithm() {
        Algorithm::HmacSha256 => V1,
        Algorithm::Ed25519 => V1A,
    };
    format!("{version},{}", BASE64_STANDARD.encode(key.sign(&message(id, &timestamp.to_string(), body))))
}

/// Checks a delivery as its receiver has to: the time, and that one of the signatures is by one of the keys. `body` is the raw
/// bytes, before anybody parsed them.
pub fn verify(
    keys: &[VerifyingKey],
    received: &Received<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), VerifyError> {
    check_time(received.timestamp, now)?;
    check_signature(keys, received, body)
}

fn check_time(timestamp: &str, now: Timestamp) -> Result<(), VerifyError> {
    // Digits alone, which are read back as they were written: what the signature is over is the text.
    let is_plain = !timestamp.is_empty() && timestamp.bytes().all(|b| b.is_ascii_digit());
    let at: i64 = is_plain.then(|| timestamp.parse().ok()).flatten().ok_or(VerifyError::NoTime)?;
    match now.as_second().saturating_sub(at) {
        seconds if seconds > TOLERANCE => Err(VerifyError::TooOld { seconds }),
        seconds if seconds < -TOLERANCE => Err(VerifyError::TooNew { seconds: seconds.saturating_neg() }),
        _ => Ok(()),
    }
}

fn check_signature(keys: &[VerifyingKey], received: &Received<'_>, body: &[u8]) -> Result<(), VerifyError> {
    let message = message(received.id, received.timestamp, body);
    let signatures = signatures(received.signature);
    let mut was_of_use = false;
    for key in keys {
        for (_, signature) in signatures.iter().filter(|(version, _)| *version == key.version()) {
            was_of_use = true;
            if key.fits(&message, signature) {
                return Ok(());
            }
        }
    }
    Err(if was_of_use { VerifyError::Mismatch } else { VerifyError::NoSignature })
}

/// Each with its version; what is no base64 is none.
fn signatures(header: &str) -> Vec<(&str, Vec<u8>)> {
    let entries = header.split(' ').filter_map(|entry| entry.split_once(','));
    entries.filter_map(|(version, text)| Some((version, BASE64_STANDARD.decode(text).ok()?))).collect()
}

/// What is signed.
fn message(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}
