//! What a server asks for that no fresh token brings: a wider scope, or a sign-in through the person's company.
//!
//! It says so in `WWW-Authenticate` (RFC 9110, 6750, 9470). Nothing there is trusted further than to be shown, cleaned, in a hint.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use url::Url;

use crate::net::{Origin, Scheme};
use crate::plugin::text::clean;

/// Of what a server wants, the part that is shown.
const MAX_SCOPE: usize = 200;
const MAX_URL: usize = 1000;

/// What to do where no company is named yet.
const NAME_IT: &str = "set ORKEE_CLOUD_TENANT=NAME, then `orkee cloud login --sso`";

/// A refusal that a refresh does not help against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// The token is good, but not for this; for what it would have to be, where that was said.
    Scope(Option<String>),
    /// The person has to sign in through the company's identity provider; where, if that was said.
    SingleSignOn(Option<String>),
}

impl Challenge {
    /// Reads it from a reply.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return None;
        }
        let values = headers.get_all(WWW_AUTHENTICATE).iter();
        values.flat_map(|value| challenges(&String::from_utf8_lossy(value.as_bytes()))).find_map(|asked| {
            let of = |name: &str| asked.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
            match of("error")? {
                "insufficient_scope" => {
                    let scope = of("scope").map(|scope| clean(scope, MAX_SCOPE));
                    Some(Self::Scope(scope.filter(|scope| !scope.is_empty())))
                }
                "insufficient_user_authentication" | "sso_required" => {
                    let urls = ["authorization_uri", "sso_url"].into_iter().find_map(of);
                    Some(Self::SingleSignOn(urls.and_then(address)))
                }
                _ => None,
            }
        })
    }

    /// What to do about it. `command` signs in anew; none where the secret is not the person's to renew here. `sso`: it does so
    /// through the company's identity provider if it is told to; without, the company has to be named first.
    pub(super) fn hint(&self, command: Option<&str>, sso: bool) -> String {
        match (self, command) {
            (Self::Scope(None), Some(command)) => format!("sign in again: `{command}`"),
            (Self::Scope(Some(scope)), Some(command)) => {
                format!("the server wants the scope `{scope}`; sign in again: `{command}`")
            }
            (Self::Scope(None), None) => "use a token with a wider scope".to_owned(),
            (Self::Scope(Some(scope)), None) => format!("use a token with the scope `{scope}`"),
            (Self::SingleSignOn(Some(url)), Some(command)) if sso => {
                format!("sign in through your company at {url}, or run `{command} --sso`")
            }
            (Self::SingleSignOn(None), Some(command)) if sso => {
                format!("sign in through your company: `{command} --sso`")
            }
            (Self::SingleSignOn(Some(url)), Some(_)) => {
                format!("sign in through your company at {url}, or {NAME_IT}")
            }
            (Self::SingleSignOn(None), Some(_)) => format!("sign in through your company: {NAME_IT}"),
            (Self::SingleSignOn(Some(url)), None) => {
                format!("sign in through your company at {url}, and use a token that was made there")
            }
            (Self::SingleSignOn(None), None) => {
                "use a token that was made after a sign-in through your company".to_owned()
            }
        }
    }
}

/// An address that a person may be sent to: https or this machine, in ASCII alone, without a password in it.
fn address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let origin = Origin::of(&url).ok()?;
    let safe = origin.scheme() == Scheme::Https || origin.is_loopback();
    let text = url.to_string();
    (safe && text.len() <= MAX_URL && text.bytes().all(|b| b.is_ascii_graphic())).then_some(text)
}

type Parameters = Vec<(String, String)>;

/// The parameters of each challenge in a header, whatever its scheme. What is not of the form is passed over.
fn challenges(header: &str) -> Vec<Parameters> {
    let mut found: Vec<Parameters> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', '=']);
        if rest.is_empty() {
            return found;
        }
        let (word, after) = split_where(rest, |c| matches!(c, ' ' | '\t' | ',' | '='));
        rest = after.trim_start_matches([' ', '\t']);
        match (rest.strip_prefix('='), found.last_mut()) {
            (Some(value), Some(parameters)) => {
                let (value, after) = self::value(value.trim_start_matches([' ', '\t']));
                parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            // A parameter before any scheme.
            (Some(value), None) => rest = self::value(value.trim_start_matches([' ', '\t'])).1,
            (None, _) => found.push(Vec::new()),
        }
    }
}

