//! Limits, each told in the reply that refuses.

use std::time::Instant;

use orkee_wire::{Cursor, MAX_BODY_BYTES, MAX_MUTATIONS, SYNC_MEDIA_TYPE};

use crate::support::device::{body, envelope, project};
use crate::support::{Device, Home, Request};

fn sync(body: Vec<u8>, token: &str) -> Request {
    Request::post("/v1/sync", body).bearer(token).header("content-type", SYNC_MEDIA_TYPE)
}

#[test]
fn a_body_above_eight_mebibytes_is_too_large_packed_or_not() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let large = vec![b' '; MAX_BODY_BYTES as usize + 1];
    let bomb = zstd::bulk::compress(&vec![b' '; 1 << 28], 3).unwrap();
    assert!(bomb.len() < 100_000);
    for request in [sync(large.clone(), &token), sync(bomb, &token).header("content-encoding", "zstd")] {
        let response = server.send(&request);
        assert_eq!((response.status, response.code().as_str()), (413, "too-large"));
        assert_eq!(response.json()["error"]["limit"], MAX_BODY_BYTES);
    }
    let not_packed = sync(b"{}\n".to_vec(), &token).header("content-encoding", "zstd");
    assert_eq!(server.send(&not_packed).code(), "invalid-request");
}

#[test]
fn more_records_than_a_batch_holds_are_too_large() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let one = project("aaaaaaaa", "x");
    let ids: Vec<String> = (0..=MAX_MUTATIONS).map(|n| format!("{n:08}")).collect();
    let writes: Vec<(&str, Option<&str>, &[u8])> =
        ids.iter().map(|id| (id.as_str(), None, one.as_slice())).collect();
    let response = server.send(&sync(body(&Cursor::default(), &writes, 10), &token));
    assert_eq!((response.status, response.code().as_str()), (413, "too-large"));
    assert_eq!(response.json()["error"]["limit"], MAX_MUTATIONS);
    let most = server.send(&sync(body(&Cursor::default(), &writes[1..], 10), &token));
    assert_eq!(most.status, 200);
}

#[test]
fn an_account_that_asks_too_often_waits_and_others_do_not() {
    let (home, server) = Home::with_ann(&["--rate-limit", "3"]);
    home.add_user("bob@example.com");
    let (ann, bob) = (home.token("ann@example.com"), home.token("bob@example.com"));
    let ask = |token: &str| server.send(&Request::get("/v1/account").bearer(token));
    let answers: Vec<_> = (0..5).map(|_| ask(&ann)).collect();
    let refused = answers.iter().find(|answer| answer.status != 200).expect("one too many");
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate-limited"));
    assert_eq!(refused.json()["error"]["limit"], 3);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(ask(&bob).status, 200);
}

#[test]
fn a_page_stays_below_the_limit_of_a_body_and_the_next_goes_on() {
    let (home, server) = Home::with_ann(&[]);
    let mut writer = Device::new(&server.client, &home.token("ann@example.com"));
    let mut reader = Device::new(&server.client, &home.token("ann@example.com"));
    let large = envelope("laptop", 1, Some(&format!("{{\"x\":\"{}\"}}", "x".repeat(1_000_000))));
    for half in 0..2 {
        let ids: Vec<String> = (0..6).map(|n| format!("aaaaaa{half}{n}")).collect();
        let writes: Vec<(&str, Option<&str>, &[u8])> =
            ids.iter().map(|id| (id.as_str(), None, large.as_slice())).collect();
        writer.exchange(&writes, 0);
    }
    let (mut pages, mut met) = (0, 0);
    loop {
        let response = reader.ask(&[], 1000);
        assert!(response.body.len() as u64 <= MAX_BODY_BYTES, "{}", response.body.len());
        let page = reader.exchange(&[], 1000);
        (pages, met) = (pages + 1, met + page.changes.len());
        if !page.reply.more {
            break;
        }
    }
    assert_eq!((pages, met), (2, 12));

    let ids: Vec<String> = (0..12).map(|n| format!("aaaaaa{}{}", n / 6, n % 6)).collect();
    let small = project("aaaaaaaa", "late");
    let late: Vec<(&str, Option<&str>, &[u8])> =
        ids.iter().map(|id| (id.as_str(), None, small.as_slice())).collect();
    let response = reader.ask(&late, 10);
    assert_eq!((response.status, response.code().as_str()), (413, "too-large"), "send fewer");
    assert_eq!(reader.ask(&late[..4], 10).status, 200);
}

