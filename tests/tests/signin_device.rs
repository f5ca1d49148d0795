//! A sign-in on another device: a code is shown here and typed there.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use orkee_tests::browser::Browser;
use orkee_tests::device::Device;
use orkee_tests::home::Ran;
use orkee_tests::mock::{Answer, Mock, Request, tokens};
use orkee_tests::op::Op;
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;
use url::Url;

/// A server whose token endpoint answers the polls with these, one after the other, and then with tokens; `start` is what its device
/// endpoint says besides the codes.
fn server(start: serde_json::Value, polls: Vec<Answer>) -> Mock {
    let polls = Mutex::new(polls.into_iter());
    Mock::start_with(|url| {
        let url = url.to_owned();
        move |request: &Request| match request.target.as_str() {
            "/.well-known/oauth-authorization-server" => {
                Answer::json(200, &orkee_tests::mock::metadata(&url))
            }
            "/oauth/device" => {
                let mut reply = serde_json::json!({
                    "device_code": "secret", "user_code": "WDJB-MJHT", "verification_uri": format!("{url}/device"),
                });
                reply.as_object_mut().unwrap().extend(start.as_object().unwrap().clone());
                Answer::json(200, &reply)
            }
            "/oauth/token" => polls.lock().unwrap().next().unwrap_or_else(|| Answer::json(200, &tokens(1))),
            _ => Answer::empty(404),
        }
    })
}

fn error(code: &str) -> Answer {
    Answer::json(400, &serde_json::json!({ "error": code }))
}

fn sign_in(server: &Mock) -> (Device, Ran) {
    let device = Device::new(&server.url);
    let ran = device.run(&["cloud", "login", "--device"]);
    (device, ran)
}

#[test]
fn a26_a_code_that_is_typed_elsewhere_signs_in() {
    let op = Op::start();
    let device = Device::new(&op.url);
    let mut command = device.orkee(&["cloud", "login", "--device"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut screen = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(screen.read_line(&mut line).unwrap() > 0, "no address was shown");
        if let Some(address) = line.trim().strip_prefix("or open ") {
            break Url::parse(address).unwrap();
        }
    };
    Browser::default().sign_in(&address, &op.person()).unwrap();
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("john@example.com"), "{rest}");
    assert_eq!(device.auth_mode(), 0o600);
}

#[test]
fn a26_it_is_asked_at_the_pace_that_the_server_wants_and_a_failing_server_is_asked_again() {
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let polls = vec![
        error("authorization_pending"),
        error("slow_down"),
        Answer::empty(503),
        error("authorization_pending"),
    ];
    let count = polls.len() + 1;
    let inner = server(serde_json::json!({"interval": 1, "expires_in": 600}), polls);
    let relay = std::sync::Arc::clone(&asked);
    // In front of the server, somebody notes when it is asked.
    let server = Mock::start_with(|url| {
        let (url, inner) = (url.to_owned(), inner);
        move |request: &Request| {
            if matches!(request.target.as_str(), "/oauth/device" | "/oauth/token") {
                relay.lock().unwrap().push(Instant::now());
            }
            let target = Url::parse(&format!("{}{}", inner.url, request.target)).unwrap();
            let form = [("Content-Type", "application/x-www-form-urlencoded")];
            let reply =
                orkee_tests::http::send(&request.method, &target, &form, request.body.as_bytes()).unwrap();
            let body = reply.text().replace(&inner.url, &url);
            Answer {
                status: reply.status,
                headers: vec![("Content-Type", "application/json".to_owned())],
                body,
            }
        }
    });
    let (device, ran) = sign_in(&server);
    ran.success();
    assert!(device.auth_toml().is_some());
    let asked = asked.lock().unwrap();
    let pauses: Vec<Duration> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses.len(), count);
    assert!(pauses[0] >= Duration::from_secs(1) && pauses[1] >= Duration::from_secs(1), "{pauses:?}");
    // Slower by five seconds, for good; after a failure slower still.
    assert!(pauses[2] >= Duration::from_secs(6), "{pauses:?}");
    assert!(pauses[3] >= Duration::from_secs(12), "{pauses:?}");
    assert!(pauses[4] >= Duration::from_secs(6), "{pauses:?}");
}

#[test]
fn a26_a_code_that_expired_and_a_person_who_said_no_are_told_apart() {
    let start = || serde_json::json!({"interval": 1});
    let (device, ran) = sign_in(&server(start(), vec![error("expired_token")]));
    ran.fails(7, "E-AUTH-015").says("the code expired");
    assert_eq!(device.auth_toml(), None);
    let (_, ran) = sign_in(&server(start(), vec![error("access_denied")]));
    ran.fails(4, "E-AUTH-010").says("you declined");
    let (_, ran) = sign_in(&server(
        serde_json::json!({"interval": 1, "expires_in": 2}),
        vec![error("authorization_pending"); 9],
    ));
    ran.fails(7, "E-AUTH-015");
}

#[test]
fn a27_an_address_on_another_host_is_not_shown() {
    for bad in ["https://evil.example/device", "javascript:alert(1)", "http://127.0.0.1:1/device"] {
        let (_, ran) = sign_in(&server(serde_json::json!({ "verification_uri": bad }), vec![]));
        let ran = ran.exits(6);
        assert!(!ran.stderr.contains(bad), "{ran}");
    }
    let complete =
        serde_json::json!({"interval": 1, "verification_uri_complete": "https://evil.example/device"});
    let (_, ran) = sign_in(&server(complete, vec![]));
    let ran = ran.success();
    assert!(!ran.stderr.contains("evil.example"), "{ran}");
}

