//! The exchange of devices, as it travels.

use orkee_wire::{Cursor, Head, Outcome, SYNC_MEDIA_TYPE};

use crate::support::device::{body, envelope, project, read};
use crate::support::{Device, Home, Request};

#[test]
fn what_one_device_writes_the_other_gets_byte_for_byte() {
    let (home, server) = Home::with_ann(&[]);
    let (mut laptop, mut desktop) = devices(&home, &server);
    let odd =
        envelope("laptop", 1, Some("{\"id\":\"aaaaaaaa\",\"name\":\"n\u{0}\n\u{2603}\",  \"x\": 1e400}"));
    laptop.write("aaaaaaaa", None, &odd);
    let got = desktop.exchange(&[], 10);
    assert_eq!(got.changes, [odd]);
    assert_eq!((got.reply.changes[0].id.as_str(), got.reply.more), ("aaaaaaaa", false));
    assert_eq!(laptop.pull(), [""; 0], "nobody hears their own");
}

fn devices(home: &Home, server: &crate::support::Server) -> (Device, Device) {
    let token = home.token("ann@example.com");
    (Device::new(&server.client, &token), Device::new(&server.client, &token))
}

#[test]
fn a_write_on_an_older_revision_brings_the_version_that_is_there() {
    let (home, server) = Home::with_ann(&[]);
    let (mut laptop, mut desktop) = devices(&home, &server);
    let revision = laptop.write("aaaaaaaa", None, &project("aaaaaaaa", "one"));
    desktop.pull();
    laptop.write("aaaaaaaa", Some(&revision), &project("aaaaaaaa", "two"));
    let late = project("aaaaaaaa", "late");
    let writes: &[(&str, Option<&str>, &[u8])] =
        &[("aaaaaaaa", Some(&revision), &late), ("bbbbbbbb", Some("1"), &late), ("cccccccc", None, &late)];
    let got = desktop.exchange(writes, 0);
    assert!(matches!(
        &got.reply.outcomes[..],
        [
            Outcome::Conflict { revision: Some(_), .. },
            Outcome::Conflict { revision: None, len: 0 },
            Outcome::Accepted { .. },
        ]
    ));
    assert_eq!(got.conflicts, [project("aaaaaaaa", "two")]);
}

#[test]
fn numbers_that_no_commit_can_have_are_another_servers() {
    let (home, server) = Home::with_ann(&[]);
    let (mut laptop, _) = devices(&home, &server);
    let one = project("aaaaaaaa", "one");
    laptop.write("aaaaaaaa", None, &one);
    for number in [1 << 63, u64::MAX] {
        let guard = number.to_string();
        let got = laptop.exchange(&[("aaaaaaaa", Some(&guard), &one)], 0);
        assert!(matches!(&got.reply.outcomes[..], [Outcome::Conflict { revision: Some(_), .. }]));
        let tag = laptop.cursor.head.clone().unwrap().tag;
        let told = laptop.cursor.head.clone();
        for (position, head) in [
            (guard.clone(), told.clone()),
            (format!("0.{guard}"), told),
            (guard.clone(), Some(Head { number, tag })),
        ] {
            let lost = Device::new(&server.client, &home.token("ann@example.com"));
            let response = lost.at(&Cursor { position: Some(position), head }).ask(&[], 10);
            assert_eq!((response.status, response.code().as_str()), (409, "new-epoch"));
        }
    }
}

#[test]
fn a_device_may_skip_the_span_that_it_wrote() {
    let (home, server) = Home::with_ann(&[]);
    let (mut laptop, mut desktop) = devices(&home, &server);
    laptop.pull();
    let start = laptop.cursor.clone();
    let one = project("aaaaaaaa", "one");
    let first = laptop.exchange(&[("aaaaaaaa", None, &one), ("bbbbbbbb", None, &one)], 0);
    assert_eq!(first.reply.cursor.position, start.position, "a push alone stays where it is");
    let span = first.reply.written.unwrap();
    assert_eq!(Some(&span.after), start.position.as_ref());
    let second = laptop.exchange(&[("cccccccc", None, &one)], 0).reply.written.unwrap();
    assert_eq!(second.after, span.until, "spans of one device chain");
    desktop.write("dddddddd", None, &one);
    laptop.cursor.position = Some(second.until);
    assert_eq!(laptop.pull(), ["dddddddd"]);
    assert_eq!(laptop.exchange(&[], 0).reply.written, None);
}

