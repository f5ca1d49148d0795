//! A sign-in in the browser, against a certified OpenID provider: what is asked, and which answers count.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::net::TcpStream;

use orkee_tests::browser::Browser;
use orkee_tests::device::{Device, Login};
use orkee_tests::home::finish;
use orkee_tests::http::{self, Reply};
use orkee_tests::mock::{Answer, Mock, metadata, tokens};
use orkee_tests::op::Op;
use orkee_tests::server::Server;
use url::Url;

fn get(url: &Url) -> Reply {
    http::get(url, &[]).unwrap()
}

/// The test was the browser up to here; the browser does the rest.
fn go_on(op: &Op, login: &Login) -> Browser {
    let mut browser = Browser::default();
    let last = browser.sign_in(&login.authorize(), &op.person()).unwrap();
    assert_eq!(last.reply.status, 200, "{}", last.reply.text());
    assert_eq!(last.url.path(), "/done");
    browser
}

#[test]
fn a01_a_login_in_the_browser_ends_with_a_private_token_file() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = finish(device.login_command(&op.person(), &[]), &[]).success();
    assert_eq!(login.stdout, "");
    let login = login.says(op.url.trim_start_matches("http://")).says("john@example.com");
    assert!(!login.stderr.contains("warning"), "{login}");
    assert_eq!(device.auth_mode(), 0o600);
    assert!(device.auth_toml().unwrap().contains("[orkee_cloud]\ntoken = \""));
}

#[test]
fn a01_a_login_at_the_real_server_shows_the_five_published_lines() {
    let server = Server::start();
    let device = Device::new(&server.url);
    device.login(&server.person()).says("john@example.com");
    let status = device.run(&["cloud", "status"]).success();
    let lines: Vec<_> = status.stdout.lines().collect();
    assert_eq!(lines[0], "✓ Authenticated with Orkee Cloud");
    assert_eq!(lines[1], "✓ Account: john@example.com");
    assert_eq!(lines[2], "✓ Subscription: Pro Plan");
    let expires = lines[3].strip_prefix("✓ Token expires: ").unwrap();
    assert!(expires.parse::<jiff::civil::Date>().is_ok(), "{status}");
    assert_eq!(lines[4], "✓ Last sync: never");
    let json = device.run(&["cloud", "status", "--offline", "--json"]).success().json();
    assert_eq!(json["authenticated"], true);
    assert_eq!(json["account"], "john@example.com");
    assert_eq!(json["subscription"], "Pro Plan");
    assert_eq!(json["projects"]["in_step"], 0);
}

#[test]
fn a02_the_authorize_url_asks_for_no_more_than_it_needs() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let mut login = device.begin_login(&[]);
    assert_eq!(login.parameter("response_type"), "code");
    assert_eq!(login.parameter("code_challenge_method"), "S256");
    let challenge = login.parameter("code_challenge");
    assert_eq!(challenge.len(), 43);
    assert!(!challenge.contains('='));
    assert!(login.parameter("state").len() >= 43);
    assert_eq!(login.parameter("scope"), "sync");
    let redirect: Url = login.parameter("redirect_uri").parse().unwrap();
    assert_eq!((redirect.scheme(), redirect.host_str()), ("http", Some("127.0.0.1")));
    assert!(redirect.port().is_some());
    login.child.kill().unwrap();
}

#[test]
fn a03_two_attempts_share_nothing_even_after_a_failed_one() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let first = device.begin_login(&[]);
    let denied = [("error", "access_denied"), ("state", &first.parameter("state")), ("iss", &op.url)];
    get(&first.callback(&denied));
    let (state, challenge) = (first.parameter("state"), first.parameter("code_challenge"));
    first.finish().exits(4);
    let mut second = device.begin_login(&[]);
    assert_ne!(second.parameter("state"), state);
    assert_ne!(second.parameter("code_challenge"), challenge);
    assert_eq!(second.parameter("nonce"), "");
    second.child.kill().unwrap();
}

#[test]
fn a04_a_callback_with_a_wrong_or_no_state_is_refused_and_the_true_one_still_counts() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let mut login = device.begin_login(&[]);
    for forged in [&[("code", "abc"), ("state", "wrong")][..], &[("code", "abc")]] {
        assert_eq!(get(&login.callback(forged)).status, 400);
    }
    assert!(login.is_waiting());
    assert_eq!(op.token_requests(), 0);
    go_on(&op, &login);
    login.finish().success();
    assert_eq!(op.token_requests(), 1);
}

