//! One attempt to sign in: its secrets, the URL for the browser, and the judgement of what comes back. No I/O.

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use subtle::ConstantTimeEq;
use url::Url;

use super::discovery::Metadata;
use super::endpoint;
use super::error::{AuthError, plain};
use super::tenant::IdentityProvider;
use crate::net::Secret;

/// What proves, at the end, that the answer belongs to this attempt. New for each attempt.
pub(super) struct Attempt {
    /// Where the browser is sent. Holds no token, and no secret but the state.
    pub(super) url: Url,
    pub(super) redirect: RedirectUrl,
    pub(super) verifier: PkceCodeVerifier,
    /// What the ID token has to repeat, where one is asked for.
    pub(super) nonce: Option<Secret>,
    pub(super) judge: Judge,
}

/// Tells an answer from the noise, and from an attack.
pub(super) struct Judge {
    state: Secret,
    issuer: String,
    host: String,
    names_itself: bool,
}

/// What an answer is.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Not an answer to this attempt; the true one may still come.
    Ignored(&'static str),
    /// The code.
    Code(Secret),
    /// An answer to this attempt that ends it.
    Failed(AuthError),
}

impl Attempt {
    /// `identity_provider` is asked for an ID token.
    pub(super) fn new(
        metadata: &Metadata,
        redirect: RedirectUrl,
        identity_provider: Option<&IdentityProvider>,
    ) -> Self {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new_random_len(32);
        let client = BasicClient::new(ClientId::new(metadata.client.id.clone()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization.clone()))
            .set_redirect_uri(redirect.clone());
        let mut request = client
            .authorize_url(|| state)
            .add_scope(Scope::new(metadata.client.scope()))
            .set_pkce_challenge(challenge);
        let nonce = identity_provider.map(|_| Secret::new(CsrfToken::new_random_len(32).into_secret()));
        if let Some(nonce) = &nonce {
            request = request.add_extra_param("nonce", nonce.expose().to_owned());
        }
        for (name, value) in identity_provider.iter().flat_map(|provider| provider.audience_parameters()) {
            request = request.add_extra_param(name, value);
        }
        let (url, state) = request.url();
        let judge = Judge {
            state: Secret::new(state.into_secret()),
            issuer: metadata.issuer.clone(),
            host: endpoint::host(&metadata.authorization),
            names_itself: metadata.names_itself,
        };
        Self { url, redirect, verifier, nonce, judge }
    }
}

impl Judge {
    /// Judges the query of a callback.
    pub(super) fn judge(&self, query: &str) -> Verdict {
        let fields = match Fields::of(query) {
            Ok(fields) => fields,
            Err(name) => return Verdict::Ignored(name),
        };
        let Some(state) = &fields.state else {
            return Verdict::Ignored("it has no state");
        };
        if !bool::from(state.as_bytes().ct_eq(self.state.expose().as_bytes())) {
            return Verdict::Ignored("its state is not the one of this sign-in");
        }
        match &fields.iss {
            Some(iss) if *iss != self.issuer => {
                return Verdict::Failed(AuthError::WrongIssuer {
                    expected: self.issuer.clone(),
                    got: plain(iss),
                });
            }
            None if self.names_itself => {
                return Verdict::Failed(AuthError::NoIssuer { expected: self.issuer.clone() });
            }
            _ => {}
        }
        if let Some(error) = fields.error {
            let description = plain(&fields.error_description.unwrap_or_default());
            return Verdict::Failed(match error.as_str() {
                "access_denied" => AuthError::Declined { description },
                _ => AuthError::Refused { host: self.host.clone(), error: plain(&error), description },
            });
        }
        match fields.code {
            Some(code) if !code.is_empty() => Verdict::Code(Secret::new(code)),
            _ => Verdict::Ignored("it has neither a code nor an error"),
        }
    }

    /// Judges what a person pasted: the address of the page that the browser ended on, or the code alone.
    pub(super) fn judge_pasted(&self, text: &str) -> Verdict {
        let text = text.trim();
        if let Some((_, query)) = text.split_once('?') {
            return self.judge(query.split('#').next().unwrap_or_default());
        }
        if text.is_empty()
            || text.contains("://")
            || text.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Verdict::Ignored("it is neither the address of the last page nor a code");
        }
        Verdict::Code(Secret::new(text))
    }
}

