//! Signing in on another device: what the device is told, and what a person may do with its code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::browser::form_in;
use crate::support::{Browser, Client, Home, Request, Response};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device that was given a code.
struct Asking {
    device_code: String,
    user_code: String,
    reply: Value,
}

fn ask(client: &Client) -> Asking {
    let fields = [("client_id", "orkee-cli"), ("device_name", "build box"), ("device_platform", "linux")];
    let reply = client.send(&Request::form("/oauth/device_authorization", &fields));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let reply = reply.json();
    let text = |name: &str| reply[name].as_str().unwrap().to_owned();
    Asking { device_code: text("device_code"), user_code: text("user_code"), reply }
}

fn poll(client: &Client, device_code: &str) -> Response {
    let fields = [("grant_type", GRANT), ("device_code", device_code), ("client_id", "orkee-cli")];
    client.send(&Request::form("/oauth/token", &fields))
}

fn error(response: &Response) -> (u16, String) {
    (response.status, response.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

/// What the form that answers for a code carries at the browser of a cookie.
fn form_key(cookie: &str, code: &str) -> String {
    let purpose = format!("device {code}");
    let mut hash = Sha256::new();
    hash.update((purpose.len() as u64).to_be_bytes());
    hash.update(&purpose);
    hash.update(cookie);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// A browser at which Ann is signed in, and the page for a code.
fn ann(client: &Client) -> (Browser, Response) {
    let mut browser = Browser::new(client);
    let page = browser.open("/device");
    let page = browser.sign_in(&page, "ann@example.com");
    (browser, page)
}

/// Types a code and answers the question that follows.
fn decide(browser: &mut Browser, page: &Response, code: &str, decision: &str) -> Response {
    let question = browser.submit(page, &[("user_code", code)]);
    assert_eq!(question.status, 200, "{}", question.text());
    browser.submit(&question, &[("decision", decision)])
}

#[test]
fn a_device_is_given_a_code_and_the_page_to_type_it_at() {
    let (_home, server) = Home::with_ann(&[]);
    let metadata = server.send(&Request::get("/.well-known/oauth-authorization-server")).json();
    assert_eq!(
        metadata["device_authorization_endpoint"],
        format!("{}/oauth/device_authorization", server.url)
    );
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&GRANT.into()));
    let Asking { user_code, reply, .. } = ask(&server.client);
    assert_eq!(reply["verification_uri"], format!("{}/device", server.url));
    assert_eq!(reply["verification_uri_complete"], format!("{}/device?user_code={user_code}", server.url));
    assert_eq!((&reply["expires_in"], &reply["interval"]), (&600.into(), &5.into()));
    let other = server.send(&Request::form("/oauth/device_authorization", &[("client_id", "somebody-else")]));
    assert_eq!(error(&other), (401, "invalid_client".to_owned()));
    let scope = [("client_id", "orkee-cli"), ("scope", "sync admin")];
    let scope = server.send(&Request::form("/oauth/device_authorization", &scope));
    assert_eq!(error(&scope), refused("invalid_scope"));
}

#[test]
fn a_code_that_was_typed_and_approved_signs_the_device_in_once() {
    let (_home, server) = Home::with_ann(&[]);
    let device = ask(&server.client);
    let (mut browser, page) = ann(&server.client);
    assert_eq!(error(&poll(&server.client, &device.device_code)), refused("authorization_pending"));
    // However it is typed.
    let typed = device.user_code.to_lowercase().replace('-', " ");
    let done = decide(&mut browser, &page, &typed, "approve");
    assert!(done.text().contains("Your device is connected"), "{}", done.text());
    let tokens = poll(&server.client, &device.device_code);
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    let token = tokens.json()["access_token"].as_str().unwrap().to_owned();
    let devices = server.send(&Request::get("/v1/devices").bearer(&token)).json();
    let known = &devices["devices"][0];
    assert_eq!([&known["name"], &known["platform"]], ["build box", "linux"]);

    assert_eq!(browser.submit(&page, &[("user_code", &device.user_code)]).status, 404, "it is spent");
    assert_eq!(error(&poll(&server.client, &device.device_code)), refused("invalid_grant"));
    let after = server.send(&Request::get("/v1/account").bearer(&token));
    assert_eq!(after.status, 401, "a device code that comes twice was stolen: what it gave is revoked");
}

#[test]
fn a_device_is_told_that_the_person_declined() {
    let (_home, server) = Home::with_ann(&[]);
    let device = ask(&server.client);
    let (mut browser, page) = ann(&server.client);
    let done = decide(&mut browser, &page, &device.user_code, "deny");
    assert!(done.text().contains("Nothing was allowed"), "{}", done.text());
    for _ in 0..2 {
        assert_eq!(error(&poll(&server.client, &device.device_code)), refused("access_denied"));
    }
}

#[test]
fn a_device_that_asks_too_often_is_slowed_down_and_an_unknown_one_refused() {
    let (_home, server) = Home::with_ann(&[]);
    let device = ask(&server.client);
    assert_eq!(error(&poll(&server.client, &device.device_code)), refused("authorization_pending"));
    assert_eq!(error(&poll(&server.client, &device.device_code)), refused("slow_down"));
    assert_eq!(error(&poll(&server.client, "nonsense")), refused("invalid_grant"));
    assert_eq!(error(&poll(&server.client, "")), refused("invalid_request"));
}

#[test]
fn a_code_that_nobody_typed_in_time_is_expired_for_the_device_and_unknown_to_the_page() {
    let (_home, server) = Home::with_ann(&["--device-code-lifetime", "1"]);
    let device = ask(&server.client);
    let (mut browser, page) = ann(&server.client);
    let expired = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let told = error(&poll(&server.client, &device.device_code));
        (told == refused("expired_token")).then_some(())
    });
    assert_eq!(expired, Some(()));
    let page = browser.submit(&page, &[("user_code", &device.user_code)]);
    assert_eq!(page.status, 404);
    assert!(page.text().contains("role=\"alert\""), "{}", page.text());
}

