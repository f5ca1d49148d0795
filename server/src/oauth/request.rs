//! A client's authorization request, judged.
//!
//! Two kinds of wrong: where the client or its redirect address is not known to be good, only the person at the browser is
//! told (RFC 6749, 4.1.2.1); everything else goes back to the client. A parameter that stands twice is wrong.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use url::form_urlencoded;

use super::{CLIENT, SCOPE};
use crate::storage::{Client, DeviceName};

/// A request that may be shown to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthorizationRequest {
    pub(super) client: Client,
    pub(super) redirect: Redirect,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    pub(super) device: DeviceName,
}

/// A redirect address on the loopback interface: `http`, a literal address, any port, `/callback` (RFC 8252, 7.3 and 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Redirect {
    host: &'static str,
    port: u16,
}

/// Why a request goes no further.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The person is told; there is nowhere to send them.
    Page(&'static str),
    /// The client is told.
    Back { redirect: Redirect, state: Option<String>, error: &'static str, description: &'static str },
}

/// Parameters, and which of them stood more than once.
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
    repeated: Vec<String>,
}

const HOSTS: [&str; 2] = ["127.0.0.1", "[::1]"];
/// What a device may call itself.
const MAX_DEVICE_NAME: usize = 100;

impl Parameters {
    /// From a query or a form.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        let mut parsed = Self { values: BTreeMap::new(), repeated: Vec::new() };
        for (name, value) in form_urlencoded::parse(encoded) {
            match parsed.values.entry(name.into_owned()) {
                Entry::Vacant(place) => {
                    place.insert(value.into_owned());
                }
                Entry::Occupied(place) => parsed.repeated.push(place.key().clone()),
            }
        }
        parsed
    }

    /// A parameter that is there and says something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether one of these stood more than once.
    pub(super) fn repeats(&self, names: &[&str]) -> bool {
        self.repeated.iter().any(|name| names.contains(&name.as_str()))
    }

    /// What the device calls itself.
    pub(super) fn device(&self) -> DeviceName {
        let clean = |name| {
            let text: String =
                self.get(name)?.chars().filter(|c| !is_invisible(*c)).take(MAX_DEVICE_NAME).collect();
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        DeviceName { name: clean("device_name"), platform: clean("device_platform") }
    }
}

