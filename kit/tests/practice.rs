//! The practice backend over HTTP, as a provider's requests reach it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{Ipv4Addr, SocketAddr};

use orkee_core::net::Secret;
use orkee_kit::practice::{MAX_RECORD_BYTES, Options, Practice};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NEW: (&str, &str) = ("if-none-match", "*");

async fn start(options: Options) -> Practice {
    Practice::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await.unwrap()
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap().to_owned())
    }

    fn etag(&self) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix("etag: "))
    }
}

async fn ask(practice: &Practice, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let address = practice.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n{lines}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    let end = reply.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(reply[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head, body: reply[end + 4..].to_vec() }
}

async fn put(practice: &Practice, id: &str, condition: (&str, &str), body: &[u8]) -> Reply {
    ask(practice, &format!("PUT /records/{id}"), &[condition], body).await
}

#[tokio::test]
async fn a_record_is_written_listed_and_compared() {
    let practice = start(Options::default()).await;
    let all: Vec<u8> = (0..=255).collect();
    let first = put(&practice, "aaaaaaaa", NEW, &all).await;
    assert_eq!((first.status, &first.json()["position"]), (200, &json!("1")));
    let revision = first.json()["revision"].as_str().unwrap().to_owned();
    let held = put(&practice, "aaaaaaaa", NEW, b"x").await;
    assert_eq!((held.status, held.etag()), (412, Some(format!("\"{revision}\"").as_str())));
    assert_eq!(held.body, all);
    let none = put(&practice, "bbbbbbbb", ("if-match", "\"7.x\""), b"x").await;
    assert_eq!((none.status, none.etag(), none.body.len()), (412, None, 0));
    let second = put(&practice, "aaaaaaaa", ("if-match", &format!("\"{revision}\"")), b"").await;
    assert_eq!(second.status, 200);
    let page = ask(&practice, "GET /changes?limit=5", &[], b"").await.json();
    assert_eq!((&page["position"], &page["more"]), (&json!("2"), &json!(false)));
    assert_eq!(page["head"], second.json()["head"]);
    let revision = &second.json()["revision"];
    assert_eq!(page["changes"], json!([{"id": "aaaaaaaa", "revision": revision, "envelope": ""}]));
}

#[tokio::test]
async fn what_concerns_one_record_alone_is_said_of_it() {
    let practice = start(Options::default()).await;
    practice.refuse("aaaaaaaa");
    assert_eq!(put(&practice, "aaaaaaaa", NEW, b"x").await.error(), (422, "invalid".to_owned()));
    let largest = vec![7; MAX_RECORD_BYTES];
    assert_eq!(put(&practice, "bbbbbbbb", NEW, &largest).await.status, 200);
    let larger = vec![7; MAX_RECORD_BYTES + 1];
    assert_eq!(put(&practice, "cccccccc", NEW, &larger).await.error(), (413, "too-large".to_owned()));
    assert_eq!(practice.len(), 1);
}

#[tokio::test]
async fn a_body_may_be_compressed_and_is_bounded_all_the_same() {
    let practice = start(Options::default()).await;
    let line = "PUT /records/aaaaaaaa";
    let zstd = ("content-encoding", "zstd");
    let small = zstd::bulk::compress(b"abc", 3).unwrap();
    assert_eq!(ask(&practice, line, &[NEW, zstd], &small).await.status, 200);
    assert_eq!(put(&practice, "aaaaaaaa", NEW, b"").await.body, b"abc");
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    let bombed = ask(&practice, "PUT /records/bbbbbbbb", &[NEW, zstd], &bomb).await;
    assert_eq!(bombed.error(), (413, "too-large".to_owned()));
    let broken = ask(&practice, "PUT /records/bbbbbbbb", &[NEW, zstd], b"no zstd").await;
    assert_eq!(broken.error(), (400, "bad-body".to_owned()));
}

#[tokio::test]
async fn a_request_that_is_none_changes_nothing() {
    let practice = start(Options::default()).await;
    let put = |headers: &'static [(&str, &str)]| ask(&practice, "PUT /records/aaaaaaaa", headers, b"x");
    assert_eq!(put(&[]).await.error(), (428, "condition-required".to_owned()));
    for headers in [
        &[("if-match", "7")][..],
        &[("if-match", "*")],
        &[("if-match", "\"1\", \"2\"")],
        &[("if-match", "\"1\""), NEW],
        &[("if-none-match", "\"1\"")],
    ] {
        assert_eq!(put(headers).await.error(), (400, "bad-condition".to_owned()), "{headers:?}");
    }
    assert_eq!(put(&[NEW, ("x-practice-head", "seven")]).await.error(), (400, "bad-head".to_owned()));
    for (line, error) in [
        ("PUT /records/short", (400, "bad-id")),
        ("PUT /records/..%2Fetc..", (400, "bad-id")),
        ("GET /changes?after=x", (400, "bad-position")),
        ("GET /changes?limit=501", (400, "bad-limit")),
        ("GET /changes?since=1", (400, "bad-parameter")),
        ("GET /changes/wait", (400, "bad-position")),
        ("GET /changes/wait?after=x", (400, "bad-position")),
        ("GET /changes/wait?after=0&wait=301", (400, "bad-wait")),
        ("GET /changes/wait?after=0&wait=-1", (400, "bad-wait")),
        ("GET /changes/wait?after=0&limit=1", (400, "bad-parameter")),
        ("PUT /changes/wait", (405, "method-not-allowed")),
        ("POST /changes", (405, "method-not-allowed")),
        ("GET /", (404, "not-found")),
    ] {
        let refused = ask(&practice, line, &[], b"").await;
        assert_eq!(refused.error(), (error.0, error.1.to_owned()), "{line}");
    }
    assert!(practice.is_empty());
}

#[tokio::test]
async fn who_does_not_know_the_token_is_not_served() {
    let practice = start(Options { token: Some(Secret::new("practice-token")), ..Options::default() }).await;
    for headers in
        [&[][..], &[("authorization", "Bearer practice-toke")], &[("authorization", "practice-token")]]
    {
        assert_eq!(
            ask(&practice, "GET /changes", headers, b"").await.error(),
            (401, "unauthorized".to_owned())
        );
    }
    let bearer = [("authorization", "Bearer practice-token")];
    assert_eq!(ask(&practice, "GET /changes", &bearer, b"").await.status, 200);
}

#[tokio::test]
async fn whoever_waits_is_woken_by_a_write_and_told_when_the_time_is_over() {
    let practice = start(Options::default()).await;
    let wait = async |line: &str| ask(&practice, line, &[], b"").await.json()["changed"].clone();
    assert_eq!(wait("GET /changes/wait?after=0&wait=0").await, false);
    let begun = std::time::Instant::now();
    let write = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        put(&practice, "aaaaaaaa", NEW, b"x").await
    };
    let (woken, written) = tokio::join!(wait("GET /changes/wait?after=0&wait=60"), write);
    assert_eq!((woken, written.status), (json!(true), 200));
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
    assert_eq!(wait("GET /changes/wait?after=0").await, true);
    let backup = practice.snapshot();
    put(&practice, "bbbbbbbb", NEW, b"x").await;
    let back = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        practice.put_back(&backup).unwrap();
    };
    let (gone, ()) = tokio::join!(ask(&practice, "GET /changes/wait?after=2", &[], b""), back);
    assert_eq!(gone.error(), (409, "new-epoch".to_owned()));
}

