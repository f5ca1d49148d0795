//! P64, `GET /v1/changes/wait`: who is woken by what, how soon, and who may not wait.

use std::time::{Duration, Instant};

use orkee_wire::Cursor;

use crate::support::browser::tokens;
use crate::support::device::{project, sealed};
use crate::support::http::Open;
use crate::support::{Device, Home, Request, Server};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
/// Sooner than any request looks by itself.
const SOON: Duration = Duration::from_millis(700);
/// As soon as another process's write is seen, with a little for all around it.
const SEEN: Duration = Duration::from_secs(3);
/// Much less than whoever waits here asked for.
const EARLY: Duration = Duration::from_secs(30);
/// How long it is watched that nothing comes.
const QUIET: Duration = Duration::from_millis(300);

fn target(cursor: &Cursor, wait: &str) -> String {
    let head = cursor.head.as_ref().map(|head| format!("&head={}&tag={}", head.number, head.tag));
    let position = cursor.position.as_deref().unwrap_or_default();
    format!("/v1/changes/wait?position={position}&wait={wait}{}", head.unwrap_or_default())
}

fn asking(token: &str, cursor: &Cursor, wait: &str) -> Request {
    Request::get(target(cursor, wait)).bearer(token)
}

fn waiting(server: &Server, token: &str, cursor: &Cursor) -> Open {
    server.client.open(&asking(token, cursor, "60"))
}

/// What a wait that ends says, and how long from now that took.
#[track_caller]
fn changed(open: Open) -> (bool, Duration) {
    let (response, took) = open.answer();
    assert_eq!(response.status, 200, "{}", response.text());
    (response.json()["changed"].as_bool().unwrap(), took)
}

/// Several try, since a busy machine may be late with one; a server that is not woken always is.
#[track_caller]
fn one_is_within(limit: Duration, once: impl FnMut(usize) -> Duration) {
    let took: Vec<Duration> = (0..6).map(once).take_while(|took| *took >= limit).collect();
    assert!(took.len() < 6, "{took:?}");
}

/// How long it takes until each of these is told that something changed.
#[track_caller]
fn woken(open: impl IntoIterator<Item = Open>) -> Duration {
    let took = open.into_iter().map(|open| {
        let (changed, took) = changed(open);
        assert!(changed);
        took
    });
    took.max().unwrap()
}

/// Where a device stands that knows all.
fn up_to_date(server: &Server, token: &str) -> Cursor {
    let mut device = Device::new(&server.client, token);
    device.pull();
    device.cursor
}

#[track_caller]
fn done(home: &Home, args: &[&str]) {
    let output = home.run(args, "");
    assert!(output.status.success(), "{args:?}: {output:?}");
}

#[test]
fn p64_what_is_there_already_is_told_at_once_and_nothing_when_the_time_is_over() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token(ANN);
    let mut device = Device::new(&server.client, &token);
    device.write("aaaaaaaa", None, &project("aaaaaaaa", "one"));
    let old = up_to_date(&server, &token);
    let mut other = Device::new(&server.client, &token).at(&old);
    other.write("bbbbbbbb", None, &project("bbbbbbbb", "two"));
    assert!(changed(waiting(&server, &token, &old)).0);
    let new = up_to_date(&server, &token);
    for wait in ["0", "1"] {
        let begun = Instant::now();
        assert!(!changed(server.client.open(&asking(&token, &new, wait))).0);
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(wait.parse().unwrap()), "{took:?}");
        assert!(took < EARLY, "{took:?}");
    }
    // A place in a full listing, a head that was never made, and a position beyond all: an exchange says what to do.
    let head = |number, tag: &str| orkee_wire::Head { number, tag: tag.to_owned() };
    let at = |position: &str, head| Cursor { position: Some(position.to_owned()), head };
    for cursor in [
        at("1.2", new.head.clone()),
        at("2", Some(head(2, "another"))),
        at("99", Some(head(99, "another"))),
        at("2", None),
    ] {
        assert!(changed(waiting(&server, &token, &cursor)).0, "{cursor:?}");
    }
}