impl Redirect {
    /// None where it is anything else.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let rest = uri.strip_prefix("http://")?.strip_suffix("/callback")?;
        HOSTS.into_iter().find_map(|host| {
            let port = rest.strip_prefix(host)?.strip_prefix(':')?;
            let plain = !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit());
            Some(Self { host, port: port.parse().ok().filter(|_| plain)? })
        })
    }

    /// The address itself.
    pub(super) fn uri(self) -> String {
        format!("{}/callback", self.origin())
    }

    /// Its scheme, host and port.
    pub(super) fn origin(self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    /// How a content security policy names it. The grammar of CSP has no place for an IPv6 address; there the scheme
    /// alone has to do.
    pub(super) fn csp_source(self) -> String {
        if self.host.starts_with('[') { "http:".to_owned() } else { self.origin() }
    }

    /// The address with these parameters; those without a value are left out.
    pub(super) fn with(self, parameters: &[(&str, Option<&str>)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("{}?{}", self.uri(), query.finish())
    }
}

impl AuthorizationRequest {
    /// Judges the query of a request.
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let parameters = Parameters::parse(query.as_bytes());
        if parameters.repeats(&["client_id", "redirect_uri"]) {
            return Err(Refusal::Page("The request names its client or its address twice."));
        }
        if parameters.get("client_id") != Some(CLIENT) {
            return Err(Refusal::Page("The program that sent you here is not known to this server."));
        }
        let redirect = parameters
            .get("redirect_uri")
            .and_then(Redirect::parse)
            .ok_or(Refusal::Page("The address to return to is not one on this computer."))?;
        let repeated_state = parameters.repeats(&["state"]);
        let state = parameters.get("state").filter(|_| !repeated_state).map(str::to_owned);
        let back = |error, description| Refusal::Back { redirect, state: state.clone(), error, description };
        if repeated_state
            || parameters.repeats(&[
                "response_type",
                "scope",
                "code_challenge",
                "code_challenge_method",
                "response_mode",
            ])
        {
            return Err(back("invalid_request", "a parameter stands more than once"));
        }
        match parameters.get("response_type") {
            Some("code") => {}
            None => return Err(back("invalid_request", "response_type is missing")),
            Some(_) => return Err(back("unsupported_response_type", "response_type is code")),
        }
        if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(back("invalid_request", "response_mode is query"));
        }
        if parameters.get("code_challenge_method") != Some("S256") {
            return Err(back("invalid_request", "PKCE is required, with code_challenge_method=S256"));
        }
        let challenge = parameters.get("code_challenge").filter(|challenge| is_challenge(challenge));
        let challenge = challenge
            .ok_or_else(|| back("invalid_request", "code_challenge is the base64url of a SHA-256"))?;
        if parameters.get("scope").is_some_and(|scope| !is_our_scope(scope)) {
            return Err(back("invalid_scope", "the only scope is sync"));
        }
        Ok(Self {
            client: Client { id: CLIENT.to_owned(), redirect_uri: redirect.uri() },
            redirect,
            challenge: challenge.to_owned(),
            device: parameters.device(),
            state,
        })
    }

    /// The query that [`AuthorizationRequest::parse`] reads.
    pub(super) fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("response_type", "code").append_pair("client_id", &self.client.id);
        query.append_pair("redirect_uri", &self.client.redirect_uri).append_pair("scope", SCOPE);
        query.append_pair("code_challenge", &self.challenge).append_pair("code_challenge_method", "S256");
        let optional = [
            ("state", &self.state),
            ("device_name", &self.device.name),
            ("device_platform", &self.device.platform),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

/// Whether this asks for nothing but what there is.
pub(super) fn is_our_scope(scope: &str) -> bool {
    scope.split(' ').all(|scope| scope == SCOPE)
}

/// What is not seen, or turns the text around it: a name is to be what a person reads.
fn is_invisible(c: char) -> bool {
    let turns =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || turns
}

fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn query(changes: &[(&str, &str)]) -> String {
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", "http://127.0.0.1:5000/callback"),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    #[test]
    fn only_literal_loopback_addresses_are_redirected_to() {
        for good in ["http://127.0.0.1:1/callback", "http://[::1]:65535/callback"] {
            assert_eq!(Redirect::parse(good).unwrap().uri(), good);
        }
        for bad in [
            "http://localhost:5000/callback",
            "https://127.0.0.1:5000/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:05000/callback",
            "http://127.0.0.1:+5000/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:5000/callback/",
            "http://127.0.0.1:5000/callback?x=1",
            "http://127.0.0.1:5000/other",
            "http://127.0.0.1:5000@evil.test/callback",
            "http://user@127.0.0.1:5000/callback",
            "http://127.0.0.1.evil.test:5000/callback",
            "http://127.1:5000/callback",
            "http://[::ffff:127.0.0.1]:5000/callback",
            "HTTP://127.0.0.1:5000/callback",
            "javascript:alert(1)/callback",
        ] {
            assert_eq!(Redirect::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_request_survives_the_way_through_the_pages() {
        let request =
            AuthorizationRequest::parse(&query(&[("device_name", "Ann's laptop"), ("scope", "sync")]))
                .unwrap();
        assert_eq!(request.device.name.as_deref(), Some("Ann's laptop"));
        assert_eq!(AuthorizationRequest::parse(&request.to_query()), Ok(request));
    }

    #[test]
    fn an_unknown_client_or_address_is_told_to_nobody_but_the_person() {
        for changes in [
            [("client_id", "other")],
            [("client_id", "")],
            [("redirect_uri", "https://evil.test/callback")],
            [("redirect_uri", "")],
        ] {
            assert!(
                matches!(AuthorizationRequest::parse(&query(&changes)), Err(Refusal::Page(_))),
                "{changes:?}"
            );
        }
        let twice = format!("{}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback", query(&[]));
        assert!(matches!(AuthorizationRequest::parse(&twice), Err(Refusal::Page(_))));
    }

    #[test]
    fn what_else_is_wrong_goes_back_to_the_client_with_its_state() {
        for (change, expected) in [
            (("response_type", "token"), "unsupported_response_type"),
            (("response_type", ""), "invalid_request"),
            (("code_challenge", ""), "invalid_request"),
            (("code_challenge", "short"), "invalid_request"),
            (("code_challenge_method", "plain"), "invalid_request"),
            (("code_challenge_method", ""), "invalid_request"),
            (("scope", "sync admin"), "invalid_scope"),
        ] {
            match AuthorizationRequest::parse(&query(&[change])) {
                Err(Refusal::Back { error, state, .. }) => {
                    assert_eq!((error, state.as_deref()), (expected, Some("s")), "{change:?}");
                }
                other => panic!("{change:?}: {other:?}"),
            }
        }
        let twice = format!("{}&code_challenge={CHALLENGE}", query(&[]));
        assert!(matches!(
            AuthorizationRequest::parse(&twice),
            Err(Refusal::Back { error: "invalid_request", .. })
        ));
    }
}