#[test]
fn bad_records_are_rejected_one_by_one_and_stop_nothing_else() {
    let (home, server) = Home::with_ann(&[]);
    let (mut laptop, mut desktop) = devices(&home, &server);
    let good = project("aaaaaaaa", "good");
    let huge = envelope("laptop", 1, Some(&format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20))));
    let newer = [br#"{"v":2,"ancestry":{"w":1},"device":"d","at":"t"}"#.as_slice(), b"\n{}"].concat();
    let nobody = [br#"{"v":1,"ancestry":{},"device":"d","at":"t"}"#.as_slice(), b"\n{}"].concat();
    let neither = br#"{"v":1,"ancestry":{"w":1},"device":"d","at":"t"}"#.to_vec();
    let writes: &[(&str, Option<&str>, &[u8])] = &[
        ("short", None, &good),
        ("a/b/c/d/", None, &good),
        ("aaaaaaäa", None, &good),
        ("bbbbbbbb", None, b"no head"),
        ("cccccccc", None, &newer),
        ("dddddddd", None, &nobody),
        ("eeeeeeee", None, &neither),
        ("ffffffff", None, &huge),
        ("aaaaaaaa", None, &good),
    ];
    let got = laptop.exchange(writes, 10);
    let reasons: Vec<&str> = got
        .reply
        .outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Rejected { reason, message } if !message.is_empty() => reason.as_str(),
            Outcome::Accepted { .. } => "accepted",
            other => panic!("{other:?}"),
        })
        .collect();
    let mut expected = vec!["invalid"; 7];
    expected.extend(["too-large", "accepted"]);
    assert_eq!(reasons, expected);
    assert_eq!(desktop.pull(), ["aaaaaaaa"]);
}

#[test]
fn bodies_that_are_not_of_the_protocol_are_refused_whole() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let good = project("aaaaaaaa", "x");
    let whole = body(&Cursor::default(), &[("aaaaaaaa", None, &good)], 10);
    let cut = whole[..whole.len() - 1].to_vec();
    let long = [whole.as_slice(), b"more"].concat();
    let lying = br#"{"limit":1,"mutations":[{"id":"aaaaaaaa","guard":null,"len":18446744073709551615}]}"#;
    let lying = [lying.as_slice(), b"\n"].concat();
    for bad in [Vec::new(), b"{}".to_vec(), b"{}\n".to_vec(), b"\xff\xfe\n".to_vec(), cut, long, lying] {
        let request =
            Request::post("/v1/sync", bad.clone()).bearer(&token).header("content-type", SYNC_MEDIA_TYPE);
        let response = server.send(&request);
        let said = (response.status, response.code());
        assert_eq!(said, (400, "invalid-request".to_owned()), "{}", String::from_utf8_lossy(&bad));
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request =
            Request::post("/v1/sync", whole.clone()).bearer(&token).header("content-type", media_type);
        assert_eq!(server.send(&request).status, 415, "{media_type}");
    }
    assert_eq!(Device::new(&server.client, &token).pull(), [""; 0]);
}

#[test]
fn bodies_are_packed_both_ways() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let large = project("aaaaaaaa", &"words and ".repeat(1000));
    let plain = body(&Cursor::default(), &[("aaaaaaaa", None, &large)], 10);
    let sync = |body: Vec<u8>| {
        Request::post("/v1/sync", body).bearer(&token).header("content-type", SYNC_MEDIA_TYPE)
    };
    let packed = zstd::bulk::compress(&plain, 3).unwrap();
    let response = server.send(&sync(packed).header("content-encoding", "zstd"));
    assert_eq!(response.status, 200, "{}", response.text());
    let again = sync(body(&Cursor::default(), &[], 10)).header("accept-encoding", "zstd");
    let response = server.send(&again);
    assert_eq!(response.header("content-encoding"), Some("zstd"));
    assert_eq!(read(&zstd::bulk::decompress(&response.body, 1 << 20).unwrap()).changes, [large]);
    let unknown = server.send(&sync(plain).header("content-encoding", "gzip"));
    assert_eq!((unknown.status, unknown.header("accept-encoding")), (415, Some("zstd")));
}

#[test]
fn nobody_meets_the_records_of_another_account() {
    let (home, server) = Home::with_ann(&[]);
    home.add_user("bob@example.com");
    let mut ann = Device::new(&server.client, &home.token("ann@example.com"));
    let bobs = home.token("bob@example.com");
    let mut bob = Device::new(&server.client, &bobs);
    ann.write("aaaaaaaa", None, &project("aaaaaaaa", "ann's"));
    assert_eq!(bob.pull(), [""; 0]);
    assert_eq!(
        server.send(&Request::get("/v1/projects").bearer(&bobs)).json()["projects"],
        serde_json::json!([])
    );
    let got = bob.exchange(&[("aaaaaaaa", Some("1"), &project("aaaaaaaa", "bob's"))], 10);
    assert_eq!(got.reply.outcomes, [Outcome::Conflict { revision: None, len: 0 }]);
    bob.cursor = ann.cursor.clone();
    assert_eq!(bob.ask(&[], 10).code(), "new-epoch");
}