#[test]
fn p64_a_write_wakes_who_waits_for_its_space_soon_and_nobody_else() {
    let (home, server) = Home::with_ann(&[]);
    home.add_user(BOB);
    let (ann, bob) = (home.token(ANN), home.token(BOB));
    let mut device = Device::new(&server.client, &ann);
    one_is_within(SOON, |n| {
        let (hers, his) = (up_to_date(&server, &ann), up_to_date(&server, &bob));
        let both = [waiting(&server, &ann, &hers), waiting(&server, &ann, &hers)];
        let not = waiting(&server, &bob, &his);
        assert!(both.iter().all(|open| open.is_silent(QUIET)));
        let id = format!("aaaaaaa{n}");
        device.write(&id, None, &project(&id, "one"));
        let took = woken(both);
        assert!(not.is_silent(QUIET));
        took
    });
    // What a script publishes is a write as well, and a pull is none.
    one_is_within(SOON, |n| {
        let open = waiting(&server, &ann, &up_to_date(&server, &ann));
        device.pull();
        assert!(open.is_silent(QUIET));
        let body = format!(r#"{{"projects":[{{"id":"bbbbbbb{n}","name":"two"}}]}}"#);
        let published = Request::post("/v1/sync", body).bearer(&ann);
        assert_eq!(server.send(&published.header("content-type", "application/json")).status, 200);
        woken([open])
    });
    assert!(!home.log().lines().any(|line| line.contains(" INFO ") && line.contains("/v1/changes/wait")));
}

#[test]
fn p64_members_of_a_team_and_devices_of_a_sealed_account_wait_as_others_do() {
    let (home, server) = Home::with_ann(&[]);
    home.add_user(BOB);
    done(&home, &["team", "create", "acme", "--owner", ANN]);
    done(&home, &["team", "add", "acme", BOB, "--role", "read-only"]);
    let (ann, bob) = (home.token(ANN), home.token(BOB));
    let team = |request: Request| request.header("orkee-space", "team");
    let own = up_to_date(&server, &bob);
    let first = Cursor { position: Some("0".to_owned()), head: None };
    let shared = server.client.open(&team(asking(&bob, &first, "60")));
    let alone = waiting(&server, &bob, &own);
    assert!(shared.is_silent(QUIET) && alone.is_silent(QUIET));
    let body = r#"{"projects":[{"id":"aaaaaaaa","name":"one"}]}"#;
    let published = Request::post("/v1/sync", body).bearer(&ann).header("content-type", "application/json");
    assert_eq!(server.send(&team(published)).status, 200);
    assert!(woken([shared]) < EARLY);
    assert!(alone.is_silent(QUIET));
    let mut sealing = Device::new(&server.client, &bob);
    sealing.write("bbbbbbbb", None, &sealed("laptop", 1));
    assert!(woken([alone]) < EARLY);
}

#[test]
fn p64_what_another_process_writes_is_seen_within_two_seconds() {
    let (home, server) = Home::with_ann(&[]);
    let other = home.serve(&[]);
    let token = home.token(ANN);
    one_is_within(SEEN, |n| {
        let open = waiting(&server, &token, &up_to_date(&server, &token));
        assert!(open.is_silent(QUIET));
        let id = format!("aaaaaaa{n}");
        Device::new(&other.client, &token).write(&id, None, &project(&id, "one"));
        woken([open])
    });
}

#[test]
fn p64_a_sign_in_that_ends_ends_what_it_waits_for() {
    let (home, server) = Home::with_ann(&[]);
    home.add_user(BOB);
    done(&home, &["team", "create", "acme", "--owner", ANN]);
    done(&home, &["team", "add", "acme", BOB, "--role", "member"]);
    let signed_in = tokens(&server.client);
    let device = signed_in["access_token"].as_str().unwrap();
    let (ann, bob) = (home.token(ANN), home.token(BOB));
    let cursor = up_to_date(&server, device);
    let mut open = vec![waiting(&server, device, &cursor), waiting(&server, &ann, &cursor)];
    let shared = server.client.open(&asking(&bob, &cursor, "60").header("orkee-space", "team"));
    assert!(open.iter().all(|open| open.is_silent(QUIET)) && shared.is_silent(QUIET));
    let listed = server.send(&Request::get("/v1/devices").bearer(device)).json();
    let devices = listed["devices"].as_array().unwrap();
    let own = devices.iter().find(|one| one["current"] == true).unwrap()["id"].as_str().unwrap();
    let gone = server.send(&Request::new("DELETE", format!("/v1/devices/{own}")).bearer(&ann));
    assert_eq!(gone.status, 204, "{}", gone.text());
    let (answer, took) = open.remove(0).answer();
    assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
    assert!(took < EARLY, "{took:?}");
    assert!(open[0].is_silent(QUIET), "another sign-in of the account waits on");
    done(&home, &["team", "remove", "acme", BOB]);
    let (answer, took) = shared.answer();
    assert_eq!((answer.status, answer.code().as_str()), (403, "not-a-member"));
    assert!(took < EARLY, "{took:?}");
    done(&home, &["user", "disable", ANN]);
    assert_eq!(open.remove(0).answer().0.status, 401);
}

#[test]
fn p64_a_server_that_stops_lets_nobody_wait() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token(ANN);
    let open = waiting(&server, &token, &up_to_date(&server, &token));
    assert!(open.is_silent(QUIET));
    let begun = Instant::now();
    let (status, _) = server.stop();
    assert!(status.success() && begun.elapsed() < EARLY, "{:?}", begun.elapsed());
    assert!(!changed(open).0);
}

