//! Spaces whose devices seal: what the server takes, what it shows, what it keeps.

use std::path::Path;

use orkee_core::seal::{AccountKey, Document, Epochs, KeyId, Made, Recipient, RecipientSecret};
use orkee_wire::{Envelope, KEYS_ID, MAX_KEYS_BYTES, Outcome};
use serde_json::{Value, json};

use crate::support::device::{envelope, project, sealed};
use crate::support::{Device, Home, Request, Response, Server};

/// A key document that says this of the records.
fn keys(clock: u64, seals: bool, floor: u32) -> Vec<u8> {
    let document = format!(
        "{{\"keys\":1,\"id\":\"00\",\"number\":{clock},\"seals\":{seals},\"epoch\":1,\"floor\":{floor}}}\n{{}}\n{{}}"
    );
    envelope("keys", clock, Some(&document))
}

fn ann() -> (Home, Server, String) {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    (home, server, token)
}

#[track_caller]
fn refused(response: &Response) {
    assert_eq!((response.status, response.code().as_str()), (403, "sealed"), "{}", response.text());
}

fn get(server: &Server, token: &str, target: &str) -> Value {
    let response = server.send(&Request::get(target).bearer(token));
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

#[test]
fn k55_a_space_that_seals_takes_no_record_that_can_be_read_until_it_is_plain_again() {
    let (_home, server, token) = ann();
    let (mut laptop, mut desktop) =
        (Device::new(&server.client, &token), Device::new(&server.client, &token));
    let first = laptop.write("aaaaaaaa", None, &project("aaaaaaaa", "before"));
    desktop.pull();
    let revision = laptop.write(KEYS_ID, None, &keys(1, true, 0));
    let plain = project("bbbbbbbb", "plain");
    let both: &[(&str, Option<&str>, &[u8])] =
        &[("cccccccc", None, &sealed("laptop", 2)), ("bbbbbbbb", None, &plain)];
    refused(&desktop.ask(both, 10));
    refused(&desktop.ask(&[("aaaaaaaa", Some("99"), &plain)], 10));
    let odd = envelope("laptop", 3, Some("no JSON either"));
    refused(&laptop.ask(&[("aaaaaaaa", Some(&first), &odd)], 0));
    assert_eq!(desktop.pull(), [KEYS_ID], "of a request that is refused nothing was carried out");
    let message = desktop.ask(both, 10).json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("orkee cloud key recover"), "{message}");

    laptop.write("aaaaaaaa", Some(&first), &sealed("laptop", 2));
    laptop.write("cccccccc", None, &sealed("laptop", 2));
    let gone = laptop.exchange(&[("dddddddd", None, &envelope("laptop", 4, None))], 0);
    assert!(matches!(gone.reply.outcomes[..], [Outcome::Accepted { .. }]), "a tombstone holds nothing");
    let unsealed = keys(2, false, 1);
    let back: &[(&str, Option<&str>, &[u8])] =
        &[("bbbbbbbb", None, &plain), (KEYS_ID, Some(&revision), &unsealed)];
    let said = laptop.exchange(back, 0).reply.outcomes;
    assert!(matches!(said[..], [Outcome::Accepted { .. }, Outcome::Accepted { .. }]), "{said:?}");
}

#[test]
fn k55_a_request_that_begins_to_seal_brings_no_record_that_can_be_read() {
    let (_home, server, token) = ann();
    let mut laptop = Device::new(&server.client, &token);
    let (document, plain) = (keys(1, true, 0), project("bbbbbbbb", "plain"));
    for order in [[0, 1], [1, 0]] {
        let writes: [(&str, Option<&str>, &[u8]); 2] =
            [(KEYS_ID, None, &document), ("bbbbbbbb", None, &plain)];
        refused(&laptop.ask(&order.map(|n| writes[n]), 10));
    }
    assert_eq!(laptop.pull(), [""; 0]);
}