#[test]
fn sign_ins_are_counted_by_account_and_address() {
    let (home, server) = Home::with_ann(&[]);
    home.add_user("bob@example.com");
    let mut browser = crate::support::Browser::new(&server.client);
    let page = browser.open(&crate::support::browser::authorize(&[]));
    let mut wrong = || browser.submit(&page, &[("email", "ann@example.com"), ("password", "wrong")]).status;
    assert_eq!([(); 10].map(|()| wrong()), [403; 10]);
    // A machine that takes half a minute for ten passwords has earned another try meanwhile.
    assert!((0..20).any(|_| wrong() == 429));
    let right = [("email", " ANN@example.com"), ("password", crate::support::server::PASSWORD)];
    assert_eq!(browser.submit(&page, &right).status, 429, "another spelling is the same account");
    browser.sign_in(&page, "bob@example.com");
}

#[test]
fn wrong_passwords_are_counted_by_account_wherever_they_come_from() {
    let (home, server) = Home::with_ann(&["--public-url", "https://orkee.example.com"]);
    home.add_user("bob@example.com");
    let try_from = |n: usize, email: &str, password: &str| {
        let mut browser = crate::support::Browser::new(&server.client);
        let page = browser.open(&crate::support::browser::authorize(&[]));
        // Another network each time.
        browser.forwarded = Some(format!("2001:db8:{:x}::1", n + 1));
        browser.submit(&page, &[("email", email), ("password", password)]).status
    };
    let right = crate::support::server::PASSWORD;
    assert_eq!(try_from(0, "ann@example.com", right), 303);
    // A machine that takes more than a minute for fifty passwords has earned another try meanwhile: fifty an hour.
    let began = Instant::now();
    let refused = (1..=200).take_while(|n| try_from(*n, "ann@example.com", "wrong") == 403).count();
    let earned = (began.elapsed().as_secs() / 72) as usize;
    assert!(
        (50..=50 + earned).contains(&refused),
        "who signs in does not count: {refused}, of {earned} earned"
    );
    assert_eq!(try_from(201, " ANN@example.com", right), 429);
    assert_eq!(try_from(202, "bob@example.com", right), 303);
}

#[test]
fn a_large_body_that_is_refused_meets_the_answer_and_no_reset() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let large = vec![b'x'; 12 << 20];
    for (target, token, encoding, status) in [
        ("/v1/sync", "wrong", "identity", 401),
        ("/v1/backup", "wrong", "identity", 401),
        ("/v1/sync", token.as_str(), "identity", 415),
        ("/v1/sync", token.as_str(), "gzip", 415),
        ("/v1/backup", token.as_str(), "gzip", 415),
        ("/v1/backup", token.as_str(), "zstd", 400),
    ] {
        let request = Request::post(target, large.clone()).bearer(token).header("content-encoding", encoding);
        assert_eq!(server.send(&request).status, status, "{target} {encoding}");
    }
}

#[test]
fn nobody_holds_a_connection_with_a_body_that_drips() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token("ann@example.com");
    let upload = |target: &str, token: &str| {
        Request::post(target, "").bearer(token).header("content-type", SYNC_MEDIA_TYPE)
    };
    let cases = [
        (upload("/v1/sync", "wrong"), 401),
        (upload("/v1/backup", "wrong"), 401),
        (upload("/v1/sync", &token), 408),
        (upload("/v1/backup", &token), 408),
        (Request::post("/oauth/token", ""), 408),
    ];
    std::thread::scope(|scope| {
        let client = &server.client;
        let asked = cases.each_ref().map(|(request, _)| scope.spawn(move || client.drip(request).status));
        assert_eq!(asked.map(|asked| asked.join().unwrap()), cases.each_ref().map(|(_, status)| *status));
    });
}

#[test]
fn behind_a_proxy_the_address_is_the_one_that_the_proxy_wrote_last() {
    let (_home, server) = Home::with_ann(&["--public-url", "https://orkee.example.com"]);
    let ask = |forwarded: &[&str]| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", "orkee-cli")];
        let request = Request::form("/oauth/token", &fields);
        server
            .send(&forwarded.iter().fold(request, |request, ip| request.header("x-forwarded-for", ip)))
            .status
    };
    let mut n = 0u32;
    let refused = std::iter::repeat_with(|| {
        n += 1;
        let claimed = format!("10.0.{}.{}", n / 250, n % 250);
        ask(&[&claimed, &format!("{claimed}, 203.0.113.7")])
    });
    assert!(refused.take(2000).any(|status| status == 429), "an address cannot be made up");
    assert_eq!(ask(&["203.0.113.8"]), 400, "another one is not counted with it");
}
