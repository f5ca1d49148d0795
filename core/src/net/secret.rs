//! A secret that cannot be printed by accident.

use std::fmt;

use base64::prelude::{BASE64_STANDARD as STANDARD, Engine};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A token, password or key. Neither `Debug` nor `Display` shows it, and its memory is wiped when it is dropped; copies that
/// an HTTP client or a parser makes are not.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret in.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(SecretString::from(secret.into()))
    }

    /// The secret itself, to be sent or stored at once, never kept.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `Authorization: Bearer …`, marked sensitive. None if the secret has characters that no header can carry.
    pub fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl Secret {
    /// `Authorization: Basic …` for a secret of the form `USER:PASSWORD`, marked sensitive.
    pub fn basic(&self) -> Option<HeaderValue> {
        let encoded = Self::new(STANDARD.encode(self.expose()));
        let mut value = HeaderValue::from_str(&format!("Basic {}", encoded.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

/// Finds a secret in what another party sent back, in the forms in which servers reflect it.
#[derive(Debug)]
pub struct Redactor {
    forms: Vec<Secret>,
}

impl Redactor {
    /// Looks for `secret` as it is, percent-encoded, and inside a base64 text at each of the three alignments.
    pub fn new(secret: &Secret) -> Self {
        let plain = secret.expose();
        let mut forms = vec![secret.clone()];
        let encoded: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
        if encoded != plain {
            forms.push(Secret::new(encoded));
        }
        let hex = plain.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        forms.push(Secret::new(hex));
        forms.extend(base64_forms(plain.as_bytes()).into_iter().map(Secret::new));
        forms.retain(|form| form.expose().len() >= 8);
        Self { forms }
    }

    /// Whether `bytes` hold the secret.
    pub fn finds_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| contains(bytes, form.expose().as_bytes()))
    }
}

/// Whether `needle` stands in `haystack`. Skips to candidates of the first byte, so that large bodies cost little.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

/// The part of a base64 text that `bytes` alone decide, for each alignment that they may have in it, in both alphabets.
fn base64_forms(bytes: &[u8]) -> Vec<String> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut forms = Vec::new();
    for skip in 0..3 {
        // The first `skip` bytes share a group with whatever stands before them.
        let whole = bytes.get(skip..).unwrap_or_default();
        let text: String = whole
            .chunks_exact(3)
            .flat_map(|c| {
                let group = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
                [18, 12, 6, 0].map(|shift| char::from(STANDARD[(group >> shift & 63) as usize]))
            })
            .collect();
        let url_safe = text.replace('+', "-").replace('/', "_");
        if url_safe != text {
            forms.push(url_safe);
        }
        forms.push(text);
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new("orkee_canary");
        assert!(!format!("{secret:?} {:?}", secret.bearer()).contains("canary"));
    }

    #[test]
    fn a_token_that_no_header_can_carry_makes_no_header() {
        assert!(Secret::new("a\nb").bearer().is_none());
    }

    #[test]
    fn p15a_a_reflected_secret_is_found_in_each_of_its_forms() {
        let secret = Secret::new("orkee_canary+token/123456");
        let redactor = Redactor::new(&secret);
        for text in [
            "…Bearer orkee_canary+token/123456…",
            "token=orkee_canary%2Btoken%2F123456",
            // base64 of "Bearer " + secret, of "x" + secret, of "xy" + secret
            "QmVhcmVyIG9ya2VlX2NhbmFyeSt0b2tlbi8xMjM0NTY=",
            "eG9ya2VlX2NhbmFyeSt0b2tlbi8xMjM0NTY=",
            "eHlvcmtlZV9jYW5hcnkrdG9rZW4vMTIzNDU2",
        ] {
            assert!(redactor.finds_in(text.as_bytes()), "{text}");
        }
        assert!(!redactor.finds_in(b"orkee_canary token 123456"));
    }

    #[test]
    fn a_very_short_secret_does_not_withhold_every_reply() {
        assert!(!Redactor::new(&Secret::new("a")).finds_in(b"banana"));
    }
}