#[test]
fn k56_a_key_document_is_told_to_whoever_offers_to_delete_it_and_never_deleted() {
    let (_home, server, token) = ann();
    let mut laptop = Device::new(&server.client, &token);
    let tombstone = envelope("keys", 1, None);
    let ask = |laptop: &mut Device, guard: Option<&str>| {
        let got = laptop.exchange(&[(KEYS_ID, guard, &tombstone)], 0);
        let [Outcome::Conflict { .. }] = got.reply.outcomes[..] else { panic!("{:?}", got.reply.outcomes) };
        got.conflicts
    };
    assert_eq!(ask(&mut laptop, Some("0")), [b""; 0], "there is none");
    assert_eq!(ask(&mut laptop, None), [b""; 0]);
    let document = keys(1, true, 0);
    let revision = laptop.write(KEYS_ID, None, &document);
    for guard in [None, Some("0"), Some(revision.as_str()), Some("of another server")] {
        assert_eq!(ask(&mut laptop, guard), [document.as_slice()], "{guard:?}");
    }
    let mut other = Device::new(&server.client, &token);
    let first = other.exchange(&[(KEYS_ID, None, &keys(9, true, 0))], 0);
    assert_eq!(first.conflicts, [document], "of two that begin to seal, one does");
}

/// The document of an account of which everything is as large as it may be.
fn largest_document() -> Document {
    const DEVICES: usize = 200;
    const EPOCHS: usize = 1000;
    let longest = "\u{1F980}".repeat(300);
    let at = "2026-01-02T03:04:05.000Z";
    let keys = (0..EPOCHS).map(|_| AccountKey::generate()).collect();
    let epochs = Epochs::from_keys(KeyId::generate(), keys).unwrap();
    let device = |_| Recipient::device(&epochs, &RecipientSecret::generate(), &longest, Some(&longest), at);
    let made = Made { at: at.to_owned(), device: "x".repeat(300) };
    Document::new("personal", made, (0..DEVICES).map(device).collect(), &epochs).unwrap()
}

#[test]
fn k56_the_largest_key_document_that_a_device_makes_is_taken_and_told_unchanged() {
    let (_home, server, token) = ann();
    let (mut laptop, mut desktop) =
        (Device::new(&server.client, &token), Device::new(&server.client, &token));
    let document = largest_document();
    assert!(document.bytes().len() > MAX_KEYS_BYTES / 4, "{}", document.bytes().len());
    laptop.write(KEYS_ID, None, &envelope("keys", 1, Some(str::from_utf8(document.bytes()).unwrap())));
    refused(&laptop.ask(&[("aaaaaaaa", None, &project("aaaaaaaa", "plain"))], 0));
    let told = desktop.exchange(&[], 10);
    assert_eq!(told.reply.changes[0].id, KEYS_ID);
    assert_eq!(Envelope::parse(&told.changes[0]).unwrap().payload, Some(document.bytes()));
}

#[test]
fn k56_what_is_no_key_document_is_rejected_alone_and_names_what_the_id_is_for() {
    let (_home, server, token) = ann();
    let mut laptop = Device::new(&server.client, &token);
    for other in [
        project(KEYS_ID, "x"),
        sealed("laptop", 1),
        envelope("keys", 1, Some("{\"keys\":1,\"seals\":\"yes\",\"floor\":0}")),
        envelope(
            "keys",
            1,
            Some(&format!("{{\"keys\":1,\"seals\":true,\"floor\":0}}{}", " ".repeat(MAX_KEYS_BYTES))),
        ),
    ] {
        let good = project("aaaaaaaa", "good");
        let writes: &[(&str, Option<&str>, &[u8])] = &[(KEYS_ID, None, &other), ("aaaaaaaa", None, &good)];
        let said = laptop.exchange(writes, 0).reply.outcomes;
        let Outcome::Rejected { reason, message } = &said[0] else { panic!("{said:?}") };
        assert!(reason == "invalid" && message.contains("key document"), "{reason}: {message}");
    }
    let body = json!({"projects": [{"id": KEYS_ID, "name": "x"}]}).to_string();
    let request = Request::post("/v1/sync", body).bearer(&token).header("content-type", "application/json");
    let said = server.send(&request).json();
    assert_eq!(said["rejected"][0]["reason"], "the id is for the space's key document");
}

