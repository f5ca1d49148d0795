//! A company with a tenant at an API: the API scripted, and a device that is set up for it as the published page says.

use std::process::Command;

use serde_json::{Value, json};

use crate::browser::{Browser, Person};
use crate::device::{Device, Login};
use crate::home::{Ran, finish};
use crate::issuer::{CLIENT, Issuer};
use crate::mock::{self, Answer, Mock, Request};

/// Where the API describes the tenant.
pub const DESCRIPTION: &str = "/.well-known/orkee-tenant/acme";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What an API at `url` says of the tenant `acme`, whose people sign in at these issuers: `(id, issuer)`.
pub fn description(url: &str, issuers: &[(&str, &str)]) -> Value {
    let provider = |(id, issuer): &(&str, &str)| json!({"id": id, "name": id.to_uppercase(), "issuer": issuer, "client_id": CLIENT, "scopes": ["openid", "email", "groups"]});
    json!({
        "version": 1, "tenant": "acme", "name": "Acme Inc.", "api_url": url, "issuer": url,
        "identity_providers": issuers.iter().map(provider).collect::<Vec<_>>(),
    })
}

/// An API that knows the tenant and exchanges whatever ID token it is given.
pub struct Api {
    /// It at work.
    pub mock: Mock,
}

impl Api {
    /// Starts one that says of its tenant what `describe` makes of the good description.
    pub fn start(issuers: &[(&str, &str)], describe: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::scripted(issuers, describe, |_, _| None)
    }

    /// The same, where `answer`, which is told the API's URL, decides some answers by itself.
    pub fn scripted(
        issuers: &[(&str, &str)],
        describe: impl Fn(&mut Value) + Send + Sync + 'static,
        answer: impl Fn(&str, &Request) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let issuers: Vec<(String, String)> =
            issuers.iter().map(|(id, issuer)| ((*id).to_owned(), (*issuer).to_owned())).collect();
        let mock = Mock::start_with(|url| {
            let url = url.to_owned();
            move |request: &Request| {
                let issuers: Vec<(&str, &str)> =
                    issuers.iter().map(|(id, issuer)| (id.as_str(), issuer.as_str())).collect();
                answer(&url, request).unwrap_or_else(|| respond(&url, &issuers, &describe, request))
            }
        });
        Self { mock }
    }

    /// The exchanges that it was asked for.
    pub fn exchanges(&self) -> Vec<Request> {
        let mut asked = self.mock.requests_for("/oauth/token");
        asked.retain(|request| request.field("grant_type").as_deref() == Some(EXCHANGE));
        asked
    }

    /// How often it was asked for the tenant.
    pub fn asked_for_the_tenant(&self) -> usize {
        self.mock.requests_for(DESCRIPTION).len()
    }
}

fn respond(url: &str, issuers: &[(&str, &str)], describe: &dyn Fn(&mut Value), request: &Request) -> Answer {
    match request.target.split('?').next().unwrap_or_default() {
        DESCRIPTION => {
            let mut described = description(url, issuers);
            describe(&mut described);
            Answer::json(200, &described)
        }
        "/.well-known/oauth-authorization-server" => {
            let mut metadata = mock::metadata(url);
            metadata["grant_types_supported"] = json!(["authorization_code", "refresh_token", EXCHANGE]);
            Answer::json(200, &metadata)
        }
        "/oauth/token" => Answer::json(200, &mock::tokens(1)),
        "/oauth/revoke" => Answer::empty(200),
        "/v1/account" => Answer::json(200, &json!({"id": "1", "email": "john@acme.example", "plan": null})),
        _ => Answer::empty(404),
    }
}

/// A device of one of the company's people.
pub struct Member {
    /// The device.
    pub device: Device,
}

impl Member {
    /// A fresh one, for the tenant at this API.
    pub fn new(api: &str) -> Self {
        Self { device: Device::new(api) }
    }

    /// `orkee ARGS` for the tenant.
    pub fn orkee(&self, args: &[&str]) -> Command {
        let mut command = self.device.orkee(args);
        command.env("ORKEE_CLOUD_TENANT", "acme");
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.orkee(args), &[])
    }

    /// Runs `orkee ARGS --json`, which has to succeed, and hands back the object that it printed.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).success().json()
    }

    /// Runs `orkee cloud login --sso`, with the test as the browser at a scripted issuer, to its end.
    pub fn login(&self) -> Ran {
        let login = self.device.begin(self.orkee(&["cloud", "login", "--sso"]));
        if login.opened_a_browser() {
            come_back(&login);
        }
        login.finish()
    }

    /// What `auth.toml` holds; empty where there is no such file.
    pub fn auth_toml(&self) -> String {
        self.device.auth_toml().unwrap_or_default()
    }
}

/// Comes back from a scripted issuer, which takes the nonce for a code.
pub fn come_back(login: &Login) {
    let (state, nonce) = (login.parameter("state"), login.parameter("nonce"));
    let callback = login.callback(&[("state", &state), ("code", &nonce)]);
    // To the last page, which the program waits for to be shown.
    Browser::default().sign_in(&callback, &Person::new("", "")).unwrap();
}

/// A company whose people sign in at one scripted issuer.
pub fn with_issuer(issuer: &Issuer) -> (Api, Member) {
    let api = Api::start(&[("okta", &issuer.url)], |_| ());
    let member = Member::new(&api.mock.url);
    (api, member)
}