#[test]
fn a_server_that_was_put_back_says_so_even_after_it_went_on() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let mut laptop = Device::new(&server.client, &token);
    let first = laptop.write("aaaaaaaa", None, &project("aaaaaaaa", "one"));
    let early = laptop.cursor.clone();
    assert!(server.stop().0.success());
    home.save();

    let server = home.serve(&[]);
    let mut laptop = Device::new(&server.client, &token).at(&early);
    laptop.write("aaaaaaaa", Some(&first), &project("aaaaaaaa", "two"));
    laptop.write("bbbbbbbb", None, &project("bbbbbbbb", "lost"));
    let lost = laptop.cursor.clone();
    assert!(server.stop().0.success());
    home.put_back();

    let server = home.serve(&[]);
    let mut laptop = Device::new(&server.client, &token).at(&lost);
    let writes: &[(&str, Option<&str>, &[u8])] = &[("eeeeeeee", None, &project("eeeeeeee", "x"))];
    let response = laptop.ask(writes, 10);
    assert_eq!((response.status, response.code().as_str()), (409, "new-epoch"));

    let mut other = Device::new(&server.client, &token).at(&early);
    for id in ["cccccccc", "dddddddd", "ffffffff"] {
        other.write(id, None, &project(id, "new"));
    }
    assert_eq!(laptop.ask(&[], 10).code(), "new-epoch", "its commit's number was made again");
    laptop.cursor = Cursor { position: None, head: lost.head };
    assert_eq!(laptop.ask(&[], 10).code(), "new-epoch");
    laptop.cursor = Cursor::default();
    assert_eq!(
        laptop.pull(),
        ["aaaaaaaa", "cccccccc", "dddddddd", "ffffffff"],
        "nothing of the refused push"
    );
}

#[test]
fn a_position_of_another_server_leads_to_a_new_epoch_and_no_dead_end() {
    let (home, server) = Home::with_ann(&[]);
    let mut laptop = Device::new(&server.client, &home.token("ann@example.com"));
    laptop.write("aaaaaaaa", None, &project("aaaaaaaa", "x"));
    let head = laptop.cursor.head.clone();
    for position in ["", "x", "-1", "1.x", "1.1.1", "99999999999999999999", "W/\"etag\""] {
        laptop.cursor = Cursor { position: Some(position.to_owned()), head: head.clone() };
        assert_eq!(laptop.ask(&[], 10).code(), "new-epoch", "{position}");
    }
    laptop.cursor = Cursor { position: None, head: Some(Head { number: 1, tag: "x".repeat(10_000) }) };
    assert_eq!(laptop.ask(&[], 10).code(), "new-epoch");
}

#[test]
fn pruned_tombstones_expire_those_who_were_away() {
    let (home, server) = Home::with_ann(&[]);
    let (mut laptop, mut desktop) = devices(&home, &server);
    let revision = laptop.write("aaaaaaaa", None, &project("aaaaaaaa", "x"));
    desktop.pull();
    laptop.write("aaaaaaaa", Some(&revision), &envelope("laptop", 2, None));
    let pruned = home.run(&["prune", "--older-than", "0"], "");
    assert_eq!(String::from_utf8_lossy(&pruned.stdout), "dropped 1 tombstones\n", "{pruned:?}");
    let response = desktop.ask(&[], 10);
    assert_eq!((response.status, response.code().as_str()), (410, "expired"));
    desktop.cursor.position = None;
    assert_eq!(desktop.pull(), [""; 0]);
    assert_eq!(laptop.pull(), [""; 0], "who saw the tombstone goes on");
}

#[test]
fn what_was_answered_survives_a_kill_and_no_request_is_kept_by_half() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let batch = 50;
    let client = server.client.clone();
    let (report, reports) = std::sync::mpsc::channel();
    let writer = std::thread::spawn({
        let token = token.clone();
        move || {
            for n in 0.. {
                let ids: Vec<String> = (0..batch).map(|m| format!("a{n:03}{m:04}")).collect();
                let envelopes: Vec<Vec<u8>> = ids.iter().map(|id| project(id, "x")).collect();
                let writes: Vec<(&str, Option<&str>, &[u8])> =
                    ids.iter().zip(&envelopes).map(|(id, e)| (id.as_str(), None, e.as_slice())).collect();
                let request = Request::post("/v1/sync", body(&Cursor::default(), &writes, 0));
                let request = request.bearer(&token).header("content-type", SYNC_MEDIA_TYPE);
                // The kill may come at any byte of this.
                let answered = std::panic::catch_unwind(|| client.send(&request).status);
                if answered.ok() != Some(200) || report.send(n).is_err() {
                    break;
                }
            }
        }
    });
    for _ in 0..5 {
        reports.recv().unwrap();
    }
    server.kill();
    writer.join().unwrap();
    let answered = 5 + reports.try_iter().count();

    let server = home.serve(&[]);
    let mut device = Device::new(&server.client, &token);
    let mut held = 0;
    loop {
        let page = device.exchange(&[], 1000);
        held += page.reply.changes.len();
        if !page.reply.more {
            break;
        }
    }
    assert!(
        held >= answered * batch && held % batch == 0,
        "{answered} batches of {batch} answered, {held} held"
    );
}
