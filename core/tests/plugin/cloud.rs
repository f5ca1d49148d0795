//! The provider that Orkee ships, against servers that answer well, badly, and not at all.

use std::time::Duration;

use orkee_core::diagnostic::Diagnostic;
use orkee_core::plugin::{PartError, WasmProvider};
use orkee_core::sync::provider::{
    Answer, Cursor, Failure, Head, Mutation, Outcome, Position, Provider, ProviderError, Reply, Request,
    Revision,
};
use orkee_wire::{SYNC_MEDIA_TYPE, SyncRequest};

use crate::guests;
use crate::rig::{Rig, alive};
use crate::server::{self, Seen, Server, reply};

const SYNC: (&str, &str) = ("content-type", SYNC_MEDIA_TYPE);
const JSON: (&str, &str) = ("content-type", "application/json");
/// A page with one record, whose envelope is `blob`.
const PAGE: &[u8] = br#"{"outcomes":[],"changes":[{"id":"aaaaaaaa","revision":"7","len":4}],"cursor":{"position":"7","head":{"number":7,"tag":"t"}},"more":false}
blob"#;

async fn provider(server: &Server) -> WasmProvider {
    Rig::new(&server.url).open(guests::orkee_cloud(), &[]).await.unwrap()
}

/// What the provider makes of a server that always answers this.
async fn exchanged(answer: server::Answer) -> Result<Answer, ProviderError> {
    let server = Server::start(move |_| answer.clone()).await;
    let request = Request { limit: 10, ..Request::default() };
    alive(provider(&server).await.exchange(request)).await
}

async fn failed(answer: server::Answer) -> ProviderError {
    exchanged(answer).await.unwrap_err()
}

fn mutation(id: &str, guard: Option<&str>, envelope: &[u8]) -> Mutation {
    Mutation { id: id.to_owned(), guard: guard.map(|g| Revision(g.to_owned())), envelope: envelope.to_vec() }
}