#[test]
fn a19_without_a_display_a_code_is_shown_where_the_server_offers_it() {
    let with = server(serde_json::json!({"interval": 1}), vec![]);
    let device = Device::new(&with.url);
    let mut command = device.orkee(&["cloud", "login"]);
    command.env("SSH_CONNECTION", "1").env("DISPLAY", ":0");
    let (status, screen) = Terminal::open(command, 200).finish();
    assert!(status.success() && screen.contains("WDJB-MJHT"), "{screen}");

    // `--browser` overrides that.
    let mut command = device.orkee(&["cloud", "login", "--browser"]);
    command.env("SSH_CONNECTION", "1");
    let mut login = device.begin(command);
    assert!(login.opened_a_browser());
    login.child.kill().unwrap();

    let without = Mock::start_with(|url| {
        let mut metadata = orkee_tests::mock::metadata(url);
        metadata.as_object_mut().unwrap().remove("device_authorization_endpoint");
        move |_: &_| Answer::json(200, &metadata)
    });
    let device = Device::new(&without.url);
    let mut terminal = Terminal::open(device.orkee(&["cloud", "login"]), 200);
    terminal.wait_for("paste the address");
    terminal.interrupt();
    terminal.finish();
    device.run(&["cloud", "login", "--device"]).exits(4).says("no sign-in on another device");
}

/// A sign-in on a terminal that somebody reached over SSH, once the code is shown: the address to type it at, and the code.
fn over_ssh(device: &Device) -> (Terminal, Url, String) {
    let mut command = device.orkee(&["cloud", "login"]);
    command.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
    let mut terminal = Terminal::open(command, 200);
    let screen = terminal.wait_for("or open ").to_owned();
    let after = |text: &str| screen.split_once(text).unwrap().1.split_whitespace().next().unwrap().to_owned();
    (terminal, after("on any device:").parse().unwrap(), after("type the code "))
}

#[test]
fn a19_a26_over_ssh_the_real_server_signs_in_whoever_types_the_code() {
    let server = Server::start();
    let device = Device::new(&server.url);
    let (terminal, address, code) = over_ssh(&device);
    assert_eq!(address.as_str(), format!("{}/device", server.url));
    let last = Browser::default().sign_in(&address, &server.person().typing(&code)).unwrap();
    assert!(last.reply.text().contains("Your device is connected"), "{}", last.reply.text());
    let (status, screen) = terminal.finish();
    assert!(status.success() && screen.contains("john@example.com"), "{screen}");
    assert_eq!(device.auth_mode(), 0o600);
    device.run(&["cloud", "status"]).success();
}

#[test]
fn a26_the_real_server_tells_the_terminal_that_the_person_declined() {
    let server = Server::start();
    let device = Device::new(&server.url);
    let (terminal, address, code) = over_ssh(&device);
    Browser::default().sign_in(&address, &server.person().typing(&code).declining()).unwrap();
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(4), "{screen}");
    assert!(screen.contains("E-AUTH-010") && screen.contains("you declined"), "{screen}");
    assert_eq!(device.auth_toml(), None);
}

/// In front of the real server, somebody who changes what devices are told of their codes, and counts the polls.
fn front(server: &Server, told: serde_json::Value) -> (Mock, std::sync::Arc<Mutex<Vec<String>>>) {
    let polls = std::sync::Arc::new(Mutex::new(Vec::new()));
    let (seen, inner) = (std::sync::Arc::clone(&polls), server.url.clone());
    let front = Mock::start_with(|url| {
        let url = url.to_owned();
        move |request: &Request| {
            let target = Url::parse(&format!("{inner}{}", request.target)).unwrap();
            let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
            let authorization = request.header("authorization").unwrap_or_default().to_owned();
            headers.extend(Some(("Authorization", authorization.as_str())).filter(|(_, v)| !v.is_empty()));
            let reply = orkee_tests::http::send(&request.method, &target, &headers, request.body.as_bytes());
            let reply = reply.unwrap();
            let mut body = reply.text().replace(&inner, &url);
            if request.target == "/oauth/device_authorization" {
                let mut reply: serde_json::Value = serde_json::from_str(&body).unwrap();
                reply.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
                body = reply.to_string();
            }
            if request.target == "/oauth/token" {
                seen.lock().unwrap().push(body.clone());
            }
            Answer {
                status: reply.status,
                headers: vec![("Content-Type", "application/json".to_owned())],
                body,
            }
        }
    });
    (front, polls)
}

#[test]
fn a26_a_device_in_a_hurry_is_slowed_down_by_the_real_server_and_gets_in_all_the_same() {
    let server = Server::start();
    let (front, polls) = front(&server, serde_json::json!({"interval": 1}));
    let device = Device::new(&front.url);
    let (terminal, _, code) = over_ssh(&device);
    orkee_tests::wait::until("a poll that came too soon", || {
        polls.lock().unwrap().iter().any(|reply| reply.contains("slow_down")).then_some(())
    });
    let address: Url = format!("{}/device", server.url).parse().unwrap();
    Browser::default().sign_in(&address, &server.person().typing(&code)).unwrap();
    let (status, screen) = terminal.finish();
    assert!(status.success() && screen.contains("john@example.com"), "{screen}");
}

#[test]
fn a26_the_real_server_tells_that_a_code_expired() {
    let server = Server::with_args(&["--device-code-lifetime", "2"]);
    let (front, polls) = front(&server, serde_json::json!({"expires_in": 600}));
    let (_, ran) = sign_in(&front);
    ran.fails(7, "E-AUTH-015").says("the code expired");
    assert!(polls.lock().unwrap().last().unwrap().contains("expired_token"));
}
