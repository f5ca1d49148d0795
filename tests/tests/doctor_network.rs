//! `orkee doctor` and the way to the server: each step that fails is told by itself, within its time, and no sign-in is sent.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use orkee_tests::clock;
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::proxy::{self, PASSWORD, Proxy};
use orkee_tests::relay::{Relay, Way};
use orkee_tests::server::Server;
use orkee_tests::tls::Certificate;
use orkee_tests::tls_front::{NOT_LOOPBACK, TlsFront};
use serde_json::{Value, json};

const TOKEN: &str = "orkee_canary_token_77ab02";

/// A device that holds a sign-in for this API.
fn signed_in(api: &str) -> Device {
    let device = Device::new(api);
    device.write_auth(&device.section(TOKEN, 90_000, None));
    device
}

/// The checks of the network, by name: their state and what they say.
fn network(ran: &Ran) -> Vec<(String, String, String)> {
    assert!(!format!("{ran}").contains("canary"), "{ran}");
    let document = ran.json();
    let of = ["dns", "proxy", "tls", "server", "clock"];
    let checks = document["checks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks
        .filter(|check| of.contains(&check["name"].as_str().unwrap()))
        .map(|check| {
            let is_wrong = check["state"] == "failed" || check["state"] == "warning";
            assert!(!is_wrong || check["hint"].is_string(), "no word of what to do: {check}");
            (text(&check["name"]), text(&check["state"]), text(&check["message"]))
        })
        .collect()
}

fn doctor(device: &Device, change: impl FnOnce(&mut Command)) -> Ran {
    let mut command = device.orkee(&["doctor", "--json"]);
    change(&mut command);
    let began = Instant::now();
    let ran = finish(command, &[]);
    assert!(began.elapsed() < Duration::from_secs(60), "{ran}");
    ran
}

#[track_caller]
fn found(checks: &[(String, String, String)], name: &str, state: &str, message: &str) {
    let check =
        checks.iter().find(|check| check.0 == name).unwrap_or_else(|| panic!("no {name}: {checks:#?}"));
    assert!(check.1 == state && check.2.contains(message), "{name} {state} {message}: {checks:#?}");
}

#[test]
fn d57a_a_server_that_is_not_there_or_is_another_or_is_ill_is_told() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = doctor(&signed_in(&format!("http://127.0.0.1:{port}")), |_| ()).exits(1);
    let checks = network(&gone);
    found(&checks, "server", "failed", "cannot reach");
    found(&checks, "clock", "skipped", "No server said");

    for (status, body, state, says) in [
        (200, json!({"status": "ok", "version": "1.2.3"}), "ok", "version 1.2.3"),
        (404, json!({"error": "no such page"}), "warning", "does not say how it is: status 404"),
        (200, json!("welcome to nginx"), "warning", "does not say how it is: status 200"),
        (503, json!({"status": "ok", "version": "1.2.3"}), "failed", "does not work: status 503"),
    ] {
        let server = Mock::start(move |_| Answer::json(status, &body));
        let ran = doctor(&signed_in(&server.url), |_| ());
        found(&network(&ran), "server", state, says);
        assert_eq!(ran.code, Some(i32::from(state == "failed")), "{ran}");
        let [asked] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
        assert_eq!((asked.target.as_str(), asked.header("authorization")), ("/health", None));
    }
    let server = Server::start();
    let device = Device::new(&server.url);
    device.login(&server.person());
    let checks = network(&doctor(&device, |_| ()).success());
    found(&checks, "server", "ok", "version 0.");
    found(&checks, "clock", "ok", "agrees");
    let offline = device.run(&["doctor", "--offline", "--json"]).success();
    found(&network(&offline), "server", "skipped", "No server was asked");
    device.run(&["doctor", "--offline", "--online"]).exits(2);
}

