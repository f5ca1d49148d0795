//! Webhooks: what whoever runs the server may say of them, and what the API takes.

use serde_json::{Value, json};

use crate::support::{Home, Request};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[track_caller]
fn refused(args: &[&str], says: &str) {
    let home = Home::new();
    let output = home.run(&[&["serve", "--listen", "127.0.0.1:0"], args].concat(), "");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
    assert!(told.contains(says) && !told.contains("canary"), "{args:?}: {told}");
}

#[test]
fn w35_what_opens_more_than_a_private_network_is_refused() {
    for network in ["nonsense", "0.0.0.0/0", "::/0", "169.254.169.254", "10.0.0.0/7"] {
        refused(&["--webhook-allow-private", network], network);
    }
    refused(&["--webhook-ca-file", "/nowhere/ca.pem"], "/nowhere/ca.pem of --webhook-ca-file cannot be read");
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let none = home.data().join("none.pem");
    std::fs::write(&none, "no certificate").unwrap();
    refused(&["--webhook-ca-file", none.to_str().unwrap()], "there is no certificate in PEM");
    refused(
        &["--webhook-proxy", "http://user:canary@proxy.example/path"],
        "the proxy for webhooks cannot be used",
    );
}

#[test]
fn a_request_about_webhooks_needs_a_token_and_a_body_that_is_one() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let about = json!({ "url": "https://a.example/", "secret": SECRET }).to_string();
    for request in [
        Request::get("/v1/webhooks"),
        Request::post("/v1/webhooks", about.clone()),
        Request::new("DELETE", "/v1/webhooks/ep_x"),
        Request::get("/v1/webhooks/deliveries"),
        Request::post("/v1/webhooks/redeliver", "{}"),
        Request::post("/v1/webhooks/ep_x/pull", "{}"),
    ] {
        assert_eq!(server.send(&request).code(), "unauthorized");
    }
    for body in ["", "[]", "{\"url\":\"https://a.example/\"}", "{\"url\":7,\"secret\":\"x\"}"] {
        let reply = server.send(&Request::post("/v1/webhooks", body).bearer(&token));
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid-request"), "{body}");
    }
    let made = server.send(&Request::post("/v1/webhooks", about).bearer(&token));
    assert_eq!(made.status, 200, "{}", made.text());
    let webhook = made.json();
    assert_eq!(
        (&webhook["enabled"], &webhook["dispatcher"], &webhook["events"]),
        (&json!(true), &json!("webhook"), &json!([]))
    );
    assert_eq!(webhook["secret"], Value::Null);
    let listed = server.send(&Request::get("/v1/webhooks").bearer(&token)).json();
    assert_eq!(listed["webhooks"], json!([webhook]));
    assert!(!home.log().contains("C2FVsBQIhrscChlQIMV"), "{}", home.log());
}

#[test]
fn tests_are_counted_for_each_account() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let ask = || server.send(&Request::post("/v1/webhooks/ep_none/test", "{}").bearer(&token));
    let statuses: Vec<u16> = (0..21).map(|_| ask().status).collect();
    assert_eq!(
        (statuses[..20].iter().all(|status| *status == 404), statuses[20]),
        (true, 429),
        "{statuses:?}"
    );
}
