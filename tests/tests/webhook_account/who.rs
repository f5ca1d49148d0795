//! Who is told of what, and who sees it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use jiff::Timestamp;
use orkee_tests::account_sender::{AccountSender, SECRET};
use orkee_tests::office::Office;
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::wait;
use serde_json::{Value, json};

use crate::{fits, kinds, settled};

#[test]
fn w08a_a_devices_sync_is_told_of_by_the_server() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    rig.ann.listen_with(json!({ "url": receiver.always("/hook", Behaviour::status(204)), "ordered": true }));
    let device = rig.ann.device();
    let id = device.add("shop");
    device.sync();
    device.edit(&id, "--description", "for shoes");
    device.sync();
    let received = receiver.wait_for(4);
    assert_eq!(kinds(&received), ["project.created", "sync.completed", "project.updated", "sync.completed"]);
    for (n, one) in received.iter().enumerate() {
        let body = one.json();
        assert_eq!(
            (&body["project_id"], body["sequence"].as_u64()),
            (&json!(id), Some(n as u64 + 1)),
            "{body}"
        );
        assert!(fits(one, &[SECRET]));
    }
    assert_eq!(received[0].json()["data"], json!({ "name": "shop" }), "and nothing else of the project");
}

#[test]
fn w23_an_endpoint_is_told_of_what_it_asked_for_and_an_unknown_name_is_refused() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let listen = |path: &str, events: &[&str]| {
        rig.ann.listen_with(json!({ "url": receiver.always(path, Behaviour::status(204)), "events": events }))
    };
    let (projects, created) = (listen("/projects", &["project.*"]), listen("/created", &["project.created"]));
    let failed = listen("/failed", &["sync.failed", "device.*"]);
    rig.ann.write("aaaaaaaa", "one");
    rig.ann.write("aaaaaaaa", "two");
    wait::until("two events", || Some(()).filter(|()| receiver.received_at("/projects").len() == 2));
    settled(&rig.ann, &created, "delivered");
    assert_eq!(kinds(&receiver.received_at("/created")), ["project.created"]);
    assert_eq!(rig.ann.deliveries(&format!("endpoint={failed}")).len(), 0);
    assert_eq!(rig.ann.webhook(&projects)["events"], json!(["project.*"]));
    let about = json!({ "url": "https://a.example/", "events": ["project.updatd"], "secret": SECRET });
    let reply = rig.ann.ask("POST", "/v1/webhooks", &about);
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (422, &json!("unknown-event")));
    assert!(reply.text().contains("did you mean project.updated?"), "{}", reply.text());
}

