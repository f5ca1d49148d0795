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
        self.as_authorization("Bearer")
    }

    /// `Authorization: DPoP …`, which a proof goes with.
    pub fn dpop(&self) -> Option<HeaderValue> {
        self.as_authorization("DPoP")
    }

    fn as_authorization(&self, scheme: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{scheme} {}", self.expose())).ok()?;
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
    /// Looks for `secret` as it is, percent-encoded, as HTML and JSON escape it, in hexadecimal digits, and inside a base64 text
    /// at each of the three alignments.
    pub fn new(secret: &Secret) -> Self {
        let plain = secret.expose();
        let mut forms = vec![secret.clone()];
        let hex = plain.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        let hexes = [hex.to_ascii_uppercase(), hex];
        let escaped = percent_forms(plain).into_iter().chain(escaped_forms(plain));
        let others = escaped.chain(hexes).chain(base64_forms(plain.as_bytes()));
        for form in others {
            if forms.iter().all(|there| there.expose() != form) {
                forms.push(Secret::new(form));
            }
        }
        forms.retain(|form| form.expose().len() >= 8);
        Self { forms }
    }

    /// Whether the name of a header holds the secret. Names come in lower case, however they were sent.
    pub fn finds_in_name(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.forms.iter().any(|form| {
            let form = Secret::new(form.expose().to_ascii_lowercase());
            contains(name.as_bytes(), form.expose().as_bytes())
        })
    }

    /// `bytes` with `mask` wherever the secret stood.
    pub fn mask(&self, bytes: Vec<u8>, mask: &[u8]) -> Vec<u8> {
        self.forms.iter().fold(bytes, |bytes, form| {
            let form = form.expose().as_bytes();
            let mut masked = Vec::new();
            let mut from = 0;
            for at in memchr::memmem::find_iter(&bytes, form) {
                masked.extend_from_slice(&bytes[from..at]);
                masked.extend_from_slice(mask);
                from = at + form.len();
            }
            if from == 0 {
                return bytes;
            }
            masked.extend_from_slice(&bytes[from..]);
            masked
        })
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

/// Percent-encoded, with digits of either case and a space as either is sent.
fn percent_forms(plain: &str) -> Vec<String> {
    let upper: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
    // A `+` of the secret itself is `%2B` there.
    let spaces = upper.replace('+', "%20");
    let lower = |text: &str| {
        let mut parts = text.split('%');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
            format!("{text}%{}{rest}", digits.to_ascii_lowercase())
        })
    };
    vec![lower(&upper), lower(&spaces), upper, spaces]
}

/// As templates and encoders write the characters that HTML and JSON set apart; each of these sets is in wide use.
const ESCAPES: [&[(char, &str)]; 10] = [
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;"), ('+', "&#43;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;"), ('/', "&#47;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#x27;"), ('/', "&#x2F;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#x27;"), ('/', "&#x2f;")],
    &[('"', "\\\""), ('\\', "\\\\")],
    &[('"', "\\\""), ('\\', "\\\\"), ('/', "\\/")],
    &[('"', "\\\""), ('\\', "\\\\"), ('&', "\\u0026"), ('<', "\\u003c"), ('>', "\\u003e")],
];

/// The secret with each of the sets of escapes.
fn escaped_forms(plain: &str) -> impl Iterator<Item = String> {
    ESCAPES.iter().map(|set| {
        plain.chars().fold(String::with_capacity(plain.len()), |mut text, c| {
            match set.iter().find(|(from, _)| *from == c) {
                Some((_, to)) => text.push_str(to),
                None => text.push(c),
            }
            text
        })
    })
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
    fn p15a_a_secret_is_found_as_encoders_and_templates_escape_it() {
        let redactor = Redactor::new(&Secret::new("orkee/canary&token <12>"));
        for text in [
            r"orkee\/canary&token <12>",
            r"orkee/canary\u0026token \u003c12\u003e",
            "orkee%2fcanary%26token+%3c12%3e",
            "orkee%2Fcanary%26token%20%3C12%3E",
            "orkee&#x2F;canary&amp;token &lt;12&gt;",
            "orkee&#47;canary&amp;token &lt;12&gt;",
            "6F726B65652F63616E61727926746F6B656E203C31323E",
        ] {
            assert!(redactor.finds_in(format!("<{text}>").as_bytes()), "{text}");
        }
        assert!(!redactor.finds_in(b"orkee-canary-token-12"));
    }

    #[test]
    fn p15a_a_secret_is_found_in_the_name_of_a_header() {
        let redactor = Redactor::new(&Secret::new("Orkee_Canary_Token"));
        assert!(redactor.finds_in_name("x-orkee_canary_token-y"));
        assert!(!redactor.finds_in_name("x-request-id"));
    }

    #[test]
    fn w34_a_secret_is_masked_wherever_it_stands() {
        let redactor = Redactor::new(&Secret::new("orkee_canary"));
        let masked = |text: &str| String::from_utf8(redactor.mask(text.into(), b"***")).unwrap();
        assert_eq!(masked("orkee_canary, orkee_canary!"), "***, ***!");
        assert_eq!(masked("6f726b65655f63616e617279"), "***");
        assert_eq!(masked("orkee_canar"), "orkee_canar");
    }

    #[test]
    fn a_very_short_secret_does_not_withhold_every_reply() {
        assert!(!Redactor::new(&Secret::new("a")).finds_in(b"banana"));
    }
}