#[test]
fn a05_the_same_callback_twice_leads_to_one_token_request() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    let callback = Browser::default().sign_in_up_to_callback(&login.authorize(), &op.person()).unwrap();
    assert_eq!(get(&callback).status, 303);
    let again = get(&callback);
    assert_eq!(again.status, 200);
    assert!(again.text().contains("Already used"), "{}", again.text());
    get(&callback.join("/done").unwrap());
    login.finish().success();
    assert_eq!(op.token_requests(), 1);
}

#[test]
fn a06_a_parameter_that_comes_twice_voids_the_callback() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let mut login = device.begin_login(&[]);
    let state = login.parameter("state");
    for doubled in [
        &[("code", "a"), ("code", "b"), ("state", &state), ("iss", &op.url)][..],
        &[("code", "a"), ("state", &state), ("state", &state), ("iss", &op.url)],
    ] {
        assert_eq!(get(&login.callback(doubled)).status, 400);
    }
    assert!(login.is_waiting());
    assert_eq!(op.token_requests(), 0);
    go_on(&op, &login);
    login.finish().success();
}

#[test]
fn a07_a_code_that_was_used_before_ends_the_login_and_writes_nothing() {
    let op = Op::start();
    let first = Device::new(&op.url);
    let login = first.begin_login(&[]);
    let browser = go_on(&op, &login);
    login.finish().success();
    let used = browser.visited.iter().find(|url| url.path() == "/callback").unwrap();
    let code = used.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();

    let second = Device::new(&op.url);
    let login = second.begin_login(&[]);
    let answer = [("code", &*code), ("state", &login.parameter("state")), ("iss", &op.url)];
    let done = login.callback(&answer).join("/done").unwrap();
    get(&login.callback(&answer));
    get(&done);
    login.finish().fails(4, "E-AUTH-012").says("orkee cloud login");
    assert_eq!(second.auth_toml(), None);
    assert!(!second.files().iter().any(|file| file.contains("auth.toml")), "{:?}", second.files());
}

#[test]
fn a09_a_challenge_that_was_taken_out_is_refused_by_the_server_and_told() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    let mut stripped = login.authorize();
    let kept: Vec<(String, String)> =
        stripped.query_pairs().into_owned().filter(|(name, _)| !name.starts_with("code_challenge")).collect();
    stripped.query_pairs_mut().clear().extend_pairs(kept);
    Browser::default().sign_in(&stripped, &op.person()).unwrap();
    login.finish().exits(4).says("invalid_request");
}

#[test]
fn a10_a_code_of_another_login_does_not_fit_and_changes_nothing() {
    let op = Op::start();
    let (victim, attacker) = (Device::new(&op.url), Device::new(&op.url));
    victim.login(&op.person());
    let before = victim.auth_toml();

    let mut theirs = attacker.begin_login(&[]);
    let callback = Browser::default().sign_in_up_to_callback(&theirs.authorize(), &op.person()).unwrap();
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    theirs.child.kill().unwrap();

    let login = victim.begin_login(&[]);
    get(&login.callback(&[("code", &*code), ("state", &login.parameter("state")), ("iss", &op.url)]));
    login.finish().fails(4, "E-AUTH-012");
    assert_eq!(victim.auth_toml(), before);
}

#[test]
fn a11_a12_an_answer_of_another_issuer_or_of_none_ends_the_login_without_a_token_request() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    let state = login.parameter("state");
    get(&login.callback(&[("code", "abc"), ("state", &state), ("iss", "https://evil.example")]));
    login.finish().fails(4, "E-AUTH-013").says("https://evil.example").says(&op.url);

    let login = device.begin_login(&[]);
    get(&login.callback(&[("code", "abc"), ("state", &login.parameter("state"))]));
    login.finish().fails(4, "E-AUTH-013").says(&op.url);
    assert_eq!(op.token_requests(), 0);
}

