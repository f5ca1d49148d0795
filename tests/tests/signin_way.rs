//! The way to the servers: redirects, a proxy, and certificates that are not good.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orkee_tests::canary::Canaries;
use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::mock::{Answer, Mock, metadata};
use orkee_tests::proxy::{PASSWORD, Proxy};
use orkee_tests::rotating::{FIRST, Rotating};
use orkee_tests::tls::Certificate;
use orkee_tests::tls_front::{NOT_LOOPBACK, TlsFront};
use orkee_tests::{http, proxy};
use serde_json::json;

const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

#[test]
fn a28_a_redirect_of_the_device_endpoint_is_not_followed_and_ends_the_login() {
    let elsewhere = Mock::start(|_| Answer::json(200, &json!({})));
    for status in REDIRECTS {
        // To another server, and to another address of the same one.
        for to in [format!("{}/stolen", elsewhere.url), "/stolen".to_owned()] {
            for path in ["/oauth/device", "/oauth/token"] {
                let to = to.clone();
                let server = Mock::start_with(|url| {
                    let url = url.to_owned();
                    move |request| match request.target.as_str() {
                        target if target == path => Answer::redirect(status, &to),
                        "/oauth/device" => Answer::json(200, &device_code(&url)),
                        "/.well-known/oauth-authorization-server" => Answer::json(200, &metadata(&url)),
                        _ => Answer::empty(404),
                    }
                });
                let device = Device::new(&server.url);
                let ran = device.run(&["cloud", "login", "--device", "--timeout", "30"]);
                ran.fails(6, "E-AUTH-052").says(&format!("redirect (status {status})"));
                assert_eq!(server.requests_for(path).len(), 1);
                assert!(server.requests_for("/stolen").is_empty());
                assert_eq!(device.auth_toml(), None);
            }
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

fn device_code(url: &str) -> serde_json::Value {
    json!({
        "device_code": "orkee_device", "user_code": "ABCD-EFGH", "verification_uri": format!("{url}/device"),
        "expires_in": 600, "interval": 1,
    })
}

#[test]
fn a28_a_redirect_of_the_revocation_endpoint_is_not_followed() {
    let elsewhere = Mock::start(|_| Answer::empty(200));
    for status in REDIRECTS {
        let to = format!("{}/stolen", elsewhere.url);
        let server = Mock::authorization_server(move |request| {
            (request.target == "/oauth/revoke").then(|| Answer::redirect(status, &to))
        });
        let device = Device::new(&server.url);
        device.write_auth(&device.section("orkee_token", 3600, Some(FIRST)));
        device.run(&["cloud", "logout"]).success().says("redirect").says("tokens stay valid there");
        assert_eq!(server.requests_for("/oauth/revoke").len(), 2);
        assert_eq!(device.auth_toml(), None);
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// Something that counts who comes, and says nothing.
struct Listener {
    address: String,
    visits: Arc<AtomicUsize>,
}

impl Listener {
    fn at(host: &str) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let visits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&visits);
        std::thread::spawn(move || {
            for _ in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, visits }
    }
}

#[test]
fn a29_nothing_of_a_request_goes_where_the_api_redirects_it_to() {
    let (port, host) = (Listener::at("127.0.0.1"), Listener::at("127.0.0.2"));
    let targets = [
        format!("http://{}/v1/projects?x=1", port.address),
        format!("http://{}/v1/projects", host.address),
        format!("https://{}/v1/projects", port.address),
        format!("//{}/v1/projects", host.address),
        "/v1/elsewhere".to_owned(),
    ];
    let rotating = Rotating::start();
    let warm = Device::new(&rotating.server.url);
    warm.write_auth(&warm.section("orkee_access_0", 3600, None));
    warm.run(&["cloud", "list"]).success();
    for to in &targets {
        for status in REDIRECTS {
            let to = to.clone();
            let server = Mock::authorization_server(move |request| {
                let is_api = request.target.starts_with("/v1/projects");
                is_api.then(|| Answer::redirect(status, &to))
            });
            let device = Device::new(&server.url).warmed_by(&warm);
            device.write_auth(&device.section("orkee_token", 3600, Some(FIRST)));
            let ran = device.run(&["cloud", "list"]).fails(6, "E-NET-004");
            ran.says("the server wants to be asked at another place; is the API URL right?");
            // Not even at the same place.
            assert!(server.requests_for("/v1/elsewhere").is_empty());
            assert_eq!(server.requests_for("/v1/projects").len(), 1);
            let asked = server.requests();
            assert!(asked.iter().all(|request| request.header("referer").is_none()), "{asked:?}");
            assert!(server.requests_for("/oauth/token").is_empty(), "a redirect is no reason to refresh");
        }
    }
    for listener in [port, host] {
        assert_eq!(listener.visits.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a29_no_command_follows_a_redirect_of_the_api() {
    let elsewhere = Listener::at("127.0.0.1");
    let to = format!("http://{}/", elsewhere.address);
    let server = Mock::authorization_server(move |request| {
        request.target.starts_with("/v1/").then(|| Answer::redirect(307, &to))
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_token", 3600, Some(FIRST)));
    device.run(&["projects", "add", "--name", "shop"]).success();
    for command in
        [&["cloud", "list", "--show-devices"][..], &["cloud", "sync"], &["cloud", "restore", "--yes"]]
    {
        let ran = device.run(command);
        assert!(matches!(ran.code, Some(2 | 6)), "{ran}");
    }
    device.run(&["cloud", "status"]).says("another place");
    finish(device.orkee(&["cloud", "login", "--with-token"]), b"orkee_given\n").fails(6, "E-NET-004");
    assert_eq!(elsewhere.visits.load(Ordering::SeqCst), 0);
}

/// A server behind TLS, whose tokens have to be refreshed, and a device that trusts it.
struct Secure {
    front: TlsFront,
    rotating: Rotating,
    device: Device,
}

impl Secure {
    fn at(host: &str, certificate: Certificate) -> Self {
        let front = TlsFront::at(host, certificate);
        let url = front.url.clone();
        let rotating = Rotating::start_but(move |request| {
            (request.target == "/.well-known/oauth-authorization-server")
                .then(|| Answer::json(200, &metadata(&url)))
        });
        front.lead_to(&rotating.server.url);
        let device = Device::new(&front.url);
        device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
        Self { front, rotating, device }
    }

    /// A command that trusts the server's authority, through this proxy, and says all it can.
    fn command(&self, proxy: &str, args: &[&str]) -> Command {
        let mut command = self.device.orkee(args);
        command.arg("-vvv").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        command.env("SSL_CERT_FILE", self.front.authority()).env("HTTPS_PROXY", proxy);
        command
    }
}

#[test]
fn a31_token_traffic_goes_through_the_proxy_with_tls_to_the_end_and_its_password_is_in_no_log() {
    if !proxy::is_there() {
        return;
    }
    let proxy = Proxy::start("refused.test");
    let secure = Secure::at(NOT_LOOPBACK, Certificate::of(NOT_LOOPBACK));
    let canaries = Canaries(vec![PASSWORD, "orkee_refresh_", "orkee_access_"]);
    let by_proxy = |args: &[&str]| secure.command(&proxy.url(PASSWORD), args);
    canaries.are_not_printed(finish(by_proxy(&["cloud", "list"]), &[]).success());
    assert_eq!(secure.rotating.refreshes(), 1);
    let ran = canaries.are_not_printed(finish(by_proxy(&["cloud", "status"]), &[]).success());
    assert!(ran.stdout.contains("john@example.com"), "{ran}");

    // A login: the browser comes back over loopback, past the proxy.
    let login = secure.device.begin(by_proxy(&["cloud", "login"]));
    let answer = [("code", "a"), ("state", &*login.parameter("state")), ("iss", &secure.front.url)];
    http::get(&login.callback(&answer), &[]).unwrap();
    http::get(&login.callback(&[]).join("/done").unwrap(), &[]).unwrap();
    canaries.are_not_printed(login.finish());
    canaries.are_not_printed(finish(by_proxy(&["cloud", "logout"]), &[]).success());
    canaries.are_not_in_files(&secure.device.home());

    let there = secure.front.url.trim_start_matches("https://");
    let connects = proxy.connects();
    assert!(connects.len() >= 5 && connects.iter().all(|at| at == there), "{connects:?}");
    assert_eq!(connects.len(), secure.front.handshakes(), "nobody came another way");
    assert!(!secure.rotating.server.requests_for("/oauth/revoke").is_empty());
}

#[test]
fn a31_what_is_on_this_machine_is_reached_directly() {
    if !proxy::is_there() {
        return;
    }
    let proxy = Proxy::start("refused.test");
    let secure = Secure::at("127.0.0.1", Certificate::of("127.0.0.1"));
    finish(secure.command(&proxy.url(PASSWORD), &["cloud", "list"]), &[]).success();
    let plain = Rotating::start();
    let device = Device::new(&plain.server.url);
    device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
    let mut command = device.orkee(&["cloud", "list"]);
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"] {
        command.env(variable, proxy.url(PASSWORD));
    }
    finish(command, &[]).success();
    assert_eq!(plain.refreshes(), 1);
    assert_eq!(proxy.connects(), [""; 0]);
}

#[test]
fn a31_a_proxy_does_not_make_a_certificate_good() {
    if !proxy::is_there() {
        return;
    }
    let proxy = Proxy::start("refused.test");
    let secure = Secure::at(NOT_LOOPBACK, Certificate::of(NOT_LOOPBACK));
    let before = secure.device.auth_toml();
    let mut command = secure.command(&proxy.url(PASSWORD), &["cloud", "token"]);
    command.env_remove("SSL_CERT_FILE").env_remove("RUST_LOG");
    finish(command, &[]).fails(6, "E-NET-006").says("SSL_CERT_FILE");
    assert_eq!((proxy.connects().len(), secure.front.handshakes()), (1, 0));
    assert_eq!(secure.rotating.server.connections(), 0);
    assert_eq!(secure.device.auth_toml(), before);
}

#[test]
fn a31_a_proxy_that_refuses_is_told_without_its_password() {
    if !proxy::is_there() {
        return;
    }
    let proxy = Proxy::start("refused.test");
    let device = Device::new("https://refused.test");
    device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
    let before = device.auth_toml();
    for (password, host) in [(PASSWORD, "refused.test:443"), ("canary_of_a_wrong_one", "refused.test:443")] {
        let canaries = Canaries(vec![PASSWORD, "canary_of_a_wrong_one"]);
        for command in [&["cloud", "token"][..], &["cloud", "token", "--json"], &["cloud", "list"]] {
            let mut command = device.orkee(command);
            command.env("HTTPS_PROXY", proxy.url(password)).env("RUST_LOG", "trace").arg("-vvv");
            let ran = canaries.are_not_printed(finish(command, &[]).exits(6));
            let told = format!("{}{}", ran.stdout, ran.stderr);
            assert!(
                told.contains("through the proxy 127.0.0.1:") && told.contains("check HTTPS_PROXY"),
                "{ran}"
            );
        }
        // The name is the proxy's to resolve.
        assert!(proxy.connects().iter().all(|asked| asked == host), "{:?}", proxy.connects());
    }
    assert_eq!(device.auth_toml(), before);
}

#[test]
fn a31_a_proxy_that_is_none_is_refused_without_being_repeated() {
    let device = Device::new("https://refused.test");
    device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
    for nonsense in ["gopher://me:canary@proxy", "http://", "http://me:canary@:x"] {
        let mut command = device.orkee(&["cloud", "token"]);
        command.env("HTTPS_PROXY", nonsense);
        let ran = finish(command, &[]).fails(2, "E-NET-011");
        assert!(!ran.stderr.contains("canary"), "{ran}");
    }
}

#[test]
fn a32_a_certificate_that_is_not_good_ends_in_its_cause_and_what_to_do() {
    let expired = Certificate::expired("127.0.0.1");
    for (certificate, trusted, cause, advice) in [
        (expired, true, "expired", "compare this machine's clock"),
        (Certificate::of("other.example"), true, "not valid for", "SSL_CERT_FILE"),
        (Certificate::of("127.0.0.1"), false, "UnknownIssuer", "SSL_CERT_FILE"),
    ] {
        let secure = Secure::at("127.0.0.1", certificate);
        let command = |args: &[&str]| {
            let mut command = secure.device.orkee(args);
            if trusted {
                command.env("SSL_CERT_FILE", secure.front.authority());
            }
            command
        };
        let before = secure.device.auth_toml();
        for args in
            [&["cloud", "token"][..], &["cloud", "login", "--browser"], &["cloud", "login", "--device"]]
        {
            finish(command(args), &[]).fails(6, "E-NET-006").says(cause).says(advice);
        }
        secure.device.write_auth(&secure.device.section("orkee_access_0", 3600, Some(FIRST)));
        for args in [&["cloud", "list"][..], &["cloud", "sync"]] {
            let ran = finish(command(args), &[]).exits(6).says(cause);
            assert!(ran.stderr.contains("hint: ") && ran.stderr.contains(advice), "{ran}");
        }
        finish(command(&["cloud", "logout"]), &[]).success().says("tokens stay valid there");
        assert!(before.is_some());
        assert_eq!((secure.front.handshakes(), secure.rotating.server.connections()), (0, 0), "{cause}");
    }
}

#[test]
fn a32_nothing_switches_the_check_off() {
    let secure = Secure::at("127.0.0.1", Certificate::of("127.0.0.1"));
    for flag in
        ["--insecure", "-k", "--no-verify", "--no-check-certificate", "--skip-tls-verify", "--allow-insecure"]
    {
        for command in ["login", "token", "status", "list", "sync"] {
            secure.device.run(&["cloud", command, flag]).exits(2);
        }
    }
    for command in ["login", "token", "status", "list", "sync", "logout", "restore"] {
        let help = secure.device.run(&["cloud", command, "--help"]).success().stdout.to_lowercase();
        assert!(!["insecure", "certificate", "tls"].iter().any(|word| help.contains(word)), "{help}");
    }
    let mut command = secure.device.orkee(&["cloud", "token"]);
    for variable in [
        "ORKEE_INSECURE",
        "ORKEE_CLOUD_INSECURE",
        "ORKEE_TLS_NO_VERIFY",
        "CURL_INSECURE",
        "GIT_SSL_NO_VERIFY",
        "SSL_NO_VERIFY",
    ] {
        command.env(variable, "1");
    }
    command.env("NODE_TLS_REJECT_UNAUTHORIZED", "0").env("PYTHONHTTPSVERIFY", "0").env("SSL_VERIFY", "false");
    finish(command, &[]).fails(6, "E-NET-006");
    assert_eq!(secure.front.handshakes(), 0);
    // With its authority, it is good.
    let mut command = secure.device.orkee(&["cloud", "token"]);
    command.env("SSL_CERT_FILE", secure.front.authority());
    finish(command, &[]).success();
}