#[tokio::test]
async fn a_backend_that_forgot_or_was_put_back_says_so() {
    let practice = start(Options::default()).await;
    put(&practice, "aaaaaaaa", NEW, b"x").await;
    let backup = practice.snapshot();
    let lost = put(&practice, "bbbbbbbb", NEW, b"x").await.json();
    practice.prune(&["aaaaaaaa"]).unwrap();
    assert_eq!(ask(&practice, "GET /changes?after=1", &[], b"").await.error(), (410, "expired".to_owned()));
    practice.put_back(&backup).unwrap();
    let head = format!("{}.{}", lost["head"]["number"], lost["head"]["tag"].as_str().unwrap());
    let known = ("x-practice-head", head.as_str());
    let gone = (409, "new-epoch".to_owned());
    assert_eq!(ask(&practice, "GET /changes?after=1", &[known], b"").await.error(), gone);
    assert_eq!(ask(&practice, "PUT /records/cccccccc", &[NEW, known], b"x").await.error(), gone);
    assert_eq!(practice.len(), 1);
}

#[tokio::test]
async fn it_serves_this_machine_alone() {
    let outside = Practice::start("0.0.0.0:0".parse().unwrap(), Options::default()).await.unwrap_err();
    assert!(outside.to_string().contains("this machine alone"), "{outside}");
}
