//! Servers that fail, lie, stall or flood. Each time: a clear error with its hint and exit code, the store as it was, and the next
//! sync, with the server as it should be, brings everything.
//!
//! A relay stands before the real server, so that the same API is bad and then good.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::ErrorKind;
use std::net::TcpListener;

use orkee_tests::device::Device;
use orkee_tests::home::Ran;
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::relay::{Relay, Way, head, reply};
use orkee_tests::server::Server;
use serde_json::{Value, json};

const FRAMED: (&str, &str) = ("Content-Type", "application/vnd.orkee.sync");
const NOTHING_NEW: &str = r#"{"outcomes":[{"status":"accepted","revision":"r"}],"changes":[],"cursor":{"position":"1","head":null},"more":false}"#;

/// A device with one edit to send, and another device whose edit is to be fetched.
struct Scene {
    _server: Server,
    relay: Relay,
    device: Device,
    other: Device,
    ours: String,
    theirs: String,
}

impl Scene {
    fn new() -> Self {
        let server = Server::start();
        let relay = Relay::to(&server.url);
        let token = server.token();
        let (device, other) =
            (Device::with_token(&relay.url, &token), Device::with_token(&relay.url, &token));
        let (ours, theirs) = (device.add("ours"), device.add("theirs"));
        device.sync();
        other.sync();
        device.edit(&ours, "--description", "to be sent");
        other.edit(&theirs, "--description", "to be fetched");
        other.sync();
        Self { _server: server, relay, device, other, ours, theirs }
    }

    /// The sync fails so, for people and for programs, and the store is as it was. Then the server is good again, and so is all else.
    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, error: &str, words: &str) {
        let before = self.device.export();
        let ran = self.device.run(&[&["cloud", "sync", "-q"], args].concat());
        ran.fails(code, error).says(words);
        assert_eq!(self.device.export(), before);

        let ran = self.device.run(&[&["cloud", "sync", "--json"], args].concat());
        is_told_to_programs(&ran, code, error, words);
        assert_eq!(self.device.export(), before);
        self.gets_well();
    }

    /// With the server as it should be, a sync brings everything.
    #[track_caller]
    fn gets_well(&self) {
        self.relay.pass();
        self.device.sync();
        self.other.sync();
        assert_eq!(self.device.export(), self.other.export());
        assert_eq!(self.other.field(&self.ours, "description"), "to be sent");
        assert_eq!(self.device.field(&self.theirs, "description"), "to be fetched");
    }
}

#[track_caller]
fn is_told_to_programs(ran: &Ran, code: i32, error: &str, words: &str) {
    assert_eq!(ran.code, Some(code), "{ran}");
    let told = &ran.json()["error"];
    assert_eq!(told["code"], error, "{ran}");
    assert!(told["hint"].is_string() && told["causes"].is_array(), "{ran}");
    assert!(told.to_string().contains(words), "no {words:?} in {ran}");
}

/// A framed reply of this head and these blobs.
fn framed(head: &str, blobs: &str) -> Way {
    Way::Answered(reply(200, &[FRAMED], format!("{head}\n{blobs}").as_bytes()))
}

/// So many zeros (a multiple of 128 KiB), packed by zstd to next to nothing: each block is one byte and a count.
fn bomb(bytes: usize) -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    let blocks = bytes / BLOCK;
    for n in 1..=blocks {
        let header = (BLOCK << 3) | (1 << 1) | usize::from(n == blocks);
        packed.extend_from_slice(&header.to_le_bytes()[..3]);
        packed.push(0);
    }
    packed
}

#[test]
fn b14_c07_c13_an_error_of_the_servers_own_is_told_in_its_words_with_the_requests_id() {
    let scene = Scene::new();
    let body = json!({"error": {"code": "internal", "message": "The disk is on fire.", "request_id": "r_7"}});
    let headers = [("Content-Type", "application/json"), ("X-Request-Id", "r_7")];
    scene.relay.on_sync(Way::Answered(reply(500, &headers, body.to_string().as_bytes())));
    let ran = scene.device.run(&["cloud", "sync", "--json"]).exits(6);
    assert_eq!(ran.json()["error"]["request_id"], "r_7", "{ran}");
    scene.fails(&[], 6, "E-NET-004", "The disk is on fire. [500 internal]");
}

#[test]
fn b14_a_proxys_error_page_is_told_by_its_status() {
    let scene = Scene::new();
    scene.relay.on_sync(Way::Answered(reply(502, &[("Content-Type", "text/html")], b"<h1>Bad Gateway</h1>")));
    scene.fails(&[], 6, "E-NET-004", "status 502");
}

#[test]
fn b15_a_page_of_html_with_status_200_is_no_answer() {
    let scene = Scene::new();
    scene.relay.on_sync(Way::Answered(reply(
        200,
        &[("Content-Type", "text/html")],
        b"<html>Sign in to this Wi-Fi",
    )));
    scene.fails(&[], 6, "E-NET-004", "is the API URL right?");
}

