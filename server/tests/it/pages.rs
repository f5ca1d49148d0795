//! The pages: what a browser is told, and who may send their forms.

use crate::support::browser::{authorize, form_in, parameter};
use crate::support::server::PASSWORD;
use crate::support::{Browser, Home, Request};

const ANN: [(&str, &str); 2] = [("email", "ann@example.com"), ("password", PASSWORD)];

#[test]
fn the_pages_load_nothing_and_lead_nowhere_but_here_and_back() {
    let (_home, server) = Home::with_ann(&[]);
    let mut browser = Browser::new(&server.client);
    let sign_in = browser.open(&authorize(&[]));
    let policy = sign_in.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "style-src 'sha256-", "form-action 'self';", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert_eq!(sign_in.header("x-frame-options"), Some("DENY"));
    let consent = browser.sign_in(&sign_in, "ann@example.com");
    let policy = consent.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:5555;"), "{policy}");
    for page in [&sign_in, &consent] {
        let html = page.text();
        assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("style="), "{html}");
    }
    assert!(consent.text().contains("name=\"decision\" value=\"approve\""));
    assert!(consent.text().contains("name=\"decision\" value=\"deny\""));
    assert!(consent.text().contains("ann@example.com"));
}

#[test]
fn the_style_sheet_is_the_one_that_the_policy_names() {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};
    let (_home, server) = Home::with_ann(&[]);
    let page = server.send(&Request::get(authorize(&[])));
    let html = page.text();
    let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    assert!(page.header("content-security-policy").unwrap().contains(&hash));
}

#[test]
fn the_cookie_is_kept_from_scripts_and_other_sites_and_is_new_after_sign_in() {
    let (_home, server) = Home::with_ann(&[]);
    let mut browser = Browser::new(&server.client);
    let page = browser.open(&authorize(&[]));
    let cookie = page.header("set-cookie").unwrap();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && !cookie.contains("Secure"),
        "{cookie}"
    );
    let before = browser.cookies.clone();
    browser.sign_in(&page, "ann@example.com");
    assert_ne!(before, browser.cookies);
}

#[test]
fn a_form_without_the_key_of_this_browser_is_refused() {
    let (_home, server) = Home::with_ann(&[]);
    let mut ann = Browser::new(&server.client);
    let sign_in = ann.open(&authorize(&[]));
    let mut stranger = Browser::new(&server.client);
    stranger.open(&authorize(&[]));
    assert_eq!(stranger.submit(&sign_in, &ANN).status, 403, "another browser's form");
    assert_eq!(Browser::new(&server.client).submit(&sign_in, &ANN).status, 403, "a browser without a cookie");

    let consent = ann.sign_in(&sign_in, "ann@example.com");
    let (action, _) = form_in(&consent.text());
    let mut bare = Request::form(action, &[("decision", "approve")]);
    for (name, value) in &ann.cookies {
        bare = bare.header("cookie", &format!("{name}={value}"));
    }
    assert_eq!(server.send(&bare).status, 403, "no key");

    let (_, key) = form_in(&consent.text());
    let other = authorize(&[("state", "other")]).replace("/oauth/authorize", "/oauth/consent");
    let mut moved = Request::form(other, &[("form", &key[0].1), ("decision", "approve")]);
    for (name, value) in &ann.cookies {
        moved = moved.header("cookie", &format!("{name}={value}"));
    }
    assert_eq!(server.send(&moved).status, 403, "the key of another request");
}

#[test]
fn consent_is_asked_of_nobody_who_is_not_signed_in() {
    let (_home, server) = Home::with_ann(&[]);
    let target = authorize(&[]).replace("/oauth/authorize", "/oauth/consent");
    let response = server.send(&Request::form(target, &[("decision", "approve")]));
    assert_eq!((response.status, response.header("location")), (403, None));
    assert!(response.text().contains("name=\"password\""), "the sign-in page instead");
}

#[test]
fn a_wrong_password_and_an_unknown_account_look_the_same() {
    let (_home, server) = Home::with_ann(&[]);
    let mut browser = Browser::new(&server.client);
    let page = browser.open(&authorize(&[]));
    let wrong = browser.submit(&page, &[("email", "ann@example.com"), ("password", "wrong")]);
    let unknown = browser.submit(&page, &[("email", "bob@example.com"), ("password", "wrong")]);
    assert_eq!((wrong.status, unknown.status), (403, 403));
    assert_eq!(wrong.text().replace("ann@", "bob@"), unknown.text());
}

#[test]
fn what_a_client_or_a_person_types_is_shown_as_text() {
    let (_home, server) = Home::with_ann(&[]);
    let evil = "\"><script>alert(1)</script>";
    let mut browser = Browser::new(&server.client);
    let page = browser.open(&authorize(&[("device_name", evil), ("state", evil)]));
    assert!(!page.text().contains("<script"), "{}", page.text());
    let again = browser.submit(&page, &[("email", evil), ("password", "x")]);
    assert!(!again.text().contains("<script"), "{}", again.text());
    assert!(!browser.sign_in(&page, "ann@example.com").text().contains("<script"));
}

#[test]
fn a_browser_that_is_signed_in_is_asked_at_once_and_can_become_somebody_else() {
    let (_home, server) = Home::with_ann(&[]);
    let mut browser = Browser::new(&server.client);
    let page = browser.open(&authorize(&[]));
    browser.sign_in(&page, "ann@example.com");
    let consent = browser.open(&authorize(&[("state", "second")]));
    assert!(consent.text().contains("name=\"decision\""));
    let html = consent.text();
    let switch = html.rsplit_once("<form").map(|(_, form)| format!("<form{form}")).unwrap();
    let switch = crate::support::Response { body: switch.into_bytes(), ..consent };
    assert_eq!(browser.submit(&switch, &[]).status, 303);
    assert!(browser.open(&authorize(&[])).text().contains("name=\"password\""));
}

#[test]
fn accounts_are_created_by_anybody_only_where_that_was_allowed() {
    let (_home, closed) = Home::with_ann(&[]);
    let register = authorize(&[]).replace("/oauth/authorize", "/oauth/register");
    assert!(!closed.send(&Request::get(authorize(&[]))).text().contains("/oauth/register"));
    assert_eq!(closed.send(&Request::get(register.clone())).status, 403);
    assert_eq!(closed.send(&Request::form(register.clone(), &ANN)).status, 403);

    let (_home, open) = Home::with_ann(&["--open-registration"]);
    let mut browser = Browser::new(&open.client);
    assert!(browser.open(&authorize(&[])).text().contains("/oauth/register"));
    let page = browser.open(&register);
    for (email, password, status) in
        [("new@example.com", "short", 422), ("no address", PASSWORD, 422), ("ann@example.com", PASSWORD, 409)]
    {
        let typed = [("email", email), ("password", password)];
        assert_eq!(browser.submit(&page, &typed).status, status, "{email}");
    }
    let made = browser.submit(&page, &[("email", "New@example.com"), ("password", PASSWORD)]);
    assert_eq!(made.status, 303, "{}", made.text());
    let consent = browser.open(made.header("location").unwrap());
    let answer = browser.submit(&consent, &[("decision", "approve")]);
    assert!(parameter(answer.header("location").unwrap(), "code").is_some());
}
