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
