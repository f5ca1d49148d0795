//! A sign-in where something is missing: a browser, a person, time; and URLs that are not to be spoken to.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::{TcpListener, TcpStream};
use std::process::Command;

use orkee_tests::browser::Browser;
use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::mock::{Answer, Mock, metadata};
use orkee_tests::op::Op;
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;
use orkee_tests::trace;
use rustix::process::{Pid, Signal};
use url::Url;

/// The first address on a screen.
fn shown_address(screen: &str) -> Url {
    let from = screen.find("http://").unwrap();
    screen[from..].split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a18_without_a_browser_the_url_comes_first_and_the_answer_can_be_pasted() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let mut command = device.orkee(&["cloud", "login"]);
    command.env("PATH", "").env("DISPLAY", ":0").env("TERM", "dumb");
    let mut terminal = Terminal::open(command, 200);
    let screen = terminal.wait_for("--device").to_owned();
    let authorize = shown_address(&screen);
    assert!(screen.find("http://") < screen.find("No browser could be opened"), "{screen}");
    assert!(screen.contains("paste"), "{screen}");
    assert!(terminal.is_running());
    let callback = Browser::default().sign_in_up_to_callback(&authorize, &op.person()).unwrap();
    terminal.answer("paste", &format!("{callback}\n"));
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{screen}");
    assert!(device.auth_toml().is_some());
}

#[test]
fn a23_a_pasted_code_counts_and_a_pasted_url_of_another_login_does_not() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let mut terminal = Terminal::open(device.orkee(&["cloud", "login", "--no-browser"]), 200);
    let authorize = shown_address(terminal.wait_for("paste the address"));
    let callback = Browser::default().sign_in_up_to_callback(&authorize, &op.person()).unwrap();
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    terminal.answer("paste", "http://127.0.0.1/callback?code=abc&state=wrong\n");
    terminal.answer("its state is not the one of this sign-in", &format!("{code}\n"));
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{screen}");
}

#[test]
fn a20_with_nobody_there_the_login_ends_at_once_and_says_what_else_there_is() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let ran = device.run(&["cloud", "login"]).fails(4, "E-AUTH-014");
    ran.says("ORKEE_CLOUD_TOKEN").says("--with-token");
    device.run(&["cloud", "login", "--no-browser"]).fails(4, "E-AUTH-014");
}

#[test]
fn a21_a_port_that_is_taken_is_named() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = finish(device.login_command(&op.person(), &["--callback-port", &port]), &[]);
    ran.fails(2, "E-AUTH-016").says(&port).says("--callback-port 0");
}

/// A command whose calls of `bind` fail, from the first on, so many of them.
fn without_binding(command: &Command, when: &str) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-o", "/dev/null", "-e", "trace=bind", "-e"]);
    strace.arg(format!("inject=bind:error=EADDRNOTAVAIL:when={when}"));
    strace.arg(command.get_program()).args(command.get_args()).env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.get_current_dir().map(|folder| strace.current_dir(folder));
    strace
}

#[test]
fn a22_where_127_0_0_1_cannot_be_bound_the_browser_comes_back_to_the_other_loopback_address() {
    if !trace::is_there() {
        return;
    }
    if let Err(error) = TcpListener::bind("[::1]:0") {
        println!("no [::1] on this machine ({error}): not checked");
        return;
    }
    let (op, server) = (Op::start(), Server::start());
    for (url, person) in [(&op.url, op.person()), (&server.url, server.person())] {
        let device = Device::new(url);
        let login = device.begin(without_binding(&device.orkee(&["cloud", "login"]), "1"));
        let redirect: Url = login.parameter("redirect_uri").parse().unwrap();
        assert_eq!((redirect.scheme(), redirect.host_str()), ("http", Some("[::1]")));
        let last = Browser::default().sign_in(&login.authorize(), &person).unwrap();
        assert_eq!((last.url.host_str(), last.reply.status), (Some("[::1]"), 200));
        login.finish().success().says("john@example.com");
        assert_eq!(device.auth_mode(), 0o600);
    }
}

#[test]
fn a22_where_nothing_can_be_bound_the_answer_is_pasted() {
    if !trace::is_there() {
        return;
    }
    let op = Op::start();
    let device = Device::new(&op.url);
    let command = without_binding(&device.orkee(&["cloud", "login", "--no-browser"]), "1+");
    let mut terminal = Terminal::open(command, 200);
    let authorize = shown_address(terminal.wait_for("paste the address"));
    terminal.wait_for("nothing can listen on this machine");
    let callback = Browser::default().sign_in_up_to_callback(&authorize, &op.person()).unwrap();
    terminal.answer("paste", &format!("{callback}\n"));
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{screen}");
    assert!(device.auth_toml().is_some());

    // With nobody to paste it, there is no way left but another one.
    let alone = Device::new(&op.url);
    let ran = finish(without_binding(&alone.login_command(&op.person(), &[]), "1+"), &[]);
    ran.fails(4, "E-AUTH-051").says("--device").says("--with-token");
    assert_eq!(alone.auth_toml(), None);
}

#[test]
fn a24_without_an_answer_in_time_the_login_ends_and_the_port_is_free() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&["--timeout", "2"]);
    let callback = login.callback(&[]);
    login.finish().fails(7, "E-AUTH-015");
    let address = (callback.host_str().unwrap(), callback.port().unwrap());
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(device.auth_toml(), None);
}

