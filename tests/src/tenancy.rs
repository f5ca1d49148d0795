//! A real server that hosts a tenant, and requests of the tenant's people to it.

use std::process::Command;

use orkee_wire::{Cursor, Mutation, Outcome, SYNC_MEDIA_TYPE, SyncReply, SyncRequest};
use serde_json::Value;
use url::Url;

use crate::http::{self, Reply};
use crate::idp::{AUDIENCE, CLIENT, Idp};
use crate::server::Server;
use crate::{binaries, home};

/// The grant type of an exchange.
pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// Settings for a tenant whose people are told apart by groups.
pub const GROUPS: &str =
    "[groups]\n\"admins\" = \"owner\"\n\"engineering\" = \"member\"\n\"visitors\" = \"read-only\"\n";

/// The server, whose tenant is `acme`.
pub struct Tenancy {
    /// It at work.
    pub server: Server,
}

impl Tenancy {
    /// A server with a tenant whose ID tokens of `idp` are exchanged, with the rest of `tenant.toml` as given.
    pub fn exchanging(idp: &Idp, rest: &str) -> Self {
        Self::with_settings(&settings(idp.url(), CLIENT, rest))
    }

    /// A server with a tenant that uses access tokens of `idp` directly.
    pub fn direct(idp: &Idp, rest: &str) -> Self {
        let usage = format!("token = \"direct\"\naudience = \"{AUDIENCE}\"\n{rest}");
        Self::with_settings(&settings(idp.url(), CLIENT, &usage))
    }

    /// A server with a tenant of these settings.
    pub fn with_settings(toml: &str) -> Self {
        let tenancy = Self { server: Server::tireless() };
        tenancy.set(toml).success();
        tenancy
    }

    /// Gives the tenant these settings, beside the running server.
    pub fn set(&self, toml: &str) -> home::Ran {
        let file = self.server.data().join("tenant.toml");
        std::fs::write(&file, toml).unwrap();
        self.admin(&["tenant", "set", "acme", "--file", file.to_str().unwrap()])
    }

    /// Runs `orkee-server ARGS` beside the running server.
    pub fn admin(&self, args: &[&str]) -> home::Ran {
        let mut command = Command::new(binaries::path("orkee-server"));
        command.args(args).arg("--data").arg(self.server.data());
        home::finish(command, &[])
    }

    /// Exchanges an ID token, as the client does.
    pub fn exchange(&self, token: &str) -> Reply {
        self.exchange_with(token, &[])
    }

    /// The same, with some parameters changed; empty: left out.
    pub fn exchange_with(&self, token: &str, changes: &[(&str, &str)]) -> Reply {
        let mut fields = vec![
            ("grant_type", EXCHANGE),
            ("client_id", "orkee-cli"),
            ("subject_token", token),
            ("subject_token_type", ID_TOKEN),
            ("audience", "acme"),
            ("scope", "sync"),
            ("device_name", "laptop"),
        ];
        fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        self.token_request(&fields)
    }

    /// Signs somebody in; the token reply.
    #[track_caller]
    pub fn sign_in(&self, idp: &Idp, email: &str, groups: &[&str]) -> Value {
        let reply = self.exchange(&idp.id_token(email, groups));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Refreshes with a token reply's refresh token.
    pub fn refresh(&self, tokens: &Value) -> Reply {
        let token = tokens["refresh_token"].as_str().unwrap();
        self.token_request(&[
            ("grant_type", "refresh_token"),
            ("client_id", "orkee-cli"),
            ("refresh_token", token),
        ])
    }

    fn token_request(&self, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        http::send("POST", &self.url("/oauth/token"), &headers, body.as_bytes()).unwrap()
    }

    /// `GET` with a bearer token and further headers.
    pub fn get(&self, path: &str, token: &str, headers: &[(&str, &str)]) -> Reply {
        let bearer = format!("Bearer {token}");
        http::get(&self.url(path), &[&[("Authorization", bearer.as_str())], headers].concat()).unwrap()
    }

    /// The status of `/v1/account` with a token of this server.
    pub fn account_status(&self, tokens: &Value) -> u16 {
        self.get("/v1/account", access(tokens), &[]).status
    }

    /// `/v1/account` with an access token of the identity provider.
    pub fn account_direct(&self, token: &str) -> Reply {
        self.get("/v1/account", token, &[("orkee-tenant", "acme")])
    }

    /// Pushes new records, each with this payload, into a space; what became of them.
    #[track_caller]
    pub fn push(&self, token: &str, space: &str, records: &[(&str, &[u8])]) -> Vec<Outcome> {
        let account = self.get("/v1/account", token, &[("orkee-tenant", "acme")]).json();
        // A team's records say whose they are.
        let author = account["email"].as_str().filter(|_| space == "team");
        let envelopes: Vec<Vec<u8>> = records.iter().map(|(_, payload)| envelope(payload, author)).collect();
        let mutations = records.iter().zip(&envelopes).map(|((id, _), envelope)| Mutation {
            id: (*id).to_owned(),
            guard: None,
            len: envelope.len() as u64,
        });
        let request = SyncRequest { cursor: Cursor::default(), limit: 0, mutations: mutations.collect() };
        let body = orkee_wire::join(&request, envelopes.iter().map(Vec::as_slice)).unwrap();
        let bearer = format!("Bearer {token}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", SYNC_MEDIA_TYPE),
            ("orkee-space", space),
            ("orkee-tenant", "acme"),
        ];
        let reply = http::send("POST", &self.url("/v1/sync"), &headers, &body).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        orkee_wire::split::<SyncReply>(&reply.body, SyncReply::blob_lengths).unwrap().0.outcomes
    }

    /// The rows of the audit trail: account, action, subject, outcome.
    pub fn audit(&self) -> Vec<[String; 4]> {
        let database = rusqlite::Connection::open(self.server.data().join("orkee-server.db")).unwrap();
        let sql =
            "SELECT ifnull(account, '-'), action, ifnull(subject, '-'), outcome FROM audit ORDER BY rowid";
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]));
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// An address of the server.
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.server.url)).unwrap()
    }
}

/// The access token of a token reply.
pub fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

/// What a token endpoint says instead of tokens.
#[track_caller]
pub fn oauth_error(reply: &Reply) -> (u16, String) {
    let error = reply.json()["error"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned();
    (reply.status, error)
}

/// A `tenant.toml` with one identity provider, `okta`.
pub fn settings(issuer: &str, client: &str, rest: &str) -> String {
    format!(
        "name = \"Acme Inc.\"\n\n[[identity_provider]]\nid = \"okta\"\nname = \"Okta\"\nissuer = \"{issuer}\"\n\
         client_id = \"{client}\"\n{rest}"
    )
}

/// The first version of a record.
fn envelope(payload: &[u8], author: Option<&str>) -> Vec<u8> {
    let head = orkee_wire::EnvelopeHead {
        v: orkee_wire::EnvelopeHead::FORMAT,
        ancestry: [("laptop".to_owned(), 1)].into_iter().collect(),
        device: "laptop".to_owned(),
        at: "2026-01-01T00:00:00Z".to_owned(),
        deleted: false,
        author: author.map(str::to_owned),
        seal: None,
    };
    orkee_wire::Envelope { head, payload: Some(payload) }.to_bytes()
}