#[test]
fn w37_deliveries_are_told_by_endpoint_time_and_failure_page_by_page() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let good = rig.ann.listen(&receiver.always("/good", Behaviour::status(204)));
    let bad = rig.ann.listen(&receiver.always("/bad", Behaviour::with_body(500, "x".repeat(4000))));
    for name in ["one", "two", "three"] {
        rig.ann.write("aaaaaaaa", name);
    }
    wait::until("all attempts", || {
        let all = rig.ann.deliveries("limit=99");
        let tried = |one: &Value| one["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty());
        Some(()).filter(|()| all.len() == 6 && all.iter().all(tried))
    });
    let failed = rig.ann.deliveries("failed=true");
    assert!(failed.len() == 3 && failed.iter().all(|one| one["endpoint"] == bad.as_str()), "{failed:?}");
    let attempt = &failed[0]["attempts"][0];
    assert_eq!((attempt["reply"].as_str().map(str::len), &attempt["status"]), (Some(1024), &json!(500)));
    assert_eq!(rig.ann.deliveries(&format!("endpoint={good}")).len(), 3);
    let later = Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert!(rig.ann.deliveries(&format!("since={later}")).is_empty());
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = rig.ann.tell("GET", &format!("/v1/webhooks/deliveries?limit=4{after}"), &Value::Null);
        seen.extend(page["deliveries"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, rig.ann.deliveries("limit=99"));
    for query in ["since=yesterday", "after=x", "limit=-1", "failed=perhaps"] {
        let refused = rig.ann.refused("GET", &format!("/v1/webhooks/deliveries?{query}"), &Value::Null);
        assert_eq!(refused, (400, "invalid-request".to_owned()), "{query}");
    }
}

#[test]
fn w39_a_machine_that_cannot_be_reached_fetches_its_events() {
    let rig = AccountSender::with_args(&[]);
    let listener = json!({ "url": "http://127.0.0.1:3000/hook", "pulled": true, "events": ["project.*"] });
    let id = rig.ann.listen_with(listener);
    for name in ["one", "two", "three"] {
        rig.ann.write("aaaaaaaa", name);
    }
    let pull = |body: Value| rig.ann.act(&id, "pull", body)["events"].as_array().unwrap().clone();
    let events = pull(json!({ "limit": 2 }));
    let body = |event: &Value| serde_json::from_str::<Value>(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(events.iter().map(|event| body(event)["sequence"].clone()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(pull(json!({ "limit": 2 })), events, "until they are taken");
    let rest = pull(json!({ "taken": [events[0]["id"], events[1]["id"]] }));
    assert_eq!((rest.len(), &rest[0]["event"]), (1, &json!("project.updated")));
    assert_eq!(pull(json!({ "taken": [rest[0]["id"]] })), [Value::Null; 0]);
    let tested = rig.ann.refused("POST", &format!("/v1/webhooks/{id}/test"), &json!({}));
    assert_eq!(tested, (409, "pulled".to_owned()));
    let sent = rig.ann.listen("https://a.example/hook");
    let refused = rig.ann.refused("POST", &format!("/v1/webhooks/{sent}/pull"), &json!({}));
    assert_eq!(refused, (409, "not-pulled".to_owned()));
}

#[test]
fn w41_a_teams_owners_say_where_its_events_go_and_its_members_see_it() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let (ben, eve) = (rig.account("ben"), rig.account("eve"));
    let team = |args: &[&str]| drop(rig.server.command(&[&["team"], args].concat()).success());
    team(&["create", "acme", "--owner", &rig.ann.email]);
    team(&["add", "acme", &ben.email]);
    team(&["add", "acme", &eve.email, "--role", "read-only"]);
    let owner = rig.ann.in_team();
    let id = owner.listen(&receiver.always("/team", Behaviour::with_body(200, "token=canary")));
    let named = owner.listen_with(json!({ "url": "http://me:secret@127.0.0.1:3000/", "pulled": true }));
    let own = rig.ann.listen(&receiver.always("/own", Behaviour::status(204)));
    ben.in_team().write("aaaaaaaa", "shared");
    assert_eq!(settled(&owner, &id, "delivered")["attempts"][0]["reply"], "token=canary");
    assert_eq!(receiver.received().len(), 1, "of a team's projects its own webhooks are told");
    for member in [ben.in_team(), eve.in_team()] {
        let seen = member.webhook(&id);
        assert_eq!((&seen["enabled"], &seen["url"]), (&json!(true), &json!(format!("{}/…", receiver.url))));
        let sent = member.deliveries(&format!("endpoint={id}"));
        let attempt = &sent[0]["attempts"][0];
        assert_eq!((sent.len(), &attempt["status"], &attempt["reply"]), (1, &json!(200), &Value::Null));
        assert_eq!(member.webhook(&named)["url"], "http://127.0.0.1:3000/…", "without name and password");
        let event = member.deliveries("limit=1")[0]["id"].clone();
        let forbidden = (403, "forbidden".to_owned());
        let about = json!({ "url": "https://a.example/", "secret": SECRET });
        assert_eq!(member.refused("POST", "/v1/webhooks", &about), forbidden);
        assert_eq!(member.refused("DELETE", &format!("/v1/webhooks/{id}"), &Value::Null), forbidden);
        for what in ["enable", "disable", "test", "pull"] {
            assert_eq!(
                member.refused("POST", &format!("/v1/webhooks/{id}/{what}"), &json!({})),
                forbidden,
                "{what}"
            );
        }
        let secret = json!({ "secret": SECRET });
        assert_eq!(member.refused("POST", &format!("/v1/webhooks/{id}/secret"), &secret), forbidden);
        let again = json!({ "ids": [event] });
        assert_eq!(member.refused("POST", "/v1/webhooks/redeliver", &again), forbidden);
    }
    assert_eq!(
        rig.ann.webhooks().iter().map(|webhook| webhook["id"].clone()).collect::<Vec<_>>(),
        [json!(own)]
    );
    team(&["role", "acme", &ben.email, "owner"]);
    ben.in_team().act(&id, "disable", Value::Null);
    assert_eq!(owner.webhook(&id)["enabled"], json!(false));
    team(&["remove", "acme", &ben.email]);
    assert_eq!(ben.in_team().refused("GET", "/v1/webhooks", &Value::Null).0, 403);
    let row = format!("{} disable-webhook {id} {}", ben.email, receiver.url);
    assert!(rig.audit().contains(&row), "{:?}", rig.audit());
}

#[test]
fn w41_whoever_runs_the_server_sees_all_webhooks_and_can_switch_one_off() {
    let receiver = Receiver::start();
    let rig = AccountSender::start();
    let bob = rig.account("bob");
    let url = receiver.always("/secret-path", Behaviour::status(204));
    let (id, other) = (rig.ann.listen(&url), bob.listen(&url));
    let listed = rig.server.command(&["webhook", "list"]).success().stdout;
    assert!(
        listed.contains(&format!("{id}  ann@example.com  webhook  {}  project.*  enabled", receiver.url)),
        "{listed}"
    );
    assert!(listed.contains(&other) && !listed.contains("secret-path"), "{listed}");
    rig.server.command(&["webhook", "disable", &id]).success();
    let webhook = rig.ann.webhook(&id);
    assert_eq!(webhook["disabled_because"], "disabled by whoever runs the server");
    let missing = rig.server.command(&["webhook", "disable", "ep_none"]).exits(2);
    assert!(missing.stderr.contains("webhook list shows"), "{missing}");
    rig.ann.write("aaaaaaaa", "one");
    bob.write("aaaaaaaa", "one");
    settled(&bob, &other, "delivered");
    assert_eq!(receiver.received().len(), 1);
    rig.server.command(&["user", "disable", &bob.email]).success();
    let listed = rig.server.command(&["webhook", "list"]).success().stdout;
    assert!(listed.contains("disabled: the account is disabled"), "{listed}");
}

/// A request whose body is slow: it begins, then this happens, then it ends. The status.
fn slowly(rig: &AccountSender, token: &str, happens: impl FnOnce()) -> u16 {
    let body = json!({ "url": "https://a.example/", "secret": SECRET }).to_string();
    let (begin, end) = body.split_at(9);
    let address = rig.server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /v1/webhooks HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{begin}"
    )
    .unwrap();
    // The server looks at the token as soon as it has the head.
    std::thread::sleep(Duration::from_millis(1500));
    happens();
    stream.write_all(end.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn whoever_was_disabled_or_signed_out_while_a_slow_request_came_in_adds_nothing() {
    let rig = AccountSender::with_args(&[]);
    let (bob, eve) = (rig.server.account("bob@example.com"), rig.server.account("eve@example.com"));
    assert_eq!(slowly(&rig, &eve, || ()), 200);
    let disable = || drop(rig.server.command(&["user", "disable", "bob@example.com"]).success());
    assert_eq!(slowly(&rig, &bob, disable), 401);
    let revoke = || {
        let sql =
            "DELETE FROM grants WHERE account = (SELECT rowid FROM accounts WHERE email = 'eve@example.com')";
        assert_eq!(rig.database().execute(sql, []).unwrap(), 1);
    };
    assert_eq!(slowly(&rig, &eve, revoke), 401);
    let count = "SELECT count(*) FROM endpoints";
    assert_eq!(rig.database().query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[test]
fn a_webhook_has_bounds_on_all_that_is_said_of_it() {
    let rig = AccountSender::with_args(&[]);
    let with = |name: &str, value: Value| {
        let mut about = json!({ "url": "https://a.example/", "secret": SECRET });
        about[name] = value;
        rig.ann.refused("POST", "/v1/webhooks", &about)
    };
    let refused = |code: &str| (422, code.to_owned());
    assert_eq!(with("url", format!("https://a.example/{}", "x".repeat(3000)).into()), refused("refused-url"));
    assert_eq!(with("description", "x".repeat(201).into()), refused("invalid-description"));
    assert_eq!(with("description", "two\nlines".into()), refused("invalid-description"));
    assert_eq!(with("events", vec!["sync.failed"; 51].into()), refused("invalid-events"));
    assert_eq!(with("dispatcher", "pigeon".into()), refused("unknown-dispatcher"));
    assert_eq!(with("description", "x".repeat(1 << 20).into()).0, 413);
    (0..50).for_each(|_| drop(rig.ann.listen("https://a.example/")));
    let about = json!({ "url": "https://a.example/", "secret": SECRET });
    assert_eq!(rig.ann.refused("POST", "/v1/webhooks", &about), (409, "too-many-webhooks".to_owned()));
    // They have a URL in common, by which none is found.
    let path = "/v1/webhooks/https%3A%2F%2Fa.example%2F/disable";
    assert_eq!(rig.ann.refused("POST", path, &json!({})), (404, "not-found".to_owned()));
}

/// The kind of company that has an office has its own policy of what it lets out: a team's webhooks stay the team's.
#[test]
fn w23_what_a_device_shares_with_its_team_is_told_to_the_teams_webhooks() {
    let office = Office::open();
    let about = json!({ "url": "https://127.0.0.1:9/", "secret": SECRET, "pulled": true }).to_string();
    let json_type = [("Content-Type", "application/json")];
    let reply = office.ann.ask("POST", "/v1/webhooks", &json_type, about.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    office.ann.device.add("shop");
    office.ann.sync(&["--yes"]).success();
    let pulled = office.ann.ask("POST", &format!("/v1/webhooks/{id}/pull"), &json_type, b"{}").json();
    let kinds: Vec<&Value> =
        pulled["events"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert_eq!(kinds, ["project.created", "sync.completed"], "{pulled}");
}
