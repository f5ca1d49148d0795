//! A server that sends the events of its accounts, what its database says of that, and accounts that ask it. Its clock is moved on
//! by setting back what the database says.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use url::Url;

use crate::device::Device;
use crate::http::{self, Reply};
use crate::sender;
use crate::server::Server;

/// What every endpoint of these tests is given.
pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// Receivers are at this machine.
pub const LOOPBACK: &[&str] = &["--webhook-allow-loopback"];

/// The server, with an account for Ann.
pub struct AccountSender {
    /// The server.
    pub server: Server,
    /// The account.
    pub ann: Account,
}

/// An account, as a script that has a token.
pub struct Account {
    /// Its address.
    pub email: String,
    token: String,
    api: String,
    space: &'static str,
}

impl Default for AccountSender {
    fn default() -> Self {
        Self::start()
    }
}

impl AccountSender {
    /// One that may send to this machine.
    pub fn start() -> Self {
        Self::with_args(LOOPBACK)
    }

    /// One with these arguments of `serve`.
    pub fn with_args(args: &[&str]) -> Self {
        let server = Server::with_args(&[args, &["--rate-limit", "1000000"]].concat());
        let ann = Account::of(&server, "ann@example.com");
        Self { server, ann }
    }

    /// Another account.
    pub fn account(&self, name: &str) -> Account {
        Account::of(&self.server, &format!("{name}@example.com"))
    }

    /// Ends the server at once, as a loss of power does.
    pub fn kill(&mut self) {
        self.server.stop();
    }

    /// After that: starts it again at the same address.
    pub fn resume(&mut self, args: &[&str]) {
        self.server.resume_with(args);
    }

    /// Its database, as SQLite has it.
    pub fn database(&self) -> Connection {
        let database = Connection::open(self.server.data().join("orkee-server.db")).unwrap();
        database.busy_timeout(Duration::from_secs(20)).unwrap();
        database
    }

    /// So much time passes: everything that the database knows of events was that much longer ago.
    pub fn pass(&self, time: Duration) {
        sender::set_back(&self.database(), time);
    }

    /// What waits is due now.
    pub fn hurry(&self) {
        let sql = "UPDATE deliveries SET due = 0 WHERE state = 'pending' AND lease IS NULL";
        self.database().execute(sql, []).unwrap();
    }

    /// Rows of the audit trail about webhooks: who, what, to which, and what came of it.
    pub fn audit(&self) -> Vec<String> {
        let ran = self.server.command(&["audit", "--json"]).success();
        let rows = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let rows = rows.filter(|row| row["action"].as_str().is_some_and(|action| action.contains("webhook")));
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        rows.map(|row| {
            [&row["account"], &row["action"], &row["subject"], &row["outcome"]].map(text).join(" ")
        })
        .collect()
    }

    /// All that the server said in its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.server.data().join("log")).unwrap()
    }
}

impl Account {
    fn of(server: &Server, email: &str) -> Self {
        let token = server.account(email);
        Self { email: email.to_owned(), token, api: server.url.clone(), space: "personal" }
    }

    /// The same person, asking for the team's webhooks.
    pub fn in_team(&self) -> Self {
        let (email, token, api) = (self.email.clone(), self.token.clone(), self.api.clone());
        Self { email, token, api, space: "team" }
    }

    /// A device of the account's.
    pub fn device(&self) -> Device {
        Device::with_token(&self.api, &self.token)
    }

    /// A request to the API.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        let url = Url::parse(&format!("{}{path}", self.api)).unwrap();
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", bearer.as_str()),
            ("orkee-space", self.space),
            ("Content-Type", "application/json"),
        ];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::send(method, &url, &headers, body.as_bytes()).unwrap()
    }

    /// One that succeeds, with what it answers.
    #[track_caller]
    pub fn tell(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.ask(method, path, body);
        assert!(matches!(reply.status, 200 | 204), "{method} {path}: {} {}", reply.status, reply.text());
        if reply.status == 204 { Value::Null } else { reply.json() }
    }

    /// One that is refused, with the status and the code.
    #[track_caller]
    pub fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let reply = self.ask(method, path, body);
        assert!(reply.status >= 400, "{method} {path}: {} {}", reply.status, reply.text());
        (reply.status, reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    /// An endpoint that is told of projects. Its id.
    #[track_caller]
    pub fn listen(&self, url: &str) -> String {
        self.listen_with(json!({ "url": url, "events": ["project.*"] }))
    }

    /// One with more about it.
    #[track_caller]
    pub fn listen_with(&self, mut about: Value) -> String {
        about["secret"] = SECRET.into();
        self.tell("POST", "/v1/webhooks", &about)["id"].as_str().unwrap().to_owned()
    }

    /// Does this to an endpoint.
    #[track_caller]
    pub fn act(&self, id: &str, what: &str, body: Value) -> Value {
        self.tell("POST", &format!("/v1/webhooks/{id}/{what}"), &body)
    }

    /// The endpoints.
    #[track_caller]
    pub fn webhooks(&self) -> Vec<Value> {
        self.tell("GET", "/v1/webhooks", &Value::Null)["webhooks"].as_array().unwrap().clone()
    }

    /// How an endpoint stands.
    #[track_caller]
    pub fn webhook(&self, id: &str) -> Value {
        self.webhooks().into_iter().find(|webhook| webhook["id"] == id).unwrap()
    }

    /// The deliveries that a query names, newest first.
    #[track_caller]
    pub fn deliveries(&self, query: &str) -> Vec<Value> {
        let page = self.tell("GET", &format!("/v1/webhooks/deliveries?{query}"), &Value::Null);
        page["deliveries"].as_array().unwrap().clone()
    }

    /// Writes a project with this id, which makes one event of a project; where it has another name already, a conflict as well.
    #[track_caller]
    pub fn write(&self, id: &str, name: &str) {
        let projects = json!({ "projects": [{ "id": id, "name": name }] });
        let published = self.tell("POST", "/v1/sync", &projects);
        assert_eq!(published["rejected"], json!([]), "{published}");
    }
}