#[test]
fn a25_ctrl_c_ends_the_wait_and_leaves_everything_as_it_was() {
    let op = Op::start();
    let device = Device::new(&op.url);
    device.login(&op.person());
    let before = (device.auth_toml(), device.files());
    let mut terminal = Terminal::open(device.orkee(&["cloud", "login", "--no-browser"]), 200);
    let modes = terminal.modes();
    terminal.wait_for("paste the address");
    terminal.interrupt();
    let after = terminal.modes();
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(130), "{screen}");
    assert_eq!(after, modes);
    assert_eq!((device.auth_toml(), device.files()), before);
}

#[test]
fn a25_ctrl_c_ends_a_login_without_a_terminal_too() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let login = device.begin_login(&[]);
    rustix::process::kill_process(Pid::from_child(&login.child), Signal::INT).unwrap();
    login.finish().exits(130);
    assert!(!device.files().iter().any(|file| file.contains("auth.toml")), "{:?}", device.files());
}

#[test]
fn a08_a13_a_server_without_pkce_or_with_another_name_is_refused_before_a_browser_opens() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 3] = [
        (
            |m| m["code_challenge_methods_supported"] = serde_json::json!(["plain"]),
            "does not support PKCE S256",
        ),
        (|m| m["issuer"] = "https://evil.example".into(), "https://evil.example"),
        (|m| m["token_endpoint"] = "http://evil.example/token".into(), "token endpoint"),
    ];
    for (change, said) in cases {
        let server = Mock::start_with(|url| {
            let mut document = metadata(url);
            change(&mut document);
            move |_: &_| Answer::json(200, &document)
        });
        let login = Device::new(&server.url).begin_login(&[]);
        assert!(!login.opened_a_browser());
        login.finish().exits(4).says(said);
    }
}

#[test]
fn a28_redirects_of_the_authorization_server_are_not_followed() {
    let elsewhere = Mock::start(|_| Answer::json(200, &serde_json::json!({})));
    for status in [302, 307, 308] {
        let to = format!("{}/stolen", elsewhere.url);
        let redirect = Answer::redirect(status, &to);

        let answer = redirect.clone();
        let server = Mock::start(move |_| answer.clone());
        let login = Device::new(&server.url).begin_login(&[]);
        assert!(!login.opened_a_browser());
        login.finish().exits(6).says("redirect");

        let answer = redirect.clone();
        let server = Mock::authorization_server(move |request| {
            request.target.starts_with("/oauth/token").then(|| answer.clone())
        });
        let device = Device::new(&server.url);
        let login = device.begin_login(&[]);
        let callback =
            login.callback(&[("code", "a"), ("state", &login.parameter("state")), ("iss", &server.url)]);
        orkee_tests::http::get(&callback, &[]).unwrap();
        login.finish().exits(6).says("redirect");
        assert_eq!(device.auth_toml(), None);

        device.write_auth(&device.section("orkee_old", -10, Some("orkee_refresh_old")));
        device.run(&["cloud", "token"]).exits(6).says("redirect");
        assert!(device.auth_toml().unwrap().contains("orkee_refresh_old"));

        let answer = redirect.clone();
        let server = Mock::authorization_server(move |request| {
            request.target.starts_with("/oauth/revoke").then(|| answer.clone())
        });
        let device = Device::new(&server.url);
        device.write_auth(&device.section("orkee_old", 3600, Some("orkee_refresh_old")));
        device.run(&["cloud", "logout"]).success().says("redirect");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a29_a_redirect_of_the_api_to_another_origin_is_an_error_and_carries_nothing_there() {
    let elsewhere = Mock::start(|_| Answer::json(200, &serde_json::json!({"projects": []})));
    let to = format!("{}/v1/projects", elsewhere.url);
    let server = Mock::authorization_server(move |request| {
        request.target.starts_with("/v1/").then(|| Answer::redirect(302, &to))
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_token", 3600, None));
    let ran = device.run(&["cloud", "list"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(ran.stderr.contains("error["), "{ran}");
    assert_eq!(server.requests_for("/v1/projects").len(), 1);
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a30_an_api_url_that_would_send_the_sign_in_unencrypted_is_refused() {
    for bad in [
        "http://example.test",
        "http://127.0.0.1.evil.test",
        "http://user@127.0.0.1:1",
        "https://user:canary@api.orkee.ai",
        "ftp://127.0.0.1",
        "api.orkee.ai",
    ] {
        for command in [&["cloud", "login", "--browser"][..], &["cloud", "status"], &["cloud", "sync"]] {
            let ran = Device::new(bad).run(command).fails(2, "E-NET-010");
            assert!(!ran.stderr.contains("canary"), "{ran}");
        }
    }
    for good in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
        let device = Device::new(good);
        device.write_auth(&device.section("orkee_token", 3600, None));
        device.run(&["cloud", "list"]).exits(6);
    }
}

#[test]
fn a_login_whose_browser_takes_its_time_waits() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let mut login = device.begin_login(&[]);
    // The program that was opened has ended long since; the person still reads.
    assert!(login.is_waiting());
    Browser::default().sign_in(&login.authorize(), &op.person()).unwrap();
    login.finish().success();
}