#[test]
fn d57b_a_server_that_never_answers_is_given_up_after_its_time() {
    let server = Server::start();
    let relay = Relay::to(&server.url);
    relay.decide(|_| Way::Ignored);
    let began = Instant::now();
    let checks = network(&doctor(&signed_in(&relay.url), |_| ()).exits(1));
    assert!(began.elapsed() >= Duration::from_secs(4), "it was not waited for");
    found(&checks, "server", "failed", "did not answer in time");
    relay.release();
}

#[test]
fn d57c_a_name_that_nobody_knows_is_told_apart_from_a_server_that_is_not_there() {
    let checks = network(&doctor(&signed_in("https://orkee.invalid"), |_| ()).exits(1));
    found(&checks, "dns", "failed", "the name orkee.invalid cannot be looked up");
    found(&checks, "server", "failed", "cannot reach");
    found(&checks, "tls", "skipped", "was not seen");
}

#[test]
fn d57d_a_certificate_that_is_over_or_unknown_is_told_and_of_a_good_one_how_long_it_lasts() {
    let server = Server::start();
    for (certificate, is_known, state, says) in [
        (Certificate::of("127.0.0.1"), true, "ok", "is good, until "),
        (Certificate::of("127.0.0.1"), false, "failed", "cannot make a secure connection"),
        (Certificate::expired("127.0.0.1"), true, "failed", "expired"),
        (Certificate::self_signed("127.0.0.1"), true, "failed", "cannot make a secure connection"),
    ] {
        let front = TlsFront::at("127.0.0.1", certificate);
        front.lead_to(&server.url);
        let ran = doctor(&signed_in(&front.url), |command| {
            if is_known {
                command.env("SSL_CERT_FILE", front.authority());
            }
        });
        let checks = network(&ran);
        found(&checks, "tls", state, says);
        let others = if state == "ok" { "ok" } else { "skipped" };
        found(&checks, "server", others, "");
        if certificate.expired {
            assert!(ran.stdout.contains("compare this machine's clock"), "{ran}");
        }
    }
}

#[test]
fn d57e_a_proxy_that_is_dead_or_refuses_is_told_without_its_password() {
    let server = Server::start();
    let front = TlsFront::at(NOT_LOOPBACK, Certificate::of(NOT_LOOPBACK));
    front.lead_to(&server.url);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let through = |proxy: &str| {
        doctor(&signed_in(&front.url), |command| {
            command.env("SSL_CERT_FILE", front.authority()).env("HTTPS_PROXY", proxy);
        })
    };
    let checks = network(&through(&format!("http://ann:orkee_canary@127.0.0.1:{port}")).exits(1));
    found(&checks, "proxy", "failed", &format!("the proxy 127.0.0.1:{port} takes no connection"));
    found(&checks, "server", "failed", &format!("through the proxy 127.0.0.1:{port}"));
    let checks = network(&through("gopher://orkee_canary").exits(1));
    found(&checks, "proxy", "failed", "is not an http or https URL");
    if !proxy::is_there() {
        return;
    }
    let proxy = Proxy::start("refused.example.test");
    let checks = network(&through(&proxy.url(PASSWORD)).success());
    found(&checks, "proxy", "ok", "takes connections");
    found(&checks, "server", "ok", "version");
    found(&checks, "tls", "ok", "is good");
    let checks = network(&through(&proxy.url("wrong")).exits(1));
    found(&checks, "proxy", "ok", "takes connections");
    found(&checks, "server", "failed", "through the proxy");
}

#[test]
fn d57f_a_clock_that_is_off_is_told_with_how_far_and_to_which_side() {
    if !clock::is_there() {
        return;
    }
    let server = Server::start();
    let device = signed_in(&server.url);
    device.add("shop");
    for (offset, state, says) in [
        ("+3h", "failed", "ahead of that of 127.0.0.1"),
        ("-40m", "failed", "behind that of 127.0.0.1"),
        ("+3m", "warning", "ahead of that of 127.0.0.1"),
        ("+5", "ok", "agrees"),
    ] {
        let ran = finish(clock::off_by(offset, &device.orkee(&["doctor", "--json"])), &[]);
        found(&network(&ran), "clock", state, says);
    }
}
