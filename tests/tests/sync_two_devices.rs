//! Two devices of one account, and a real server between them: what one has the other gets, and what both changed is joined.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use orkee_tests::device::{Device, many};
use orkee_tests::home::finish;
use orkee_tests::http::{self, Reply};
use orkee_tests::server::Server;
use serde_json::{Value, json};
use url::Url;

/// What a person who uses everything has.
const RICH: &str = r#"{"version":1,"projects":[
{"id":"aaaaaaaa","name":"Shop – Ünïcödé 🛒","projectRoot":"/home/john/shop","description":"line one\nline two","status":"building","priority":"high","rank":3,
 "setupScript":"npm ci","devScript":"npm run dev","cleanupScript":"rm -rf dist","taskSource":"manual","tags":["web","rust"],
 "manualTasks":[{"id":1,"title":"Write it","status":"pending","subtasks":[{"id":1,"title":"Begin"}]}],"mcpServers":{"context7":true},
 "gitRepository":{"owner":"john","repo":"shop","url":"https://github.com/john/shop.git","branch":"main"}},
{"id":"bbbbbbbb","name":"From tomorrow","future":{"b":[1,2.50,1e3],"a":null},"alsoNew":"\u00e9"}
]}"#;

/// A server, and two devices that are signed in to the same account.
struct Pair {
    server: Server,
    token: String,
    a: Device,
    b: Device,
}

impl Pair {
    fn new() -> Self {
        let server = Server::start();
        let token = server.token();
        let device = || Device::with_token(&server.url, &token);
        let (a, b) = (device(), device());
        Self { server, token, a, b }
    }

    /// With one project that both have.
    fn with_a_project() -> (Self, String) {
        let pair = Self::new();
        let id = pair.a.add("shop");
        pair.settle();
        (pair, id)
    }

    /// Both sync until neither can have anything left, and then hold the same.
    #[track_caller]
    fn settle(&self) {
        for device in [&self.a, &self.b, &self.a] {
            device.sync();
        }
        assert_eq!(self.a.export(), self.b.export());
    }

    /// A request to the API with the account's token.
    fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let url = Url::parse(&format!("{}{path}", self.server.url)).unwrap();
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        http::send(method, &url, &headers, body.as_bytes()).unwrap()
    }
}

/// The projects of an export, or of a page of the API's, by id.
fn ids(projects: &Value) -> BTreeSet<String> {
    let projects = projects["projects"].as_array().unwrap();
    projects.iter().map(|project| project["id"].as_str().unwrap().to_owned()).collect()
}

fn parsed(export: &str) -> Value {
    serde_json::from_str(export).unwrap()
}

#[test]
fn c37_c87_a_second_device_restores_exactly_what_the_first_one_sent() {
    let server = Server::start();
    let (a, b) = (Device::new(&server.url), Device::new(&server.url));
    a.import(RICH);
    let added = a.add("site");
    a.login(&server.person());
    assert_eq!(a.sync()["pushed"], 3);
    b.login(&server.person());
    assert_eq!(b.json(&["cloud", "restore"])["pulled"], 3);
    assert_eq!(b.export(), a.export());
    assert_eq!(b.field("aaaaaaaa", "projectRoot"), "/home/john/shop");
    let listed = b.json(&["cloud", "list", "--show-devices"]);
    assert_eq!(ids(&listed), ["aaaaaaaa", "bbbbbbbb", &added].map(str::to_owned).into());
    assert_eq!(listed["devices"].as_array().unwrap().len(), 2);
    assert_eq!(listed["next"], Value::Null);
}

#[test]
fn a_restore_sends_nothing_and_keeps_what_waits_to_be_sent() {
    let (pair, id) = Pair::with_a_project();
    let Pair { a, b, .. } = &pair;
    a.edit(&id, "--description", "from a");
    a.sync();
    let own = b.add("only here");
    let done = b.json(&["cloud", "restore"]);
    assert_eq!([&done["pushed"], &done["pulled"]], [0, 1]);
    assert_eq!(b.field(&id, "description"), "from a");
    assert_eq!(b.field(&own, "name"), "only here");
    assert_eq!(b.sync()["pushed"], 1);
}

