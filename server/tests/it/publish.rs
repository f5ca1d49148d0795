//! The published body of `POST /v1/sync`.

use orkee_wire::Envelope;
use serde_json::{Value, json};

use crate::support::device::{envelope, sealed};
use crate::support::{Device, Home, Request, Response, Server};

fn post(server: &Server, token: &str, body: &Value) -> Response {
    let request = Request::post("/v1/sync", body.to_string()).bearer(token);
    server.send(&request.header("content-type", "application/json; charset=utf-8"))
}

#[track_caller]
fn publish(server: &Server, token: &str, projects: Value) -> Value {
    let response = post(server, token, &json!({ "projects": projects }));
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

#[test]
fn new_projects_are_created_and_reach_devices() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let sent =
        json!([{"id": "aaaaaaaa", "name": "Site", "future": {"a": 1}}, {"id": "bbbbbbbb", "name": "App"}]);
    let said = publish(&server, &token, sent.clone());
    assert_eq!(said["created"], json!(["aaaaaaaa", "bbbbbbbb"]));
    let got = Device::new(&server.client, &token).exchange(&[], 10);
    let first = Envelope::parse(&got.changes[0]).unwrap();
    assert_eq!(first.head.ancestry.len(), 1);
    let payload: Value = serde_json::from_slice(first.payload.unwrap()).unwrap();
    assert_eq!((&payload["name"], &payload["future"]), (&json!("Site"), &json!({"a": 1})));
    assert!(payload["createdAt"].is_string());
    let again = publish(&server, &token, sent);
    assert_eq!((&again["unchanged"], &again["updated"]), (&json!(["aaaaaaaa", "bbbbbbbb"]), &json!([])));
}

#[test]
fn a_differing_project_becomes_a_version_on_top_and_a_conflict_that_is_told() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let mut laptop = Device::new(&server.client, &token);
    let there = r#"{"id":"aaaaaaaa","name":"Site","description":"kept","status":"building"}"#;
    laptop.write("aaaaaaaa", None, &envelope("laptop", 7, Some(there)));
    let said = publish(&server, &token, json!([{"id": "aaaaaaaa", "name": "Shop", "status": "building"}]));
    assert_eq!(said["updated"], json!(["aaaaaaaa"]));
    let conflict = &said["conflicts"][0];
    assert_eq!(
        [&conflict["id"], &conflict["field"], &conflict["local"], &conflict["cloud"], &conflict["device"]],
        ["aaaaaaaa", "name", "Shop", "Site", "laptop"]
    );
    let got = laptop.exchange(&[], 10);
    let version = Envelope::parse(&got.changes[0]).unwrap();
    assert_eq!(
        (version.head.ancestry.len(), version.head.ancestry["laptop"]),
        (2, 7),
        "it contains the laptop's write"
    );
    let payload: Value = serde_json::from_slice(version.payload.unwrap()).unwrap();
    assert_eq!([&payload["name"], &payload["description"]], ["Shop", "kept"]);
    let kept = server.send(&Request::get("/v1/projects/aaaaaaaa/versions").bearer(&token)).json();
    let kept = &kept["versions"][0];
    assert_eq!([&kept["project"]["name"], &kept["device"], &kept["revision"]], ["Site", "laptop", "1"]);
}

#[test]
fn each_start_of_the_server_is_another_writer() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    publish(&server, &token, json!([{"id": "aaaaaaaa", "name": "one"}]));
    server.stop();
    let server = home.serve(&[]);
    publish(&server, &token, json!([{"id": "aaaaaaaa", "name": "two"}]));
    publish(&server, &token, json!([{"id": "aaaaaaaa", "name": "three"}]));
    let got = Device::new(&server.client, &token).exchange(&[], 10);
    assert_eq!(Envelope::parse(&got.changes[0]).unwrap().head.ancestry.len(), 2);
}

#[test]
fn what_cannot_be_a_project_is_rejected_alone() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let said = publish(
        &server,
        &token,
        json!([
            {"id": "short", "name": "x"},
            {"name": "no id"},
            {"id": "aaaaaaaa", "name": ""},
            {"id": "aaaaaaaa", "name": "line\nend"},
            {"id": "aaaaaaaa", "name": "x", "tags": "not a list"},
            "text",
            {"id": "bbbbbbbb", "name": "good"},
            {"id": "bbbbbbbb", "name": "twice"},
        ]),
    );
    assert_eq!((&said["created"], said["rejected"].as_array().unwrap().len()), (&json!(["bbbbbbbb"]), 7));
    assert_eq!(said["rejected"][0]["id"], "short");
    for reason in said["rejected"].as_array().unwrap() {
        assert!(!reason["reason"].as_str().unwrap().is_empty());
    }
    for bad in [json!({}), json!([]), json!({"projects": {}}), json!({"projects": "x"})] {
        let response = post(&server, &token, &bad);
        assert_eq!((response.status, response.code().as_str()), (400, "invalid-request"), "{bad}");
    }
    let many: Vec<Value> = (0..501).map(|n| json!({"id": format!("{n:08}"), "name": "x"})).collect();
    let response = post(&server, &token, &json!({ "projects": many }));
    assert_eq!((response.status, response.json()["error"]["limit"].as_u64()), (413, Some(500)));
}

#[test]
fn a_sealed_account_is_written_by_its_devices_alone() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let mut laptop = Device::new(&server.client, &token);
    laptop.write("aaaaaaaa", None, &sealed("laptop", 1));
    laptop.write("cccccccc", None, &envelope("laptop", 1, Some("no project, and not sealed")));
    let response = post(&server, &token, &json!({"projects": [{"id": "bbbbbbbb", "name": "x"}]}));
    assert_eq!((response.status, response.code().as_str()), (403, "sealed"));
    let listed = server.send(&Request::get("/v1/projects").bearer(&token)).json();
    assert_eq!(
        listed["projects"],
        json!([{"id": "aaaaaaaa", "sealed": true}, {"id": "cccccccc", "sealed": false}])
    );
}
