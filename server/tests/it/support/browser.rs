//! A browser without scripts, and the client that sent somebody to it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::server::PASSWORD;
use super::{Client, Request, Response};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:5555/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Keeps cookies; follows nothing by itself.
pub(crate) struct Browser {
    client: Client,
    pub(crate) cookies: Vec<(String, String)>,
    /// Where a proxy says that it is.
    pub(crate) forwarded: Option<String>,
}

/// The challenge of a verifier.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// The address that a client opens, with some parameters changed; an empty value leaves one out.
pub(crate) fn authorize(changes: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "orkee-cli"),
        ("redirect_uri", REDIRECT),
        ("state", "state-1"),
        ("scope", "sync"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/oauth/authorize?{query}")
}

/// The first form of a page: where it goes, and its hidden fields.
pub(crate) fn form_in(html: &str) -> (String, Vec<(String, String)>) {
    let attribute = |text: &str, name: &str| {
        let rest = text.split_once(&format!("{name}=\""))?.1;
        Some(unescape(rest.split_once('"')?.0))
    };
    let form = html.split_once("<form").expect("a form").1.split_once("</form>").expect("its end").0;
    let action = attribute(form, "action").expect("an action");
    let hidden = form.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\""));
    let fields =
        hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?))).collect();
    (action, fields)
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// The parameters that a redirect brings to the client.
pub(crate) fn parameters(location: &str) -> Vec<(String, String)> {
    let url = Url::parse(location).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// One of them.
pub(crate) fn parameter(location: &str, name: &str) -> Option<String> {
    parameters(location).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

impl Browser {
    pub(crate) fn new(client: &Client) -> Self {
        Self { client: client.clone(), cookies: Vec::new(), forwarded: None }
    }

    #[track_caller]
    fn send(&mut self, request: Request) -> Response {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            if cookies.is_empty() { request } else { request.header("cookie", &cookies.join("; ")) };
        let request = match &self.forwarded {
            Some(ip) => request.header("x-forwarded-for", ip),
            None => request,
        };
        let response = self.client.send(&request);
        if let Some((name, value)) =
            response.header("set-cookie").and_then(|c| c.split(';').next()?.split_once('='))
        {
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        response
    }

    #[track_caller]
    pub(crate) fn open(&mut self, target: &str) -> Response {
        self.send(Request::get(target))
    }

    /// Fills in the first form of a page and sends it.
    #[track_caller]
    pub(crate) fn submit(&mut self, page: &Response, typed: &[(&str, &str)]) -> Response {
        let (action, hidden) = form_in(&page.text());
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<(&str, &str)> = hidden.chain(typed.iter().copied()).collect();
        self.send(Request::form(action, &fields))
    }

    /// Signs in at a sign-in page and opens the page that it leads to.
    #[track_caller]
    pub(crate) fn sign_in(&mut self, page: &Response, email: &str) -> Response {
        let answer = self.submit(page, &[("email", email), ("password", PASSWORD)]);
        assert_eq!(answer.status, 303, "{}", answer.text());
        self.open(answer.header("location").unwrap())
    }

    /// The whole way: sign in, decide; the address that the client is called at.
    #[track_caller]
    pub(crate) fn decide(&mut self, target: &str, decision: &str) -> String {
        let page = self.open(target);
        let consent = self.sign_in(&page, "ann@example.com");
        let answer = self.submit(&consent, &[("decision", decision)]);
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").unwrap().to_owned()
    }
}

/// What a client exchanges a code with, with some fields changed.
pub(crate) fn redeem_fields<'a>(code: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("client_id", "orkee-cli"),
        ("code_verifier", VERIFIER),
    ];
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    fields
}

/// Exchanges a code, with some fields changed.
#[track_caller]
pub(crate) fn redeem(client: &Client, code: &str, changes: &[(&str, &str)]) -> Response {
    client.send(&Request::form("/oauth/token", &redeem_fields(code, changes)))
}

/// Signs a new device in; its token reply.
#[track_caller]
pub(crate) fn tokens(client: &Client) -> Value {
    let location = Browser::new(client).decide(&authorize(&[]), "approve");
    let response = redeem(client, &parameter(&location, "code").unwrap(), &[]);
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

/// Uses a refresh token.
#[track_caller]
pub(crate) fn refresh(client: &Client, token: &str) -> Response {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "orkee-cli")];
    client.send(&Request::form("/oauth/token", &fields))
}
