//! `orkee cloud provider practice`: the backend that authors write against, as a program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use orkee_tests::home::{Home, finish};
use orkee_tests::http::{self, Reply};
use serde_json::Value;
use url::Url;

struct Practice {
    child: Child,
    url: Url,
}

impl Practice {
    fn start(home: &Home, args: &[&str]) -> Self {
        let mut command = home.command(["cloud", "provider", "practice"]);
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let url = Url::parse(said["url"].as_str().unwrap()).unwrap();
        Self { child, url }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        http::send(method, &self.url.join(path).unwrap(), headers, body).unwrap()
    }

    fn put(&self, id: &str) -> Reply {
        self.ask("PUT", &format!("/records/{id}"), &[("if-none-match", "*")], b"envelope")
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_was_answered_is_still_there_after_a_kill() {
    let home = Home::new();
    home.folder("");
    let data = home.path("records");
    let practice = Practice::start(&home, &["--data", shown(&data)]);
    assert_eq!(practice.put("aaaaaaaa").status, 200);
    let before = practice.ask("GET", "/changes", &[], b"").json();
    drop(practice);
    let practice = Practice::start(&home, &["--data", shown(&data)]);
    assert_eq!(practice.ask("GET", "/changes", &[], b"").json(), before);
    let held = practice.put("aaaaaaaa");
    assert_eq!((held.status, held.body.as_slice()), (412, &b"envelope"[..]));
    let second = home.command(["cloud", "provider", "practice", "--data", shown(&data)]);
    finish(second, &[]).fails(7, "E-KIT-003");
}

#[test]
fn its_token_is_asked_for() {
    let home = Home::new();
    let practice = Practice::start(&home, &["--token", "practice-token"]);
    assert_eq!(practice.put("aaaaaaaa").status, 401);
    let bearer = [("authorization", "Bearer practice-token")];
    assert_eq!(practice.ask("GET", "/changes", &bearer, b"").status, 200);
}

#[test]
fn a_file_of_something_else_and_an_address_of_others_are_refused() {
    let home = Home::new();
    let notes = home.file("notes", "not yours");
    home.run(["cloud", "provider", "practice", "--data", shown(&notes)]).fails(2, "E-KIT-004");
    assert_eq!(std::fs::read(&notes).unwrap(), b"not yours");
    home.run(["cloud", "provider", "practice", "--listen", "0.0.0.0:0"]).fails(2, "E-KIT-001");
}