fn inflated(seen: &Seen) -> Vec<u8> {
    match seen.header("content-encoding") {
        Some("zstd") => zstd::bulk::decompress(&seen.body, 16 << 20).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_exchange_goes_out_framed_and_compressed_and_comes_back_whole() {
    let head = br#"{"outcomes":[{"status":"accepted","revision":"8"},{"status":"conflict","revision":"5","len":3},{"status":"rejected","reason":"too-large","message":"too \u001b[31mlarge"}],"changes":[{"id":"bbbbbbbb","revision":"9","len":2}],"cursor":{"position":"9","head":{"number":9,"tag":"x"}},"more":true,"written":{"after":"7","until":"8"}}"#;
    let body = zstd::bulk::compress(&[&head[..], b"\n\xff\x00\nab"].concat(), 3).unwrap();
    let server = Server::start(move |_| {
        reply(200, &[SYNC, ("content-encoding", "zstd"), ("x-request-id", "req_9")], &body)
    })
    .await;
    let rig = Rig::new(&server.url);
    let provider = rig.open(guests::orkee_cloud(), &[]).await.unwrap();
    let envelopes = [&b"{}\nraw \xff bytes"[..], &[7; 5000], b""];
    let request = Request {
        cursor: Cursor {
            position: Some(Position("7".to_owned())),
            head: Some(Head { number: 7, tag: "t".to_owned() }),
        },
        mutations: vec![
            mutation("aaaaaaaa", None, envelopes[0]),
            mutation("bbbbbbbb", Some("4"), envelopes[1]),
            mutation("cccccccc", Some("1"), envelopes[2]),
        ],
        limit: 10,
    };
    let Answer::Page(answer) = provider.exchange(request).await.unwrap() else { panic!("no page") };

    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v1/sync"));
    assert_eq!(
        (seen.header("content-type"), seen.header("accept")),
        (Some(SYNC_MEDIA_TYPE), Some(SYNC_MEDIA_TYPE))
    );
    let sent = inflated(seen);
    let (head, blobs) = orkee_wire::split::<SyncRequest>(&sent, SyncRequest::blob_lengths).unwrap();
    assert_eq!(blobs, envelopes);
    assert_eq!(
        (head.limit, head.cursor.position.as_deref(), head.mutations[1].guard.as_deref()),
        (10, Some("7"), Some("4"))
    );

    let Reply { outcomes, changes, cursor, more, written, request_id } = answer;
    assert!(matches!(&outcomes[0], Outcome::Accepted(r) if r.0 == "8"));
    assert!(matches!(&outcomes[1], Outcome::Conflict(Some(s)) if s.envelope == b"\xff\x00\n"));
    assert!(matches!(&outcomes[2], Outcome::Rejected { message, .. } if message == "too large"));
    assert!(changes[0].id == "bbbbbbbb" && changes[0].stored.envelope == b"ab");
    assert_eq!((cursor.head.unwrap().number, more, written.unwrap().until.0.as_str()), (9, true, "8"));
    assert_eq!(request_id.as_deref(), Some("req_9"));
    let traffic = rig.http.traffic();
    assert_eq!(traffic.round_trips, 1);
    assert_eq!(traffic.bytes_up, (seen.head.len() + seen.body.len()) as u64);
}

#[tokio::test]
async fn a_server_that_forgot_or_was_put_back_says_so_in_its_own_words_only() {
    let error = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
    let cursor = Cursor { position: Some(Position("1".to_owned())), head: None };
    for (status, body, expected) in [
        (410, error("expired"), Some(Answer::Expired)),
        (409, error("new-epoch"), Some(Answer::NewEpoch)),
        (410, "<html>Gone</html>".to_owned(), None),
        (409, error("other"), None),
    ] {
        let server = Server::start(move |_| reply(status, &[JSON], body.as_bytes())).await;
        let request = Request { cursor: cursor.clone(), limit: 10, ..Request::default() };
        assert_eq!(provider(&server).await.exchange(request).await.ok(), expected, "{status}");
    }
}

#[tokio::test]
async fn each_refusal_of_the_server_becomes_its_kind_of_failure() {
    let body = br#"{"error":{"code":"some-code","message":"Some words."}}"#;
    for (status, headers, failure) in [
        (401, &[JSON][..], Failure::Auth),
        (403, &[JSON], Failure::Forbidden),
        (413, &[JSON], Failure::TooLarge),
        (429, &[JSON, ("retry-after", "3")], Failure::Busy(Some(Duration::from_secs(3)))),
        (429, &[JSON], Failure::Busy(None)),
        (503, &[JSON, ("retry-after", "999999999999")], Failure::Busy(Some(Duration::from_secs(3600)))),
        (500, &[JSON], Failure::Backend),
        (400, &[JSON], Failure::Backend),
        (302, &[("location", "http://127.0.0.1:1/")], Failure::Backend),
    ] {
        let headers: Vec<_> = headers.iter().chain(&[("x-request-id", "req_1")]).copied().collect();
        let error = failed(reply(status, &headers, body)).await;
        assert_eq!(error.failure, failure, "{status}: {error}");
        assert!(error.message.contains("`fixture`"), "{error}");
        assert_eq!(error.request_id.as_deref(), Some("req_1"));
    }
}

#[tokio::test]
async fn what_is_no_answer_of_the_protocol_is_a_clear_error() {
    let cut = |bytes: &[u8]| server::Answer::Cut(bytes.to_vec());
    let packed = zstd::bulk::compress(PAGE, 3).unwrap();
    let wrong_id = String::from_utf8(PAGE.to_vec()).unwrap().replace("aaaaaaaa", "../../aa");
    for (answer, failure, words) in [
        (reply(200, &[("content-type", "text/html")], b"<html>"), Failure::Backend, "is the API URL right?"),
        (reply(200, &[], PAGE), Failure::Backend, "is the API URL right?"),
        (reply(200, &[SYNC], b"<html>"), Failure::Backend, "damaged"),
        (reply(200, &[SYNC], &PAGE[..PAGE.len() - 1]), Failure::Backend, "announces 4 bytes, 3 follow"),
        (reply(200, &[SYNC], wrong_id.as_bytes()), Failure::Backend, "the id `../../aa`"),
        (
            reply(200, &[SYNC, ("content-encoding", "zstd")], &packed[..packed.len() - 3]),
            Failure::Backend,
            "no usable answer",
        ),
        (reply(200, &[SYNC, ("content-encoding", "gzip")], PAGE), Failure::Backend, "no usable answer"),
        (cut(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf"), Failure::Unreachable, "no usable answer"),
        (cut(b"SSH-2.0-OpenSSH\r\n"), Failure::Unreachable, "no usable answer"),
        (cut(b""), Failure::Unreachable, "no usable answer"),
    ] {
        let error = failed(answer).await;
        assert_eq!(error.failure, failure, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn b18_a_server_that_says_nothing_is_left_after_a_while() {
    let server = Server::start(|_| server::Answer::Silence).await;
    let mut rig = Rig::new(&server.url);
    rig.limits.wall_clock = Duration::from_secs(2);
    let provider = rig.open(guests::orkee_cloud(), &[]).await.unwrap();
    let error = alive(provider.exchange(Request { limit: 1, ..Request::default() })).await.unwrap_err();
    assert_eq!((error.failure, error.kind().exit_code()), (Failure::Timeout, 7), "{error}");
    assert!(error.hint().unwrap().contains("nothing is lost"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_cause() {
    let provider = Rig::offline().open(guests::orkee_cloud(), &[]).await.unwrap();
    let error = provider.exchange(Request { limit: 1, ..Request::default() }).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unreachable);
    assert!(error.source.unwrap().to_string().contains("cannot reach http://127.0.0.1:9"));
}

/// The API's plain JSON.
fn people(seen: &Seen) -> server::Answer {
    match seen.target.as_str() {
        "/v1/account" => reply(200, &[JSON], br#"{"id":"u1","email":"ada@example.com","plan":"Pro Plan","new":1}"#),
        "/v1/devices" => {
            reply(200, &[JSON], br#"{"devices":[{"id":"d1","name":"lap\u001b[31mtop","platform":"linux","last_seen":"t","current":true}]}"#)
        }
        "/v1/projects?limit=2" => {
            reply(200, &[JSON], br#"{"projects":[{"id":"aaaaaaaa","name":"one","updatedAt":"t"},{"id":"bbbbbbbb"}],"next":"a&b"}"#)
        }
        "/v1/projects?limit=2&after=a%26b" => reply(200, &[JSON], br#"{"projects":[],"next":null}"#),
        _ => reply(404, &[], b""),
    }
}

#[tokio::test]
async fn account_devices_and_listing_are_told_for_people() {
    let server = Server::start(people).await;
    let provider = provider(&server).await;
    let profile = provider.whoami().await.unwrap();
    assert_eq!((profile.email.as_str(), profile.plan.as_deref()), ("ada@example.com", Some("Pro Plan")));
    let devices = provider.devices().await.unwrap();
    assert!(devices[0].current && devices[0].name == "laptop");
    let page = provider.browse(None, 2).await.unwrap();
    assert_eq!((page.entries.len(), page.entries[0].name.as_deref()), (2, Some("one")));
    assert_eq!(provider.browse(page.next.as_deref(), 2).await.unwrap().next, None);
}

#[tokio::test]
async fn a_failing_part_is_a_providers_failure() {
    let server = Server::start(|_| reply(500, &[], b"")).await;
    let error = provider(&server).await.whoami().await.unwrap_err();
    assert!(matches!(error, PartError::Failed(ProviderError { failure: Failure::Backend, .. })), "{error}");
}