#[test]
fn an_approval_outlives_the_server_that_took_it() {
    let (home, server) = Home::with_ann(&[]);
    let device = ask(&server.client);
    let (mut browser, page) = ann(&server.client);
    decide(&mut browser, &page, &device.user_code, "approve");
    server.kill();
    let server = home.serve(&[]);
    assert_eq!(poll(&server.client, &device.device_code).status, 200);
}

#[test]
fn the_page_fills_a_code_in_and_asks_before_it_does_anything() {
    let (_home, server) = Home::with_ann(&[]);
    let device = ask(&server.client);
    let target = format!("/device?user_code={}", device.user_code);
    let mut browser = Browser::new(&server.client);
    let sign_in = browser.open(&target);
    assert!(sign_in.text().contains("name=\"password\"") && !sign_in.text().contains("build box"));
    let page = browser.sign_in(&sign_in, "ann@example.com");
    let html = page.text();
    assert!(html.contains(&format!("value=\"{}\"", device.user_code)), "{html}");
    assert!(!html.contains("build box"), "{html}");
    assert_eq!(error(&poll(&server.client, &device.device_code)), refused("authorization_pending"));
    let question = browser.submit(&page, &[("user_code", &device.user_code)]).text();
    for told in
        ["build box", "linux", &device.user_code, "127.0.0.1", "only if you started the sign-in yourself"]
    {
        assert!(question.contains(told), "{told}: {question}");
    }
    assert!(!question.contains("which is not where this browser is"), "{question}");
}

#[test]
fn a_device_elsewhere_is_told_to_be_elsewhere() {
    let (_home, server) = Home::with_ann(&["--public-url", "https://orkee.example"]);
    let from = |address: &str, request: Request| {
        server.send(&request.header("x-forwarded-for", &format!("198.51.100.1, {address}")))
    };
    let fields = [("client_id", "orkee-cli"), ("device_name", "\u{202e}xob dliub")];
    let reply = from("203.0.113.5", Request::form("/oauth/device_authorization", &fields)).json();
    let code = reply["user_code"].as_str().unwrap();
    let (mut browser, page) = ann(&server.client);
    let question = browser.submit(&page, &[("user_code", code)]).text();
    assert!(question.contains("203.0.113.5, which is not where this browser is"), "{question}");
    assert!(
        question.contains("xob dliub") && !question.contains('\u{202e}'),
        "no name turns its surroundings"
    );
}