#[derive(Default)]
struct Fields {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Fields {
    /// Each at most once (RFC 6749 §3.1); the first that comes twice makes the whole query void.
    fn of(query: &str) -> Result<Self, &'static str> {
        let mut fields = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let field = match name.as_ref() {
                "code" => &mut fields.code,
                "state" => &mut fields.state,
                "iss" => &mut fields.iss,
                "error" => &mut fields.error,
                "error_description" => &mut fields.error_description,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return Err("it has a parameter twice");
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::auth::client::Client;

    fn metadata(names_itself: bool) -> Metadata {
        Metadata {
            client: Client::default(),
            issuer: "https://op.example".to_owned(),
            authorization: "https://op.example/auth?x=1".parse().unwrap(),
            token: "https://op.example/token".parse().unwrap(),
            revocation: None,
            device: None,
            jwks: None,
            grants: None,
            names_itself,
            binds: false,
            key: None,
        }
    }

    fn attempt(names_itself: bool) -> Attempt {
        let redirect = RedirectUrl::new("http://127.0.0.1:5000/callback".to_owned()).unwrap();
        Attempt::new(&metadata(names_itself), redirect, None)
    }

    fn params(attempt: &Attempt) -> HashMap<String, String> {
        attempt.url.query_pairs().into_owned().collect()
    }

    #[test]
    fn a02_the_authorize_url_asks_for_a_code_with_s256_and_a_literal_address() {
        let attempt = attempt(true);
        let params = params(&attempt);
        assert_eq!(params["response_type"], "code");
        assert_eq!(params["code_challenge_method"], "S256");
        assert_eq!(params["code_challenge"].len(), 43);
        assert!(params["state"].len() >= 43);
        assert_eq!(params["redirect_uri"], "http://127.0.0.1:5000/callback");
        assert_eq!(params["scope"], "sync");
        assert_eq!(params["client_id"], "orkee-cli");
        assert_eq!(params["x"], "1");
    }

    #[test]
    fn a03_two_attempts_share_nothing() {
        let (one, two) = (attempt(true), attempt(true));
        assert_ne!(one.verifier.secret(), two.verifier.secret());
        for key in ["state", "code_challenge"] {
            assert_ne!(params(&one)[key], params(&two)[key]);
        }
    }

    #[test]
    fn the_code_is_taken_with_the_right_state() {
        let attempt = attempt(true);
        let query = format!("code=abc&state={}&iss=https%3A%2F%2Fop.example", params(&attempt)["state"]);
        assert!(matches!(attempt.judge.judge(&query), Verdict::Code(code) if code.expose() == "abc"));
        let pasted = format!(" http://127.0.0.1:5000/callback?{query}\n");
        assert!(matches!(attempt.judge.judge_pasted(&pasted), Verdict::Code(code) if code.expose() == "abc"));
    }

    #[test]
    fn a04_a06_a_wrong_state_and_a_repeated_parameter_are_ignored() {
        let attempt = attempt(true);
        let state = params(&attempt)["state"].clone();
        for query in [
            "code=abc&iss=https://op.example".to_owned(),
            "code=abc&state=x&iss=https://op.example".to_owned(),
            format!("code=a&code=b&state={state}&iss=https://op.example"),
            format!("code=a&state={state}&state={state}&iss=https://op.example"),
            format!("state={state}&iss=https://op.example"),
            format!("code=&state={state}&iss=https://op.example"),
            String::new(),
        ] {
            assert!(matches!(attempt.judge.judge(&query), Verdict::Ignored(_)), "{query}");
        }
    }

    #[test]
    fn a11_a12_an_answer_of_another_issuer_or_of_none_ends_the_attempt() {
        let attempt = attempt(true);
        let state = params(&attempt)["state"].clone();
        let verdict = attempt.judge.judge(&format!("code=a&state={state}&iss=https://evil.example"));
        let Verdict::Failed(error @ AuthError::WrongIssuer { .. }) = verdict else { panic!("{verdict:?}") };
        assert!(error.to_string().contains("evil.example") && error.to_string().contains("op.example"));
        let verdict = attempt.judge.judge(&format!("code=a&state={state}"));
        assert!(matches!(verdict, Verdict::Failed(AuthError::NoIssuer { .. })));

        let lenient = super::tests::attempt(false);
        let state = params(&lenient)["state"].clone();
        assert!(matches!(lenient.judge.judge(&format!("code=a&state={state}")), Verdict::Code(_)));
    }

    #[test]
    fn a14_a_refusal_is_told_without_control_characters() {
        let attempt = attempt(false);
        let state = params(&attempt)["state"].clone();
        let query = format!("error=access_denied&error_description=no%1b%5b2J%0d+thanks&state={state}");
        let Verdict::Failed(error) = attempt.judge.judge(&query) else { panic!() };
        assert_eq!(error.to_string(), "you declined the sign-in (no[2J thanks)");
        let verdict = attempt.judge.judge(&format!("error=server_error&state={state}"));
        assert!(matches!(verdict, Verdict::Failed(AuthError::Refused { .. })));
    }

    #[test]
    fn a23_a_bare_code_is_taken_and_a_url_with_a_wrong_state_is_not() {
        let attempt = attempt(true);
        assert!(
            matches!(attempt.judge.judge_pasted(" abc-DEF_1\n"), Verdict::Code(code) if code.expose() == "abc-DEF_1")
        );
        for bad in [
            "",
            "two words",
            "http://127.0.0.1:5000/callback",
            "http://127.0.0.1:5000/callback?code=a&state=b",
        ] {
            assert!(matches!(attempt.judge.judge_pasted(bad), Verdict::Ignored(_)), "{bad}");
        }
    }
}