#[test]
fn k57_sealed_projects_are_listed_as_such_and_the_key_document_is_in_no_list() {
    let (_home, server, token) = ann();
    let mut laptop = Device::new(&server.client, &token);
    laptop.write(KEYS_ID, None, &keys(1, true, 0));
    laptop.write("aaaaaaaa", None, &sealed("laptop", 1));
    laptop.write("bbbbbbbb", None, &sealed("laptop", 2));
    let listed = get(&server, &token, "/v1/projects?limit=1");
    assert_eq!(listed["projects"], json!([{"id": "aaaaaaaa", "sealed": true}]));
    let after = listed["next"].as_str().unwrap();
    let listed = get(&server, &token, &format!("/v1/projects?limit=1&after={after}"));
    assert_eq!(listed, json!({"projects": [{"id": "bbbbbbbb", "sealed": true}], "next": null}));
    assert_eq!(get(&server, &token, &format!("/v1/projects/{KEYS_ID}/versions")), json!({"versions": []}));
    let device = Device::new(&server.client, &token).pull();
    assert_eq!(device, [KEYS_ID, "aaaaaaaa", "bbbbbbbb"], "devices get it with the records");
}

#[test]
fn k57_the_published_api_and_backups_take_nothing_that_can_be_read_of_an_account_that_seals() {
    let (_home, server, token) = ann();
    let kept = server.send(&Request::post("/v1/backup", "of before").bearer(&token)).json()["id"].clone();
    Device::new(&server.client, &token).write(KEYS_ID, None, &keys(1, true, 0));
    let body = r#"{"projects":[{"id":"bbbbbbbb","name":"x"}]}"#;
    refused(
        &server
            .send(&Request::post("/v1/sync", body).bearer(&token).header("content-type", "application/json")),
    );
    for plain in [&b"{}"[..], b"", b"\xa7or", b"a longer text"] {
        refused(&server.send(&Request::post("/v1/backup", plain).bearer(&token)));
        let packed = Request::post("/v1/backup", zstd::bulk::compress(plain, 3).unwrap());
        refused(&server.send(&packed.header("content-encoding", "zstd").bearer(&token)));
    }
    let made = server.send(&Request::post("/v1/backup", b"\xa7ork and more".as_slice()).bearer(&token));
    assert_eq!(made.status, 201, "{}", made.text());
    let target = format!("/v1/backup/{}", kept.as_str().unwrap());
    assert_eq!(server.send(&Request::get(target.clone()).bearer(&token)).body, b"of before");
    assert_eq!(server.send(&Request::new("DELETE", target.clone()).bearer(&token)).status, 204);
    assert_eq!(server.send(&Request::new("DELETE", target).bearer(&token)).status, 404);
    assert_eq!(get(&server, &token, "/v1/backup")["backups"].as_array().unwrap().len(), 1);
}

fn on_disk(folder: &Path, text: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.is_file() && holds(&std::fs::read(file).unwrap()));
    files.map(|file| file.display().to_string()).collect()
}