#[test]
fn different_fields_changed_on_both_devices_are_merged() {
    let (pair, id) = Pair::with_a_project();
    pair.a.edit(&id, "--description", "from a");
    pair.b.edit(&id, "--priority", "high");
    pair.a.edit(&id, "--add-tag", "a");
    pair.b.edit(&id, "--add-tag", "b");
    pair.a.sync();
    assert_eq!(pair.b.sync()["merged"], 1);
    pair.settle();
    for device in [&pair.a, &pair.b] {
        assert_eq!(device.field(&id, "description"), "from a");
        assert_eq!(device.field(&id, "priority"), "high");
        let tags = device.field(&id, "tags");
        let tags: BTreeSet<&str> = tags.as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
        assert_eq!(tags, ["a", "b"].into());
        assert_eq!(device.json(&["cloud", "conflicts"])["conflicts"], json!([]));
    }
}

#[test]
fn c06_c36_c88_where_both_changed_the_same_field_this_one_stands_and_the_other_waits_in_a_conflict_until_it_is_settled()
 {
    let (pair, id) = Pair::with_a_project();
    pair.a.edit(&id, "--name", "from a");
    pair.b.edit(&id, "--name", "from b");
    pair.a.sync();
    let ran = pair.b.run(&["cloud", "sync", "--json"]).exits(5);
    assert_eq!(ran.json()["conflicts"], 1);
    assert_eq!(pair.b.field(&id, "name"), "from b");

    let listed = pair.b.json(&["cloud", "conflicts"]);
    let conflict = listed["conflicts"][0].as_object().unwrap();
    let keys: BTreeSet<&str> = conflict.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["at", "cloud", "device", "field", "id", "local", "local_at", "local_device", "project"].into()
    );
    assert_eq!([&conflict["id"], &conflict["field"], &conflict["project"]], [id.as_str(), "name", "from b"]);
    assert_eq!([&conflict["local"], &conflict["cloud"]], ["from b", "from a"]);
    assert!(conflict["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());

    // It stands until it is settled, on this device alone: the other saw its value replaced.
    pair.b.run(&["cloud", "sync"]).exits(5).says("orkee cloud conflicts");
    pair.a.sync();
    assert_eq!(pair.a.field(&id, "name"), "from b");
    pair.b.run(&["cloud", "conflicts", "resolve", &id, "--field", "name=cloud"]).success();
    assert_eq!(pair.b.json(&["cloud", "conflicts"])["conflicts"], json!([]));
    pair.b.sync();
    pair.settle();
    assert_eq!(pair.a.field(&id, "name"), "from a");
}

#[test]
fn c83_a_side_that_is_said_to_win_decides_without_a_conflict() {
    for (flag, stands) in [("--local-wins", "from b"), ("--cloud-wins", "from a")] {
        let (pair, id) = Pair::with_a_project();
        pair.a.edit(&id, "--name", "from a");
        pair.b.edit(&id, "--name", "from b");
        pair.a.sync();
        pair.b.run(&["cloud", "sync", flag]).success();
        pair.settle();
        assert_eq!(pair.a.field(&id, "name"), stands, "{flag}");
    }
}

#[test]
fn a_delete_travels_and_can_be_taken_back_where_it_came_from_and_where_it_went() {
    let (pair, id) = Pair::with_a_project();
    let before = pair.b.export();
    pair.a.run(&["projects", "delete", &id, "--yes"]).success();
    assert_eq!(pair.a.sync()["pushed"], 1);
    assert_eq!(pair.b.sync()["deleted"], 1);
    assert_eq!(ids(&parsed(&pair.b.export())), BTreeSet::new());
    pair.settle();
    pair.b.run(&["projects", "restore", &id]).success();
    pair.settle();
    assert_eq!(parsed(&before)["projects"][0]["name"], pair.a.field(&id, "name"));
}

#[test]
fn an_edit_beats_a_delete_whichever_of_them_reaches_the_server_first() {
    for deleted_first in [true, false] {
        let (pair, id) = Pair::with_a_project();
        pair.a.run(&["projects", "delete", &id, "--yes"]).success();
        pair.b.edit(&id, "--description", "still needed");
        let order = if deleted_first { [&pair.a, &pair.b] } else { [&pair.b, &pair.a] };
        for device in order {
            device.sync();
        }
        pair.settle();
        assert_eq!(pair.a.field(&id, "description"), "still needed", "deleted first: {deleted_first}");
    }
}

#[test]
fn fields_that_this_version_does_not_know_come_back_as_they_were_from_another_devices_edit() {
    let pair = Pair::new();
    let Pair { a, b, .. } = &pair;
    a.import(RICH);
    a.sync();
    b.sync();
    b.edit("bbbbbbbb", "--description", "edited where nobody knows the future");
    b.sync();
    a.sync();
    assert_eq!(a.field("bbbbbbbb", "description"), "edited where nobody knows the future");
    for text in [r#""future":{"b":[1,2.50,1e3],"a":null}"#, r#""alsoNew":"#] {
        let export = a.run(&["projects", "export", "--format", "ndjson"]).success().stdout;
        assert!(export.contains(text), "{export}");
    }
    assert_eq!(a.export(), b.export());
}

#[test]
fn c81_a_sync_with_nothing_to_say_is_one_small_request() {
    let pair = Pair::new();
    let Pair { a, b, .. } = &pair;
    a.import(&many(50));
    a.sync();
    b.sync();
    for device in [a, b, a] {
        let done = device.sync();
        assert_eq!(done["round_trips"], 1, "{done}");
        let bytes = done["bytes_up"].as_u64().unwrap() + done["bytes_down"].as_u64().unwrap();
        assert!(bytes > 100 && bytes < 1000, "{done}");
    }
}

#[test]
fn ten_changed_projects_take_at_most_two_requests_to_send_and_to_fetch() {
    let pair = Pair::new();
    let Pair { a, b, .. } = &pair;
    a.import(&many(50));
    a.sync();
    b.sync();
    let renamed = many(10).replace("project ", "renamed ");
    let import = a.orkee(&["projects", "import", "-", "--on-conflict", "replace"]);
    finish(import, renamed.as_bytes()).success();
    for (device, what) in [(a, "pushed"), (b, "pulled")] {
        let done = device.sync();
        assert_eq!(done[what], 10, "{done}");
        assert!(done["round_trips"].as_u64().unwrap() <= 2, "{done}");
    }
    assert_eq!(a.export(), b.export());
    assert_eq!(a.sync()["round_trips"], 1, "no echo of what was sent");
}

#[test]
fn c35_c54_the_json_of_a_sync_has_all_its_keys_and_the_log_its_published_line() {
    let pair = Pair::new();
    let a = &pair.a;
    a.import(&many(3));
    let done = a.sync();
    let keys: BTreeSet<&str> = done.as_object().unwrap().keys().map(String::as_str).collect();
    let published = "pushed pulled merged conflicts deleted parked round_trips bytes_up bytes_down duration_ms request_id";
    assert!(published.split(' ').all(|key| keys.contains(key)), "{done}");
    assert_eq!([&done["pushed"], &done["pulled"], &done["parked"]], [&json!(3), &json!(0), &json!([])]);
    assert!(done["request_id"].as_str().unwrap().starts_with("sync_"), "{done}");

    let log = std::fs::read_to_string(a.home().join("logs/orkee.log")).unwrap();
    let line = parsed(log.lines().last().unwrap());
    assert_eq!([&line["level"], &line["message"]], ["info", "Cloud sync completed"]);
    assert_eq!([&line["operation"], &line["target"]], ["sync", "orkee::cloud"]);
    assert_eq!([&line["projects_synced"], &line["conflicts_resolved"]], [3, 0]);
    assert!(line["duration_ms"].is_u64(), "{line}");
    assert_eq!(line["request_id"], done["request_id"]);
    assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

#[test]
fn c84_a_dry_run_tells_what_would_be_sent_and_fetched_and_changes_nothing() {
    let (pair, id) = Pair::with_a_project();
    pair.a.edit(&id, "--description", "from a");
    pair.a.sync();
    pair.b.add("new");
    let before = pair.b.export();
    for _ in 0..2 {
        let told = pair.b.json(&["cloud", "sync", "--dry-run"]);
        assert_eq!(
            [&told["pushed"], &told["pulled"], &told["dry_run"]],
            [&json!(1), &json!(1), &json!(true)]
        );
        assert_eq!(pair.b.export(), before);
    }
    assert_eq!(ids(&pair.ask("GET", "/v1/projects", "").json()).len(), 1);
    let done = pair.b.sync();
    assert_eq!([&done["pushed"], &done["pulled"]], [1, 1]);
    pair.settle();
}

#[test]
fn c82_one_project_alone_is_sent_and_everything_is_fetched() {
    let (pair, id) = Pair::with_a_project();
    pair.b.edit(&id, "--description", "from b");
    pair.b.sync();
    let (chosen, left) = (pair.a.add("chosen"), pair.a.add("left"));
    let done = pair.a.json(&["cloud", "sync", "--project", &chosen]);
    assert_eq!([&done["pushed"], &done["pulled"]], [1, 1]);
    assert_eq!(ids(&pair.ask("GET", "/v1/projects", "").json()), [id, chosen].into());
    assert_eq!(pair.a.field(&left, "name"), "left");
}

#[test]
fn c52_a_token_of_the_environment_works_without_a_login_and_each_command_says_that_it_is_used() {
    let pair = Pair::new();
    let a = &pair.a;
    a.add("shop");
    for command in ["sync", "restore", "list", "status"] {
        a.run(&["cloud", command]).success().says("ORKEE_CLOUD_TOKEN");
        let json = a.run(&["cloud", command, "--json"]).success().says("ORKEE_CLOUD_TOKEN");
        json.json();
    }
    assert_eq!(a.json(&["cloud", "status"])["token_source"], "ORKEE_CLOUD_TOKEN");
    assert_eq!(a.auth_toml(), None);
}

#[test]
fn a_store_of_another_account_is_refused_unless_it_is_forced() {
    let (pair, _) = Pair::with_a_project();
    let other = pair.server.account("ann@example.com");
    let anns = Device::with_token(&pair.server.url, &other);
    anns.add("hers");
    anns.sync();
    let before = pair.a.export();
    let sync = |args: &[&str]| {
        let mut command = pair.a.orkee(args);
        command.env("ORKEE_CLOUD_TOKEN", &other);
        finish(command, &[])
    };
    sync(&["cloud", "sync", "-q"]).fails(5, "E-SYNC-002").says("--force").says("john@example.com");
    sync(&["cloud", "restore", "-q"]).fails(5, "E-SYNC-002");
    assert_eq!(pair.a.export(), before);
    assert_eq!(anns.sync()["pulled"], 0);

    sync(&["cloud", "sync", "--force"]).success();
    anns.sync();
    assert_eq!(anns.export(), pair.a.export());
    assert_eq!(ids(&parsed(&anns.export())).len(), 2);
    assert_eq!(pair.b.export(), before, "the former account's other device has what it had");
}

#[test]
fn c97_what_the_api_is_posted_reaches_a_device_and_what_a_device_sends_is_on_the_apis_pages() {
    let (pair, id) = Pair::with_a_project();
    let body = json!({"projects": [
        {"id": "webwebwe", "name": "from the web", "status": "review", "other": [1]},
        {"id": id, "name": "shop", "description": "described on the web"},
    ]});
    let reply = pair.ask("POST", "/v1/sync", &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["created"], json!(["webwebwe"]));
    assert_eq!(reply.json()["updated"], json!([id]));

    pair.a.edit(&id, "--priority", "high");
    let done = pair.a.sync();
    assert_eq!([&done["pulled"], &done["merged"], &done["conflicts"]], [1, 1, 0], "{done}");
    assert_eq!(pair.a.field("webwebwe", "status"), "review");
    assert_eq!(pair.a.field(&id, "description"), "described on the web");
    pair.settle();

    let mut there = pair.ask("GET", "/v1/projects?limit=1", "").json();
    assert_eq!(ids(&there).len(), 1, "{there}");
    let next = there["next"].as_str().unwrap().to_owned();
    let rest = pair.ask("GET", &format!("/v1/projects?after={next}"), "").json();
    assert_eq!(rest["next"], Value::Null);
    let projects = there["projects"].as_array_mut().unwrap();
    projects.extend(rest["projects"].as_array().unwrap().clone());
    projects.sort_by_key(|project| project["id"].as_str().unwrap().to_owned());
    assert_eq!(there["projects"], parsed(&pair.a.export())["projects"]);
}