#[test]
fn codes_are_guessed_by_nobody() {
    let (home, server) = Home::with_ann(&[]);
    home.add_user("bob@example.com");
    let device = ask(&server.client);
    let (mut browser, page) = ann(&server.client);
    let tries: Vec<u16> =
        (0..11).map(|_| browser.submit(&page, &[("user_code", "BBBB-BBBB")]).status).collect();
    assert_eq!(tries[..10], [404; 10]);
    assert_eq!(tries[10], 429);
    assert_eq!(browser.submit(&page, &[("user_code", &device.user_code)]).status, 429, "nor the right one");

    let mut bob = Browser::new(&server.client);
    let page = bob.open("/device");
    let page = bob.sign_in(&page, "bob@example.com");
    assert_eq!(bob.submit(&page, &[("user_code", &device.user_code)]).status, 200, "another account may");
    for _ in 0..18 {
        bob.submit(&page, &[("user_code", "BBBB-BBBB")]);
    }
    home.add_user("cyd@example.com");
    let mut cyd = Browser::new(&server.client);
    let page = cyd.open("/device");
    let page = cyd.sign_in(&page, "cyd@example.com");
    assert_eq!(
        cyd.submit(&page, &[("user_code", &device.user_code)]).status,
        429,
        "the address tried too often"
    );
}

#[test]
fn nobody_decides_without_having_seen_the_question() {
    let (_home, server) = Home::with_ann(&[]);
    let device = ask(&server.client);
    let (mut browser, page) = ann(&server.client);
    let (_, hidden) = form_in(&page.text());
    let key = hidden.iter().find(|(name, _)| name == "form").unwrap().1.clone();
    let cookies: Vec<String> = browser.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
    for key in [key.as_str(), ""] {
        let fields = [("form", key), ("user_code", device.user_code.as_str()), ("decision", "approve")];
        let forged = Request::form("/device/decision", &fields);
        assert_eq!(server.send(&forged.header("cookie", &cookies.join("; "))).status, 403);
    }
    let fields = [("user_code", device.user_code.as_str()), ("decision", "approve")];
    assert_eq!(server.send(&Request::form("/device/decision", &fields)).status, 403, "not signed in");
    assert_eq!(error(&poll(&server.client, &device.device_code)), refused("authorization_pending"));

    // Ann knows her own cookie, and so can make the form of a question that she was never shown.
    let cookie = browser.cookies[0].1.clone();
    let answer = |code: &str, decision| {
        let fields = [("form", &*form_key(&cookie, code)), ("user_code", code), ("decision", decision)];
        server.send(&Request::form("/device/decision", &fields).header("cookie", &cookies.join("; "))).status
    };
    let unknown = (0..5).map(|_| answer("BBBB-BBBB", "approve")).collect::<Vec<_>>();
    let made_up = ["approve", "deny"].map(|decision| answer(&device.user_code, decision));
    assert_eq!(
        (unknown, made_up),
        (vec![404; 5], [404; 2]),
        "nothing tells a code that waits from one that does not"
    );
    let told = error(&poll(&server.client, &device.device_code));
    assert_eq!(told, refused("slow_down"), "nothing was decided, and it asks too soon");

    // The question of one code answers no other.
    let other = ask(&server.client);
    let question = browser.submit(&page, &[("user_code", &device.user_code)]);
    let (action, hidden) = form_in(&question.text());
    let swapped: Vec<(&str, &str)> = hidden
        .iter()
        .map(|(name, value)| match name.as_str() {
            "user_code" => ("user_code", other.user_code.as_str()),
            name => (name, value.as_str()),
        })
        .chain([("decision", "approve")])
        .collect();
    let forged = Request::form(action, &swapped).header("cookie", &cookies.join("; "));
    assert_eq!(server.send(&forged).status, 403);
    let tried: Vec<u16> = (0..3).map(|_| answer("BBBB-BBBB", "approve")).collect();
    assert_eq!(tried, [404, 404, 429], "forms that were made up count as codes that were tried");
    assert_eq!(
        browser.submit(&question, &[("decision", "approve")]).status,
        200,
        "what was shown may be answered"
    );
}

#[test]
fn an_approval_cannot_be_redeemed_as_the_code_of_a_browser() {
    let (_home, server) = Home::with_ann(&[]);
    let device = ask(&server.client);
    let (mut browser, page) = ann(&server.client);
    decide(&mut browser, &page, &device.user_code, "approve");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", device.device_code.as_str()),
        ("redirect_uri", GRANT),
        ("client_id", "orkee-cli"),
        ("code_verifier", "x"),
    ];
    assert_eq!(error(&server.send(&Request::form("/oauth/token", &fields))), refused("invalid_grant"));
}

#[test]
fn one_address_cannot_ask_for_codes_without_end() {
    let (_home, server) = Home::with_ann(&[]);
    let fields = [("client_id", "orkee-cli")];
    let asked: Vec<Response> =
        (0..21).map(|_| server.send(&Request::form("/oauth/device_authorization", &fields))).collect();
    assert!(asked[..20].iter().all(|reply| reply.status == 200));
    assert_eq!((asked[20].status, asked[20].code().as_str()), (429, "rate-limited"));
}
