//! `/v1/backup`.

use serde_json::Value;

use crate::support::{Home, Request};

#[test]
fn a_backup_comes_back_as_it_went_in() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let content: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(n) >> 8) as u8).collect();
    let packed = zstd::bulk::compress(&content, 3).unwrap();
    let plain = Request::post("/v1/backup", content.clone()).header("content-type", "application/json");
    let packed = Request::post("/v1/backup", packed).header("content-encoding", "zstd");
    for (request, media_type) in [(plain, "application/json"), (packed, "application/octet-stream")] {
        let made = server.send(&request.bearer(&token));
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        assert_eq!(made["bytes"], content.len());
        assert_eq!(made["sha256"].as_str().map(str::len), Some(64));
        let target = format!("/v1/backup/{}", made["id"].as_str().unwrap());
        let back = server.send(&Request::get(target.clone()).bearer(&token));
        assert!(back.body == content, "{} of {} bytes", back.body.len(), content.len());
        assert_eq!(back.header("content-type"), Some(media_type));
        assert_eq!(back.header("content-disposition"), Some("attachment"));
        home.run(&["user", "add", "bob@example.com"], "another password");
        let bob = home.token("bob@example.com");
        assert_eq!(server.send(&Request::get(target).bearer(&bob)).status, 404);
    }
}

#[test]
fn a_packed_backup_that_was_cut_short_is_refused_and_not_kept() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let content: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(n) >> 8) as u8).collect();
    let packed = zstd::bulk::compress(&content, 3).unwrap();
    for length in [0, 4, packed.len() / 2, packed.len() - 1] {
        let request = Request::post("/v1/backup", &packed[..length]).header("content-encoding", "zstd");
        let response = server.send(&request.bearer(&token));
        assert_eq!((response.status, response.code().as_str()), (400, "invalid-request"), "{length} bytes");
    }
    let listed = server.send(&Request::get("/v1/backup").bearer(&token)).json();
    assert_eq!(listed["backups"], serde_json::json!([]));
}

#[test]
fn the_last_ten_are_kept() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let made: Vec<Value> = (0..12)
        .map(|n| {
            server.send(&Request::post("/v1/backup", format!("backup {n}")).bearer(&token)).json()["id"]
                .clone()
        })
        .collect();
    let listed = server.send(&Request::get("/v1/backup").bearer(&token)).json();
    let listed: Vec<&Value> =
        listed["backups"].as_array().unwrap().iter().map(|backup| &backup["id"]).collect();
    let expected: Vec<&Value> = made[2..].iter().rev().collect();
    assert_eq!(listed, expected);
}

#[test]
fn a_backup_above_the_limit_leaves_nothing_behind() {
    let (home, server) = Home::with_ann(&["--backup-limit", "1"]);
    let token = home.token("ann@example.com");
    let bomb = zstd::bulk::compress(&vec![0; 1 << 28], 3).unwrap();
    for request in [
        Request::post("/v1/backup", vec![b'x'; (1 << 20) + 1]),
        Request::post("/v1/backup", bomb).header("content-encoding", "zstd"),
    ] {
        let response = server.send(&request.bearer(&token));
        assert_eq!((response.status, response.code().as_str()), (413, "too-large"));
        assert_eq!(response.json()["error"]["limit"], 1 << 20);
    }
    let listed = server.send(&Request::get("/v1/backup").bearer(&token)).json();
    assert_eq!(listed["backups"], serde_json::json!([]));
}
