//! What the API says to a sign-in in the middle of the work: no longer good, not enough, revoked.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::device::{Device, many};
use orkee_tests::home::finish;
use orkee_tests::http;
use orkee_tests::mock::{Answer, Mock, metadata};
use orkee_tests::op::Op;
use orkee_tests::relay::{Relay, Seen, Way, reply};
use orkee_tests::server::Server;
use serde_json::{Value, json};
use url::Url;

/// More than three of the batches that the server takes.
const PROJECTS: usize = 1700;

/// The value of a key in the token file.
fn value(auth: &str, key: &str) -> String {
    let line = auth.lines().find_map(|line| line.strip_prefix(&format!("{key} = \""))).unwrap();
    line.trim_end_matches('"').to_owned()
}

/// The real server behind a relay that is both its API and its issuer.
struct Place {
    server: Server,
    relay: Relay,
}

impl Place {
    fn new() -> Self {
        let server = Server::tireless();
        let relay = Relay::to(&server.url);
        let place = Self { server, relay };
        place.decide(|_| Way::Through);
        place
    }

    /// What becomes of requests; the relay speaks for itself as the issuer.
    fn decide(&self, rule: impl Fn(&Seen) -> Way + Send + Sync + 'static) {
        let own = reply(200, &[], metadata(&self.relay.url).to_string().as_bytes());
        self.relay.decide(move |seen| match seen.path.as_str() {
            "/.well-known/oauth-authorization-server" => Way::Answered(own.clone()),
            _ => rule(seen),
        });
    }

    /// A device that signed in at the server, and speaks to it through the relay.
    fn device(&self) -> Device {
        let at_server = Device::new(&self.server.url);
        at_server.login(&self.server.person());
        let auth = at_server.auth_toml().unwrap().replace(&self.server.url, &self.relay.url);
        let device = Device::new(&self.relay.url).warmed_by(&at_server);
        device.write_auth(&auth);
        device
    }

    fn refreshes(&self) -> usize {
        self.relay.count("/oauth/token")
    }
}

fn refused() -> Way {
    let body = json!({"error": {"code": "unauthorized", "message": "No good.", "request_id": "r"}});
    let headers =
        [("Content-Type", "application/json"), ("WWW-Authenticate", "Bearer error=\"invalid_token\"")];
    Way::Answered(reply(401, &headers, body.to_string().as_bytes()))
}

/// Sync requests from number `from` on, so many of them, are refused.
fn refusing(from: usize, count: usize) -> impl Fn(&Seen) -> Way + Send + Sync + 'static {
    move |seen| match seen.path == "/v1/sync" && (from..from + count).contains(&seen.earlier) {
        true => refused(),
        false => Way::Through,
    }
}

#[test]
fn a42_a_refusal_in_the_middle_of_a_sync_costs_one_refresh_and_everything_arrives_once() {
    let place = Place::new();
    let (device, other) = (place.device(), place.device());
    // The first sync of all looks before it sends anything; from then on the first request brings a batch.
    device.sync();
    device.import(&many(PROJECTS));
    place.decide(refusing(2, 1));
    let sent = device.sync();
    assert_eq!((&sent["pushed"], &sent["conflicts"]), (&PROJECTS.into(), &0.into()), "{sent}");
    assert_eq!(place.refreshes(), 1);

    place.decide(refusing(1, 1));
    let fetched = other.sync();
    assert_eq!((&fetched["pulled"], &fetched["conflicts"]), (&PROJECTS.into(), &0.into()), "{fetched}");
    assert_eq!(place.refreshes(), 1);
    assert_eq!(device.export(), other.export());
    place.decide(|_| Way::Through);
    for device in [&device, &other] {
        let again = device.sync();
        assert_eq!((&again["pushed"], &again["pulled"]), (&0.into(), &0.into()), "{again}");
    }
}

#[test]
fn a42_a_second_refusal_ends_the_sync_and_keeps_what_was_done() {
    let place = Place::new();
    let (device, other) = (place.device(), place.device());
    // The first sync of all looks before it sends anything; from then on the first request brings a batch.
    device.sync();
    device.import(&many(PROJECTS));
    place.decide(refusing(2, usize::MAX - 2));
    device.run(&["cloud", "sync", "-q"]).fails(4, "E-AUTH-001").says("orkee cloud login");
    assert_eq!(place.refreshes(), 1);
    assert!(device.auth_toml().unwrap().contains("refresh_token"), "the server has not ended the login");

    place.decide(|_| Way::Through);
    let rest = device.sync();
    let pushed = rest["pushed"].as_u64().unwrap() as usize;
    assert!(0 < pushed && pushed < PROJECTS, "what was sent before is not sent again: {rest}");
    assert_eq!((&rest["conflicts"], place.refreshes()), (&0.into(), 0), "{rest}");
    assert_eq!(other.sync()["pulled"], PROJECTS);
    assert_eq!(device.export(), other.export());
}

/// A server whose API refuses so.
fn refuses(status: u16, challenge: &str) -> Mock {
    let challenge = challenge.to_owned();
    Mock::authorization_server(move |request| {
        let message = "Not\u{1b}[31m enough\r\nforged: line\u{202e}.";
        let body = json!({"error": {"code": "not-enough", "message": message, "request_id": "r"}});
        let mut answer = Answer::json(status, &body);
        answer.headers.push(("WWW-Authenticate", challenge.clone()));
        request.target.starts_with("/v1/").then_some(answer)
    })
}

const MORE_SCOPE: &str =
    "Bearer realm=\"x\", error=\"insufficient_scope\", scope=\"sync \u{9b}2Jad\u{202e}min\"";

