//! Which part of a delivery that does not fit is to blame: the time, the id, the body, or the key.
//!
//! A signature tells no more than that something differs. So the ways in which receivers usually spoil a part are tried: where the
//! signature fits with one of them undone, that was it. Where none does, nothing more can be said, and all that stays possible is told.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Received, VerifyError, VerifyingKey, check_signature, check_time};

/// A part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `webhook-timestamp`
    Time,
    /// `webhook-id`
    Id,
    /// The body.
    Body,
    /// The secret.
    Key,
    /// `webhook-signature` itself.
    Signature,
}

impl Part {
    /// In JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Id => "id",
            Self::Body => "body",
            Self::Key => "key",
            Self::Signature => "signature",
        }
    }
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub part: Part,
    /// In a sentence without an end.
    pub why: Cow<'static, str>,
}

impl Fault {
    fn new(part: Part, why: impl Into<Cow<'static, str>>) -> Self {
        Self { part, why: why.into() }
    }
}

/// What a receiver finds of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether one of the signatures fits.
    pub signature: Result<(), VerifyError>,
    /// Why none does, where that is known.
    pub fault: Option<Fault>,
    /// Whether the time is one that is taken.
    pub time: Result<(), VerifyError>,
}

/// Looks at all of a delivery, also behind the first part that is wrong.
pub fn explain(keys: &[VerifyingKey], received: &Received<'_>, body: &[u8], now: Timestamp) -> Explanation {
    let time = check_time(received.timestamp, now);
    let signature = check_signature(keys, received, body);
    let fault = match &signature {
        Ok(()) => None,
        Err(VerifyError::NoSignature) => Some(no_signature(received)),
        Err(_) => spoiled(keys, received, body),
    };
    Explanation { signature, fault, time }
}

fn no_signature(received: &Received<'_>) -> Fault {
    let entries = received.signature.split(' ').filter(|entry| !entry.is_empty());
    let versions: Vec<_> = entries.map(|entry| entry.split_once(',').map_or("?", |(v, _)| v)).collect();
    match versions.as_slice() {
        [] => Fault::new(Part::Signature, "the header is empty"),
        _ => Fault::new(
            Part::Signature,
            "the header has no `v1,` or `v1a,` with base64 behind it that this kind of key could check",
        ),
    }
}

/// The part that fits once it is put right.
fn spoiled(keys: &[VerifyingKey], received: &Received<'_>, body: &[u8]) -> Option<Fault> {
    let fits = |keys: &[VerifyingKey], received: &Received<'_>, body: &[u8]| {
        check_signature(keys, received, body).is_ok()
    };
    for (bytes, why) in bodies(body) {
        if fits(keys, received, &bytes) {
            return Some(Fault::new(Part::Body, why));
        }
    }
    for (id, why) in ids(received.id) {
        if fits(keys, &Received { id: &id, ..*received }, body) {
            return Some(Fault::new(Part::Id, why));
        }
    }
    for (timestamp, why) in times(received.timestamp) {
        if fits(keys, &Received { timestamp: &timestamp, ..*received }, body) {
            return Some(Fault::new(Part::Time, why));
        }
    }
    let undecoded: Vec<_> = keys.iter().flat_map(VerifyingKey::undecoded).collect();
    if fits(&undecoded, received, body) {
        let why = "the signature was made with the secret's text: what signs is its bytes, which are the base64 behind `whsec_`";
        return Some(Fault::new(Part::Key, why));
    }
    malformed(received.id).map(|why| Fault::new(Part::Id, why))
}

/// What the body may have been.
fn bodies(body: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let mut found: Vec<(Vec<u8>, &'static str)> = Vec::new();
    if let Some(rest) = body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")) {
        found.push((rest.to_vec(), "there is a line end behind it that was not sent"));
    }
    if let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        found.push((rest.to_vec(), "there is a byte order mark before it that was not sent"));
    }
    found.push(([body, b"\n"].concat(), "the line end behind it is missing"));
    let text = String::from_utf8_lossy(body);
    found.push((text.replace("\r\n", "\n").into_bytes(), "its line ends were changed"));
    found.push((text.replace('\n', "\r\n").into_bytes(), "its line ends were changed"));
    let why = "it was parsed and written again, with other spaces: what is signed are the raw bytes";
    found.push((compacted(body), why));
    found
}

fn ids(id: &str) -> Vec<(String, &'static str)> {
    let mut found = vec![(id.trim().to_owned(), "there are spaces around it")];
    found.push(match id.strip_prefix("msg_") {
        Some(rest) => (rest.to_owned(), "it was sent without `msg_`"),
        None => (format!("msg_{id}"), "its `msg_` is missing"),
    });
    found
}

fn times(timestamp: &str) -> Vec<(String, &'static str)> {
    let mut found = vec![(timestamp.trim().to_owned(), "there are spaces around it")];
    if let Some(seconds) = timestamp.len().checked_sub(3).and_then(|end| timestamp.get(..end)) {
        found.push((seconds.to_owned(), "it is in milliseconds, and was sent in seconds"));
    }
    if let Some((seconds, _)) = timestamp.split_once('.') {
        found.push((seconds.to_owned(), "it has a fraction that was not sent"));
    }
    found
}

fn malformed(id: &str) -> Option<&'static str> {
    match id {
        "" => Some("it is empty"),
        id if id.contains('.') => Some("it has a dot, which no id has"),
        id if id.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Some("it has a space, which no id has")
        }
        _ => None,
    }
}

/// JSON without the spaces between its parts; their order is kept.
fn compacted(body: &[u8]) -> Vec<u8> {
    let (mut is_text, mut is_escaped) = (false, false);
    let kept = body.iter().filter(|byte| {
        let keep = is_text || !byte.is_ascii_whitespace();
        match (**byte, is_text && is_escaped) {
            (b'"', false) => is_text = !is_text,
            (b'\\', false) if is_text => is_escaped = true,
            _ => is_escaped = false,
        }
        keep
    });
    kept.copied().collect()
}