#[test]
fn k58_once_the_floor_is_raised_no_file_of_the_server_has_a_word_of_the_projects() {
    let (home, server, token) = ann();
    let mut laptop = Device::new(&server.client, &token);
    let listen = json!({"url": "https://hooks.example.com/", "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "pulled": true});
    let request =
        Request::post("/v1/webhooks", listen.to_string()).header("content-type", "application/json");
    let endpoint = server.send(&request.bearer(&token)).json()["id"].as_str().unwrap().to_owned();
    let mut revisions = Vec::new();
    for n in 0..60u64 {
        let id = format!("{n:08}");
        let text = format!("canary of {id} ").repeat(10 + n as usize * 9);
        revisions.push((id.clone(), laptop.write(&id, None, &project(&id, &text))));
    }
    let body = json!({"projects": [{"id": "00000000", "name": "canary of the published one"}]}).to_string();
    server.send(&Request::post("/v1/sync", body).bearer(&token).header("content-type", "application/json"));
    laptop.pull();
    assert!(!on_disk(&home.data(), "canary").is_empty());

    let document = laptop.write(KEYS_ID, None, &keys(1, true, 0));
    for (id, revision) in &revisions[1..] {
        laptop.write(id, Some(revision), &sealed("laptop", 1));
    }
    let straggler = laptop.exchange(&[("00000000", Some("0"), &sealed("laptop", 5))], 0);
    let [Outcome::Conflict { revision: Some(revision), .. }] = &straggler.reply.outcomes[..] else {
        panic!()
    };
    laptop.write(KEYS_ID, Some(&document), &keys(2, true, 1));
    laptop.write("00000000", Some(revision), &sealed("laptop", 5));
    assert_eq!(on_disk(&home.data(), "canary"), [""; 0]);
    assert!(!home.log().contains("canary"), "nor its log, however loud");
    assert_eq!(get(&server, &token, "/v1/projects/00000000/versions"), json!({"versions": []}));
    let pulled = Request::post(format!("/v1/webhooks/{endpoint}/pull"), "{}")
        .header("content-type", "application/json");
    let pulled = server.send(&pulled.bearer(&token)).json();
    assert_eq!(pulled["events"].as_array().unwrap().len(), 100, "what waits goes out all the same: {pulled}");
    assert!(!pulled.to_string().contains("canary"), "{pulled}");
}

#[test]
fn k59_each_space_has_a_key_document_of_its_own() {
    let (home, server, token) = ann();
    assert!(home.run(&["team", "create", "site", "--owner", "ann@example.com"], "").status.success());
    let post = |writes: &[(&str, Option<&str>, &[u8])], space: &str| {
        let body = crate::support::device::body(&orkee_wire::Cursor::default(), writes, 0);
        let request = Request::post("/v1/sync", body).header("content-type", orkee_wire::SYNC_MEDIA_TYPE);
        server.send(&request.header("orkee-space", space).bearer(&token))
    };
    let by_ann = |bytes: &[u8]| {
        let mut envelope = orkee_wire::Envelope::parse(bytes).unwrap();
        envelope.head.author = Some("ann@example.com".to_owned());
        envelope.to_bytes()
    };
    let plain = project("aaaaaaaa", "x");
    assert_eq!(post(&[(KEYS_ID, None, &by_ann(&keys(1, true, 0)))], "team").status, 200);
    refused(&post(&[("aaaaaaaa", None, &by_ann(&plain))], "team"));
    assert_eq!(post(&[("aaaaaaaa", None, &plain)], "personal").status, 200);
    let nobodys = envelope("keys", 1, None);
    home.add_user("bob@example.com");
    assert!(home.run(&["team", "add", "site", "bob@example.com", "--role", "owner"], "").status.success());
    assert!(home.run(&["team", "role", "site", "ann@example.com", "read-only"], "").status.success());
    let told = crate::support::device::read(&post(&[(KEYS_ID, Some("0"), &nobodys)], "team").body);
    assert_eq!(told.conflicts, [by_ann(&keys(1, true, 0))], "who may only read is told it, too");
    let audit = String::from_utf8(home.run(&["audit", "--team", "site"], "").stdout).unwrap();
    let told = audit.lines().any(|row| row.contains("keys") && row.contains(KEYS_ID));
    assert!(told, "who writes a team's key document stands in its audit trail: {audit}");
}
