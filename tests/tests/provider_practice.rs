//! `orkee cloud provider practice`: the backend that authors write against, as a program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use orkee_tests::home::{Home, finish};
use orkee_tests::http::{self, Reply};
use orkee_tests::practice::Practice;

fn start(home: &Home, args: &[&str]) -> Practice {
    let mut command = home.command(["cloud", "provider", "practice"]);
    command.args(args);
    Practice::start(command)
}

fn ask(practice: &Practice, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    http::send(method, &practice.url.join(path).unwrap(), headers, body).unwrap()
}

fn put(practice: &Practice, id: &str) -> Reply {
    ask(practice, "PUT", &format!("/records/{id}"), &[("if-none-match", "*")], b"envelope")
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_was_answered_is_still_there_after_a_kill() {
    let home = Home::new();
    home.folder("");
    let data = home.path("records");
    let practice = start(&home, &["--data", shown(&data)]);
    assert_eq!(put(&practice, "aaaaaaaa").status, 200);
    let before = ask(&practice, "GET", "/changes", &[], b"").json();
    drop(practice);
    let practice = start(&home, &["--data", shown(&data)]);
    assert_eq!(ask(&practice, "GET", "/changes", &[], b"").json(), before);
    let held = put(&practice, "aaaaaaaa");
    assert_eq!((held.status, held.body.as_slice()), (412, &b"envelope"[..]));
    let second = home.command(["cloud", "provider", "practice", "--data", shown(&data)]);
    finish(second, &[]).fails(7, "E-KIT-003");
}

#[test]
fn its_token_is_asked_for() {
    let home = Home::new();
    let practice = start(&home, &["--token", "practice-token"]);
    assert_eq!(put(&practice, "aaaaaaaa").status, 401);
    let bearer = [("authorization", "Bearer practice-token")];
    assert_eq!(ask(&practice, "GET", "/changes", &bearer, b"").status, 200);
}

#[test]
fn a_file_of_something_else_and_an_address_of_others_are_refused() {
    let home = Home::new();
    let notes = home.file("notes", "not yours");
    home.run(["cloud", "provider", "practice", "--data", shown(&notes)]).fails(2, "E-KIT-004");
    assert_eq!(std::fs::read(&notes).unwrap(), b"not yours");
    home.run(["cloud", "provider", "practice", "--listen", "0.0.0.0:0"]).fails(2, "E-KIT-001");
}
