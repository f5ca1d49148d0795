//! The command line.

use std::process::Output;

use crate::support::browser::{VERIFIER, authorize, parameter, redeem, refresh};
use crate::support::server::PASSWORD;
use crate::support::{Browser, Home, Request};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_stops_cleanly_when_told_to_and_says_one_line_on_stdout() {
    let (_home, server) = Home::with_ann(&[]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    let (status, rest) = server.stop();
    assert!(status.success(), "{status}");
    assert_eq!(rest, "");
}

#[test]
fn plain_http_beyond_loopback_is_refused_with_the_reason() {
    let home = Home::new();
    for args in [
        &["serve", "--listen", "0.0.0.0:0"][..],
        &["serve", "--listen", "[::]:0"],
        &["serve", "--listen", "0.0.0.0:0", "--public-url", "http://orkee.example.com"],
        &["serve", "--listen", "127.0.0.1:0", "--public-url", "https://orkee.example.com/path"],
    ] {
        let output = home.run(args, "");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains("https"), "{}", stderr(&output));
        assert!(!home.data().exists());
    }
}

#[test]
fn behind_a_proxy_the_public_address_is_the_issuer_and_cookies_are_secure() {
    let (_home, server) = Home::with_ann(&["--public-url", "https://orkee.example.com/"]);
    let metadata = server.send(&Request::get("/.well-known/oauth-authorization-server")).json();
    assert_eq!(metadata["issuer"], "https://orkee.example.com");
    assert_eq!(metadata["token_endpoint"], "https://orkee.example.com/oauth/token");
    let page = server.send(&Request::get(crate::support::browser::authorize(&[])));
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-orkee=") && cookie.ends_with("; Secure"), "{cookie}");
}

#[test]
fn accounts_are_made_once_and_need_a_password_of_one_line() {
    let home = Home::new();
    home.add_user("ann@example.com");
    let again = home.run(&["user", "add", "ANN@example.com"], "another password");
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("already an account for ann@example.com"), "{}", stderr(&again));
    let long = "x".repeat(1000);
    for password in ["", "\n", "two\nlines", long.as_str()] {
        let output = home.run(&["user", "add", "bob@example.com"], password);
        assert_eq!(output.status.code(), Some(2), "{password:?}");
        assert!(stderr(&output).contains("hint:"));
    }
    let odd = home.run(&["user", "add", "no address"], "password");
    assert_eq!(odd.status.code(), Some(2));
    let nobody = home.run(&["token", "create", "bob@example.com"], "");
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("orkee-server user add bob@example.com"), "{}", stderr(&nobody));
}

#[test]
fn a_token_is_printed_alone_and_expires_when_it_should() {
    let (home, server) = Home::with_ann(&[]);
    let output = home.run(&["token", "create", "ann@example.com", "--expires", "1s", "--name", "ci"], "");
    let token = String::from_utf8(output.stdout).unwrap();
    let token = token.strip_suffix('\n').unwrap();
    assert!(
        token.starts_with("orkee_") && token.len() > 40 && !token.contains(char::is_whitespace),
        "{token:?}"
    );
    let mut tries = 0;
    while server.send(&Request::get("/v1/account").bearer(token)).status == 200 {
        tries += 1;
        assert!(tries < 500, "it still works");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let bad = home.run(&["token", "create", "ann@example.com", "--expires", "soon"], "");
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn no_secret_is_kept_in_the_clear_or_logged() {
    let (home, server) = Home::with_ann(&[]);
    let api = home.token("ann@example.com");
    server.send(&Request::get("/v1/account").bearer(&api));
    let mut person = Browser::new(&server.client);
    let location = person.decide(&authorize(&[]), "approve");
    let code = parameter(&location, "code").unwrap();
    let signed_in = redeem(&server.client, &code, &[]).json();
    let renewed = refresh(&server.client, signed_in["refresh_token"].as_str().unwrap()).json();
    server.stop();
    let mut secrets = vec![PASSWORD, &api, &code, VERIFIER, &person.cookies[0].1];
    for reply in [&signed_in, &renewed] {
        secrets.extend(["access_token", "refresh_token"].map(|name| reply[name].as_str().unwrap()));
    }
    let log = home.log();
    assert!(log.contains("/oauth/token") && log.contains("/v1/account"), "{log}");
    for secret in &secrets {
        assert!(!log.contains(secret), "the log holds {secret}: {log}");
    }
    for file in std::fs::read_dir(home.data()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }
}