#[test]
fn a43_a_token_without_the_scope_is_not_refreshed_and_the_hint_is_the_command() {
    let server = refuses(403, MORE_SCOPE);
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_token", 3600, Some("orkee_refresh_0")));
    let hint = "the server wants the scope `sync admin`; sign in again: `orkee cloud login`";
    for command in [&["cloud", "list"][..], &["cloud", "sync"], &["cloud", "list", "--show-devices"]] {
        let ran = device.run(command).fails(4, "E-AUTH-002").says(&format!("hint: {hint}\n"));
        assert!(!ran.stderr.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r']), "{ran}");
        assert!(!ran.stderr.contains("\nforged"), "{ran}");
    }
    let json = device.run(&["cloud", "list", "--json"]).exits(4).json();
    assert_eq!(json["error"]["hint"], hint);
    let status = device.run(&["cloud", "status"]).exits(4).says(hint);
    assert!(status.stdout.contains("Not authenticated") || status.stdout.contains("refused"), "{status}");

    let section = device.section("orkee_token", 3600, Some("orkee_refresh_0"));
    device.write_auth(&section.replace("[orkee_cloud]", "[environments.staging]"));
    device.run(&["cloud", "list"]).fails(4, "E-AUTH-002").says("`orkee cloud login --env staging`");
    let mut command = device.orkee(&["cloud", "list"]);
    command.env("ORKEE_CLOUD_TOKEN", "orkee_env");
    finish(command, &[]).fails(4, "E-AUTH-002").says("hint: use a token with the scope `sync admin`");

    assert!(server.requests_for("/oauth/token").is_empty());
    assert_eq!(device.auth_toml().unwrap().matches("orkee_refresh_0").count(), 1);
}

/// Without a tenant nobody knows whose company is meant.
const NO_ADDRESS: &str =
    "sign in through your company: set ORKEE_CLOUD_TENANT=NAME, then `orkee cloud login --sso`";

#[test]
fn a43_a_demand_for_single_sign_on_is_not_answered_with_a_refresh_and_the_hint_is_where_to_sign_in() {
    for status in [401, 403] {
        let at = |url: &str| {
            format!("Bearer error=\"insufficient_user_authentication\", authorization_uri=\"{url}\"")
        };
        for (challenge, hint) in [
            (
                at("https://sso.acme.example/start?org=7"),
                "sign in through your company at https://sso.acme.example/start?org=7, or set ORKEE_CLOUD_TENANT=NAME, then `orkee cloud login --sso`",
            ),
            (at("http://sso.acme.example/"), NO_ADDRESS),
            (at("javascript:alert(1)"), NO_ADDRESS),
            ("Bearer error=\"sso_required\"".to_owned(), NO_ADDRESS),
        ] {
            let server = refuses(status, &challenge);
            let device = Device::new(&server.url);
            device.write_auth(&device.section("orkee_token", 3600, Some("orkee_refresh_0")));
            let ran = device.run(&["cloud", "list"]).exits(4).says(&format!("hint: {hint}\n"));
            assert!(ran.stderr.contains("error[E-AUTH-00"), "{ran}");
            assert!(server.requests_for("/oauth/token").is_empty());
            assert!(device.auth_toml().unwrap().contains("orkee_refresh_0"));
        }
    }
}

/// Tells the server that a token is to be forgotten, as an administrator or another device would.
fn revoke(server: &str, path: &str, token: &str) {
    let url = Url::parse(&format!("{server}{path}")).unwrap();
    let body = format!("token={token}&client_id=orkee-cli");
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = http::send("POST", &url, &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a44_a_login_that_the_server_revoked_is_told_by_status_and_offline_it_still_works() {
    let (op, server) = (Op::start(), Server::start());
    for (url, person, path) in
        [(&op.url, op.person(), "/token/revocation"), (&server.url, server.person(), "/oauth/revoke")]
    {
        let device = Device::new(url);
        device.login(&person);
        let auth = device.auth_toml().unwrap();
        for key in ["refresh_token", "token"] {
            revoke(url, path, &value(&auth, key));
        }
        let offline = || device.run(&["cloud", "status", "--offline"]);
        // Nobody was asked, and what is known here stands.
        let before = offline().success();
        assert!(before.stdout.contains("✓ Account: john@example.com"), "{before}");

        let status = device.run(&["cloud", "status"]).exits(4).says("hint: run `orkee cloud login`");
        assert!(status.stdout.contains("Not authenticated with Orkee Cloud"), "{status}");
        assert!(status.stdout.contains("no longer valid"), "{status}");
        assert!(status.stdout.contains("Projects: 0 in step"), "{status}");
        let json: Value = device.run(&["cloud", "status", "--json"]).exits(4).json();
        assert_eq!(json["authenticated"], false);

        let after = offline().exits(4);
        assert!(after.stdout.contains("no longer valid") && after.stdout.contains("Last sync"), "{after}");
        device.run(&["cloud", "list"]).fails(4, "E-AUTH-001");
        device.login(&person);
        device.run(&["cloud", "status"]).success();
    }
}

#[test]
fn a44_a_revoked_token_of_the_environment_is_told_by_its_name() {
    let server = Server::start();
    let token = server.token();
    let device = Device::with_token(&server.url, &token);
    device.run(&["cloud", "status"]).success();
    revoke(&server.url, "/oauth/revoke", &token);
    let status = device.run(&["cloud", "status"]).exits(4).says("ORKEE_CLOUD_TOKEN");
    assert!(status.stdout.contains("Not authenticated"), "{status}");
    device.run(&["cloud", "status", "--offline"]).success();
}