#[test]
fn p64_a_device_may_wait_eight_times_and_who_goes_away_makes_room() {
    let (home, server) = Home::with_ann(&[]);
    let (token, other) = (home.token(ANN), home.token(ANN));
    let cursor = up_to_date(&server, &token);
    let mut open: Vec<Open> = (0..8).map(|_| waiting(&server, &token, &cursor)).collect();
    assert!(open.iter().all(|open| open.is_silent(Duration::from_millis(50))));
    let refused = server.send(&asking(&token, &cursor, "60"));
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate-limited"));
    assert_eq!((refused.header("retry-after"), &refused.json()["error"]["limit"]), (Some("60"), &8.into()));
    assert!(!changed(server.client.open(&asking(&other, &cursor, "0"))).0, "another device may");
    open.pop();
    assert_eq!(admitted(&server, &token, &cursor), 200);
}

#[test]
fn p64_an_account_with_many_devices_leaves_places_to_the_others() {
    let (home, server) = Home::with_ann(&[]);
    home.add_user(BOB);
    let tokens: Vec<String> = (0..9).map(|_| home.token(ANN)).collect();
    let (last, others) = tokens.split_last().unwrap();
    let cursor = up_to_date(&server, last);
    let mut open: Vec<Open> =
        others.iter().flat_map(|token| (0..8).map(|_| waiting(&server, token, &cursor))).collect();
    assert!(open.iter().all(|open| open.is_silent(Duration::from_millis(20))));
    let refused = server.send(&asking(last, &cursor, "60"));
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate-limited"));
    assert_eq!((refused.header("retry-after"), &refused.json()["error"]["limit"]), (Some("60"), &64.into()));
    let bob = home.token(BOB);
    assert!(!changed(server.client.open(&asking(&bob, &up_to_date(&server, &bob), "0"))).0, "another may");
    open.pop();
    assert_eq!(admitted(&server, last, &cursor), 200);
}

/// The status of a request that waits for no time, once there is room for it, or that there was none for long.
fn admitted(server: &Server, token: &str, cursor: &Cursor) -> u16 {
    let begun = Instant::now();
    loop {
        let again = server.send(&asking(token, cursor, "0"));
        if again.status == 200 || begun.elapsed() > EARLY {
            return again.status;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn p64_nonsense_is_refused_in_words_and_so_is_who_is_not_signed_in() {
    let (home, server) = Home::with_ann(&[]);
    let token = home.token(ANN);
    for (query, says) in [
        ("", "position"),
        ("?position=", "position is"),
        ("?position=x", "position is"),
        ("?position=-1", "position is"),
        ("?position=1.2.3", "position is"),
        ("?position=18446744073709551615", "position is"),
        ("?position=1&wait=", "from 0 to 300"),
        ("?position=1&wait=301", "from 0 to 300"),
        ("?position=1&wait=-1", "from 0 to 300"),
        ("?position=1&wait=1000000000000000000000", "from 0 to 300"),
        ("?position=1&wait=soon", "from 0 to 300"),
        ("?position=1&head=1", "both or neither"),
        ("?position=1&tag=a", "both or neither"),
        ("?position=1&head=x&tag=a", "both or neither"),
        ("?position=1&wiat=3", "wiat"),
        ("?position=1&position=2", "position"),
    ] {
        let refused = server.send(&Request::get(format!("/v1/changes/wait{query}")).bearer(&token));
        assert_eq!((refused.status, refused.code().as_str()), (400, "invalid-request"), "{query}");
        let words = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(words.contains(says), "{query}: {words}");
    }
    assert_eq!(server.send(&Request::get("/v1/changes/wait?position=1")).status, 401);
    let post = server.send(&Request::post("/v1/changes/wait?position=1", "").bearer(&token));
    assert_eq!((post.status, post.code().as_str()), (405, "method-not-allowed"));
}