/// A word, or a text in quotation marks, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = split_where(text, |c| matches!(c, ' ' | '\t' | ','));
        return (word.to_owned(), rest);
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, quoted.get(at + 1..).unwrap_or_default()),
            c => {
                value.push(c);
                escaped = false;
            }
        }
    }
    (value, "")
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(status: u16, headers: &[&str]) -> Option<Challenge> {
        let headers = headers
            .iter()
            .map(|value| (WWW_AUTHENTICATE, HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        Challenge::of(StatusCode::from_u16(status).unwrap(), &headers.collect())
    }

    #[test]
    fn a43_a_wider_scope_is_found_among_other_challenges() {
        let scope = |text: &str| Some(Challenge::Scope(Some(text.to_owned())));
        let plain = r#"Bearer realm="a, b", error="insufficient_scope", scope="sync admin""#;
        assert_eq!(asked(403, &[plain]), scope("sync admin"));
        assert_eq!(asked(403, &["Basic realm=x", plain]), scope("sync admin"));
        assert_eq!(asked(403, &[&format!("Negotiate abc==, {plain}")]), scope("sync admin"));
        assert_eq!(asked(403, &[r#"bearer ERROR = insufficient_scope , scope=admin"#]), scope("admin"));
        assert_eq!(asked(403, &["Bearer error=insufficient_scope"]), Some(Challenge::Scope(None)));
        assert_eq!(asked(200, &[plain]), None);
        for other in ["Bearer", "Bearer error=\"invalid_token\"", "", "\"", "=,=", "error=insufficient_scope"]
        {
            assert_eq!(asked(403, &[other]), None, "{other}");
        }
    }

    #[test]
    fn a43_what_is_shown_of_a_challenge_is_harmless() {
        let odd = "Bearer error=\"insufficient_scope\", scope=\"\u{9b}31ma\u{202e}dmin\\\"x\"";
        let Some(Challenge::Scope(Some(scope))) = asked(403, &[odd]) else { panic!() };
        assert_eq!(scope, "admin\"x");
        let url = |text: &str| {
            let value =
                format!("Bearer error=\"insufficient_user_authentication\", authorization_uri=\"{text}\"");
            asked(401, &[&value])
        };
        let good = "https://sso.example/acme?a=1";
        assert_eq!(url(good), Some(Challenge::SingleSignOn(Some(good.to_owned()))));
        for bad in ["http://sso.example/", "javascript:alert(1)", "https://u:p@sso.example/", "nonsense", ""]
        {
            assert_eq!(url(bad), Some(Challenge::SingleSignOn(None)), "{bad}");
        }
        assert_eq!(
            url("https://sso.example/\u{202e}x"),
            Some(Challenge::SingleSignOn(Some("https://sso.example/%E2%80%AEx".to_owned())))
        );
    }

    #[test]
    fn a43_the_hint_names_the_command_or_the_address() {
        let login = Some("orkee cloud login --env dev");
        assert_eq!(
            Challenge::Scope(Some("admin".to_owned())).hint(login, false),
            "the server wants the scope `admin`; sign in again: `orkee cloud login --env dev`"
        );
        assert!(Challenge::Scope(None).hint(None, false).contains("token"));
    }

    #[test]
    fn a43_the_hint_has_the_flag_for_a_company_only_where_the_command_takes_it() {
        let at = || Some("https://sso.example/acme".to_owned());
        for challenge in [Challenge::SingleSignOn(None), Challenge::SingleSignOn(at())] {
            let hint = challenge.hint(Some("orkee cloud login"), true);
            assert!(hint.ends_with("`orkee cloud login --sso`") && !hint.contains("TENANT"), "{hint}");
            // A login of an environment, or of nobody's company, takes no such flag.
            let hint = challenge.hint(Some("orkee cloud login --env dev"), false);
            assert!(hint.ends_with("set ORKEE_CLOUD_TENANT=NAME, then `orkee cloud login --sso`"), "{hint}");
            assert!(!hint.contains("--env"), "{hint}");
        }
    }
}