#[test]
fn b17_a_good_answer_of_the_wrong_content_type_is_no_answer() {
    let scene = Scene::new();
    let body = format!("{NOTHING_NEW}\n");
    scene.relay.on_sync(Way::Answered(reply(200, &[("Content-Type", "application/json")], body.as_bytes())));
    scene.fails(&[], 6, "E-NET-004", "is the API URL right?");
}

#[test]
fn b16_an_answer_that_breaks_off_is_as_good_as_none() {
    for bytes in [1, 100] {
        let scene = Scene::new();
        scene.relay.on_sync(Way::CutShort(bytes));
        scene.fails(&[], 6, "E-NET-001", "broke off");
    }
}

#[test]
fn b16_an_answer_that_announces_more_than_it_brings_is_damaged() {
    let scene = Scene::new();
    let cut =
        NOTHING_NEW.replace(r#""changes":[]"#, r#""changes":[{"id":"aaaaaaaa","revision":"r","len":1000}]"#);
    scene.relay.on_sync(framed(&cut, "only this"));
    scene.fails(&[], 6, "E-NET-004", "announces 1000 bytes, 9 follow");
}

#[test]
fn b18_c08_a_server_that_says_nothing_is_given_up_in_time() {
    let scene = Scene::new();
    scene.relay.on_sync(Way::Ignored);
    scene.fails(&["--timeout", "1"], 7, "E-SYNC-006", "within 1 seconds");
}

#[test]
fn b19_a_record_with_a_wrong_id_is_not_let_in() {
    for id in ["../../etc", "", "aaaa aaa", "aaaaaaaaa"] {
        let scene = Scene::new();
        let listed = format!(r#""changes":[{{"id":"{id}","revision":"r","len":0}}]"#);
        scene.relay.on_sync(framed(&NOTHING_NEW.replace(r#""changes":[]"#, &listed), ""));
        scene.fails(&[], 6, "E-NET-004", &format!("`{id}`, which is none"));
    }
}

#[test]
fn outcomes_in_another_number_than_the_records_are_refused() {
    let scene = Scene::new();
    scene.relay.on_sync(framed(&NOTHING_NEW.replace(r#"[{"status":"accepted","revision":"r"}]"#, "[]"), ""));
    scene.fails(&[], 6, "E-NET-004", "0 outcomes for 1 records");
}

#[test]
fn b20_a_gigabyte_is_not_waited_for() {
    let scene = Scene::new();
    scene.relay.on_sync(Way::Flooded(head(200, &[FRAMED], 1 << 30)));
    scene.fails(&[], 6, "E-NET-004", "16 MiB");
}

#[test]
fn b20_a_stream_without_an_end_is_left() {
    let scene = Scene::new();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.orkee.sync\r\nConnection: close\r\n\r\n";
    scene.relay.on_sync(Way::Flooded(head.into()));
    scene.fails(&[], 6, "E-NET-004", "16 MiB");
}

#[test]
fn a_bomb_in_zstd_does_not_go_off() {
    let scene = Scene::new();
    let bomb = bomb(1 << 30);
    assert!(bomb.len() < 64 << 10);
    scene.relay.on_sync(Way::Answered(reply(200, &[FRAMED, ("Content-Encoding", "zstd")], &bomb)));
    scene.fails(&[], 6, "E-NET-004", "16 MiB");
}

#[test]
fn a_body_that_is_no_zstd_though_it_says_so_is_refused() {
    let scene = Scene::new();
    let body = format!("{NOTHING_NEW}\n");
    scene.relay.on_sync(Way::Answered(reply(200, &[FRAMED, ("Content-Encoding", "zstd")], body.as_bytes())));
    scene.fails(&[], 6, "E-NET-004", "cannot be decoded");
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = Mock::start(|_| Answer::empty(200));
    for status in [301, 302, 307, 308] {
        let scene = Scene::new();
        let to = format!("{}/v1/sync", elsewhere.url);
        scene.relay.on_sync(Way::Answered(reply(status, &[("Location", &to)], b"")));
        scene.fails(&[], 6, "E-NET-004", "another place");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn c05_a_token_that_is_refused_says_which_variable_to_look_at() {
    let scene = Scene::new();
    let body = json!({"error": {"code": "unauthorized", "message": "No good.", "request_id": "r"}});
    let headers = [("Content-Type", "application/json"), ("WWW-Authenticate", "Bearer")];
    scene.relay.on_sync(Way::Answered(reply(401, &headers, body.to_string().as_bytes())));
    scene.fails(&[], 4, "E-AUTH-001", "ORKEE_CLOUD_TOKEN");
}

#[test]
fn a_busy_server_is_asked_again_as_often_as_the_person_said() {
    let scene = Scene::new();
    let body = json!({"error": {"code": "rate-limited", "message": "Slow down.", "request_id": "r"}});
    let headers = [("Content-Type", "application/json"), ("Retry-After", "1")];
    let busy = Way::Answered(reply(429, &headers, body.to_string().as_bytes()));
    scene.relay.on_sync(busy.clone());
    scene.fails(&[], 6, "E-NET-003", "ask again later");

    scene.device.edit(&scene.ours, "--priority", "high");
    scene.relay.decide(move |seen| match (seen.path.as_str(), seen.earlier) {
        ("/v1/sync", 0) => busy.clone(),
        _ => Way::Through,
    });
    let ran = scene.device.run(&["cloud", "sync", "--retry", "2"]).success();
    let ran = ran.says("trying again in 1.0 s");
    assert_eq!(ran.stderr.matches("trying again").count(), 1, "{ran}");
    assert_eq!(scene.relay.count("/v1/sync"), 2);
    scene.gets_well();
}

#[test]
fn retries_end_and_tell_the_last_error() {
    let scene = Scene::new();
    scene.relay.on_sync(Way::Answered(reply(503, &[], b"")));
    let ran = scene.device.run(&["cloud", "sync", "--retry", "1"]).exits(6);
    assert_eq!(ran.stderr.matches("trying again").count(), 1, "{ran}");
    ran.says("error[E-NET-004]").says("hint: ");
    assert_eq!(scene.relay.count("/v1/sync"), 2);
    scene.gets_well();
}

#[test]
fn an_answer_that_may_not_pass_later_is_not_asked_for_again() {
    let scene = Scene::new();
    let body = json!({"error": {"code": "unauthorized", "message": "No good.", "request_id": "r"}});
    let headers = [("Content-Type", "application/json"), ("WWW-Authenticate", "Bearer")];
    scene.relay.on_sync(Way::Answered(reply(401, &headers, body.to_string().as_bytes())));
    scene.device.run(&["cloud", "sync", "--retry", "5"]).exits(4);
    assert_eq!(scene.relay.count("/v1/sync"), 1);
    scene.gets_well();
}

#[test]
fn where_nobody_listens_the_store_works_on_and_the_sync_says_what_it_could_not_reach() {
    let server = Server::start();
    let address = nobodys_address();
    let device = Device::with_token(&format!("http://{address}"), &server.token());
    let id = device.add("shop");
    let before = device.export();
    for command in ["sync", "restore", "list"] {
        let ran = device.run(&["cloud", command, "-q"]).fails(6, "E-NET-001");
        ran.says(&address).says("refused");
    }
    is_told_to_programs(&device.run(&["cloud", "sync", "--json"]), 6, "E-NET-001", &address);
    assert_eq!(device.export(), before);
    device.edit(&id, "--description", "edited offline");

    let relay = Relay::at(&address, &server.url);
    device.sync();
    let other = Device::with_token(&relay.url, &server.token());
    other.sync();
    assert_eq!(other.export(), device.export());
}

/// An address at which nobody listens, and which no program gets that asks for a free port.
fn nobodys_address() -> String {
    let first = 12_000 + (std::process::id() % 4_000) as u16;
    let addresses = (first..first + 4_000).map(|port| format!("127.0.0.1:{port}"));
    let mut free = addresses.filter(|address| match TcpListener::bind(address) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::AddrInUse => false,
        Err(error) => panic!("{error}"),
    });
    free.next().unwrap()
}

#[test]
fn the_first_question_of_all_whose_token_it_is_fails_as_clearly() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    let device = Device::with_token(&relay.url, &server.token());
    device.add("shop");
    let before = device.export();
    let bad = [
        (reply(500, &[], b""), "status 500"),
        (reply(200, &[("Content-Type", "text/html")], b"<html>"), "is the API URL right?"),
        (reply(200, &[("Content-Type", "application/json")], b"{}"), "not what was expected"),
        (head(200, &[("Content-Type", "application/json")], 1 << 30), "16 MiB"),
    ];
    for (answer, words) in bad {
        relay.decide(move |_| Way::Answered(answer.clone()));
        device.run(&["cloud", "sync", "-q"]).fails(6, "E-NET-004").says(words);
        assert_eq!(device.export(), before);
        assert_eq!(relay.count("/v1/sync"), 0);
    }
    relay.pass();
    assert_eq!(device.sync()["pushed"], 1);
}

#[test]
fn c04_c89_a_record_that_nobody_can_read_is_set_aside_with_its_reason_and_stops_nothing() {
    let scene = Scene::new();
    // The server's answer to the next sync with one record too many; it lies about the rest, which it will own up to.
    let listed = r#""changes":[{"id":"garbage0","revision":"r","len":8}]"#;
    let lie =
        NOTHING_NEW.replace(r#""changes":[]"#, listed).replace(r#""position":"1""#, r#""position":"odd""#);
    scene.relay.on_sync(framed(&lie, "nonsense"));
    let ran = scene.device.run(&["cloud", "sync", "--json"]).exits(3);
    let parked: Value = ran.json()["parked"].clone();
    assert_eq!(parked[0]["id"], "garbage0", "{ran}");
    assert!(parked[0]["reason"].as_str().unwrap().contains("head line"), "{ran}");
    let listed = scene.device.json(&["cloud", "parked"]);
    assert_eq!(listed["parked"][0]["id"], "garbage0", "{listed}");
    assert!(scene.device.run(&["projects", "show", "garbage0"]).code != Some(0));

    // A position that it never gave means another server, or an older state: everything is offered again.
    scene.gets_well();
}