#[test]
fn a12_a_server_that_does_not_promise_to_name_itself_need_not_but_may_name_no_other() {
    let changes: [fn(&mut serde_json::Map<String, serde_json::Value>); 2] = [
        |m| drop(m.insert("authorization_response_iss_parameter_supported".to_owned(), false.into())),
        |m| drop(m.remove("authorization_response_iss_parameter_supported")),
    ];
    for change in changes {
        let server = Mock::start_with(|url| {
            let url = url.to_owned();
            move |request| match request.target.as_str() {
                "/.well-known/oauth-authorization-server" => {
                    let mut document = metadata(&url);
                    change(document.as_object_mut().unwrap());
                    Answer::json(200, &document)
                }
                "/oauth/token" => Answer::json(200, &tokens(1)),
                _ => Answer::empty(404),
            }
        });
        let device = Device::new(&server.url);
        let login = device.begin_login(&[]);
        let state = login.parameter("state");
        get(&login.callback(&[("code", "abc"), ("state", &state), ("iss", "https://evil.example")]));
        login.finish().fails(4, "E-AUTH-013").says("https://evil.example");
        assert!(server.requests_for("/oauth/token").is_empty());

        for named in [&[][..], &[("iss", &*server.url)]] {
            let login = device.begin_login(&[]);
            let state = login.parameter("state");
            let answer = [&[("code", "abc"), ("state", &*state)], named].concat();
            get(&login.callback(&answer));
            get(&login.callback(&[]).join("/done").unwrap());
            login.finish().success();
            assert!(device.auth_toml().unwrap().contains("orkee_access_1"));
        }
    }
}

#[test]
fn a14_a_refusal_reaches_page_and_terminal_as_harmless_text() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    let callback = login.callback(&[
        ("error", "access_denied"),
        ("error_description", "<script>alert(1)</script>\u{1b}[31m\r\nforged: line"),
        ("state", &login.parameter("state")),
        ("iss", &op.url),
    ]);
    assert_eq!(get(&callback).status, 303);
    let page = get(&callback.join("/done").unwrap()).text();
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    let ran = login.finish().exits(4).says("you declined");
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains("\nforged"), "{ran}");
    assert_eq!(op.token_requests(), 0);
}

#[test]
fn a15_whatever_else_knocks_is_turned_away_and_the_login_completes() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    let callback = login.callback(&[]);
    let favicon = callback.join("/favicon.ico").unwrap();
    assert_eq!(get(&favicon).status, 404);
    assert_eq!(get(&callback.join("/done").unwrap()).status, 404);
    for method in ["POST", "HEAD", "OPTIONS", "PUT"] {
        assert_eq!(http::send(method, &callback, &[], b"").unwrap().status, 405, "{method}");
    }
    let right = login.callback(&[("code", "a"), ("state", &login.parameter("state")), ("iss", &op.url)]);
    let target = &right[url::Position::BeforePath..];
    for host in ["localhost", "evil.example", "127.0.0.1"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(http::raw(&right, request.as_bytes(), false).unwrap().status, 400, "{host}");
    }
    let huge = format!("GET {target} HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert_eq!(http::raw(&right, huge.as_bytes(), false).unwrap().status, 400);
    go_on(&op, &login);
    login.finish().success();
    assert_eq!(op.token_requests(), 1);
}

#[test]
fn a16_connections_that_say_nothing_do_not_keep_the_callback_out() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    let callback = login.callback(&[]);
    let mut silent: Vec<TcpStream> = (0..100).map(|_| http::connect(&callback).unwrap()).collect();
    // Some begin to speak, and stop.
    for stream in silent.iter_mut().skip(90) {
        stream.write_all(b"GET /callback?").unwrap();
    }
    go_on(&op, &login);
    login.finish().success();
    drop(silent);
}

#[test]
fn a17_pages_are_not_kept_load_nothing_and_hide_the_code() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    let error = get(&login.callback(&[("code", "abc"), ("state", "wrong")]));
    let callback = Browser::default().sign_in_up_to_callback(&login.authorize(), &op.person()).unwrap();
    let redirect = get(&callback);
    assert_eq!((redirect.status, redirect.header("location")), (303, Some("/done")));
    let done = get(&callback.join("/done").unwrap());
    assert!(done.text().contains("You are signed in"), "{}", done.text());
    for page in [error, redirect, done] {
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none';"));
        let body = page.text();
        assert!(
            !["src=", "href=", "url(", "@import", "<script", "code="]
                .iter()
                .any(|remote| body.contains(remote))
        );
    }
    login.finish().success();
}
