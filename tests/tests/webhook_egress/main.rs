//! Where webhooks go, and where they do not: what `add` refuses, how each attempt ends, and whom they trust.

#![allow(clippy::unwrap_used)]

mod addresses;

use std::io::{Read, Write};
use std::net::TcpListener;

use orkee_tests::canary::Canaries;
use orkee_tests::dns::Dns;
use orkee_tests::namespace::{self, PUBLIC};
use orkee_tests::outlet::Outlet;
use orkee_tests::proxy::{self, PASSWORD, Proxy};
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::tls::Certificate;

/// A receiver's name in the tests' own network.
const NAME: &str = "hooks.example.test";
/// Where names are asked for in there.
const DNS: &str = "127.0.0.1:53";

/// A port where nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A public receiver with a certificate for [`NAME`], and one that nothing may come to, at the same port of 127.0.0.1.
fn public_and_here() -> (Receiver, Receiver) {
    let public = Receiver::at(&format!("{PUBLIC}:443"), Some(Certificate::of(NAME)));
    (public, Receiver::at("127.0.0.1:443", None))
}

/// The https URL of a server that answers whatever comes in plain text.
fn plain_speaker() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Read first: what is left unread when it closes would reset the connection.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    url
}

/// The flags that trust a receiver's authority.
fn trusting(receiver: &Receiver) -> Vec<String> {
    vec!["--ca-file".to_owned(), receiver.authority().to_str().unwrap().to_owned()]
}

/// Them, as they are given.
fn flags(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

#[test]
fn w10_each_way_in_which_an_attempt_ends_is_told_by_its_class() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let strangers = Receiver::with_tls(Certificate::of("127.0.0.1"));
    let raw = |text: &str| Behaviour::Raw(text.as_bytes().to_vec());
    let mut expected: Vec<(String, &str)> = Vec::new();
    for status in [200, 201, 204, 299, 300, 302, 304, 399, 400, 404, 499, 429, 500, 503, 599] {
        let class = match status {
            200..300 => "delivered",
            300..400 => "redirect",
            429 => "throttled",
            400..500 => "client_error",
            _ => "server_error",
        };
        expected.push((receiver.always(&format!("/{status}"), Behaviour::status(status)), class));
    }
    for (path, behaviour, class) in [
        (
            "/101",
            raw("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
            "informational",
        ),
        ("/103", raw("HTTP/1.1 103 Early Hints\r\n\r\n"), "informational"),
        ("/199", raw("HTTP/1.1 199 X\r\n\r\n"), "informational"),
        ("/102-204", raw("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 X\r\n\r\n"), "delivered"),
        ("/600", raw("HTTP/1.1 600 X\r\ncontent-length: 0\r\n\r\n"), "protocol"),
        ("/nonsense", raw("SSH-2.0-OpenSSH_9.6\r\n"), "protocol"),
        ("/reset", Behaviour::Reset, "reset"),
        ("/close", Behaviour::Close, "reset"),
        (
            "/half",
            Behaviour::ResetAfter(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec()),
            "reset",
        ),
        ("/short", raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"), "reset"),
        ("/hang", Behaviour::Hang, "timeout"),
    ] {
        expected.push((receiver.always(path, behaviour), class));
    }
    expected.push((strangers.url.clone(), "tls"));
    expected.push((plain_speaker(), "tls"));
    expected.push((format!("http://127.0.0.1:{}/", free_port()), "refused"));
    expected.push(("https://hooks.invalid/".to_owned(), "dns"));

    let ids: Vec<_> = expected.iter().map(|(url, _)| outlet.add_here(url)).collect();
    outlet.send();
    for ((url, class), id) in expected.iter().zip(ids) {
        let newest = outlet.newest(&id);
        // While one of them hangs, the others are tried again.
        let attempts = newest["attempts"].as_array().unwrap();
        assert!(attempts.iter().all(|attempt| attempt["class"] == *class), "{url}: {newest}");
        let state = if *class == "delivered" { "delivered" } else { "pending" };
        assert_eq!(newest["state"], state, "{url}: {newest}");
        assert!(!attempts.is_empty(), "{url}: {newest}");
    }
    assert!(strangers.received().is_empty());
}

#[test]
fn w10_410_switches_the_webhook_off_and_is_a_class_of_its_own() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let id = outlet.add_here(&receiver.always("/gone", Behaviour::status(410)));
    outlet.send();
    let newest = outlet.newest(&id);
    assert_eq!((&newest["class"], &newest["state"]), (&"gone".into(), &"dead".into()), "{newest}");
}

#[test]
fn w15_a_redirect_is_not_followed_and_its_target_hears_nothing() {
    let (outlet, receiver, target) = (Outlet::new(), Receiver::start(), Receiver::start());
    for status in [301, 302, 303, 307, 308] {
        let path = format!("/{status}");
        let url = receiver.always(&path, Behaviour::redirect(status, &format!("{}/there", target.url)));
        let ran = outlet.home.run(["cloud", "webhook", "test", &url, "--allow-insecure-loopback"]);
        assert_ne!(ran.code, Some(0), "{ran}");
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(&status.to_string()) && told.contains("update the URL"), "{ran}");
        // Nor within the same server.
        let within = receiver.always(&format!("/in{status}"), Behaviour::redirect(status, "/there"));
        let (delivered, told) = outlet.test(&within, &["--allow-insecure-loopback"]);
        assert_eq!((delivered, &told["class"], &told["status"]), (false, &"redirect".into(), &status.into()));
    }
    assert!(receiver.received_at("/there").is_empty());
    assert_eq!(target.connections(), 0);
}

#[test]
fn w25_add_takes_https_urls_of_web_servers_alone() {
    let outlet = Outlet::new();
    for url in [
        "http://hooks.example.com/canary",
        "http://127.0.0.1:3000/canary",
        "ftp://hooks.example.com/canary",
        "file:///etc/canary",
        "https://",
        "https:///canary",
        "https://user@hooks.example.com/canary",
        "https://user:canary@hooks.example.com/",
        "https://hooks.example.com/#canary",
        "https://hooks.example.com:0/canary",
        "https://hooks.example.com:22/canary",
        "https://hooks.example.com:25/canary",
        "hooks.example.com/canary",
        "",
    ] {
        let ran = outlet.try_add(url, &[]).exits(2);
        assert!(ran.stderr.contains("hint: ") && !ran.stderr.contains("canary"), "{ran}");
    }
    for url in ["http://hooks.example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/"] {
        outlet.try_add(url, &["--allow-insecure-loopback"]).fails(2, "E-HOOK-011");
    }
    outlet.try_add("http://10.0.0.1/", &["--allow-private", "10.0.0.0/8"]).fails(2, "E-HOOK-011");
    for url in ["http://127.0.0.1:3000/", "http://[::1]:3000/", "http://localhost:3000/"] {
        outlet.add_here(url);
    }
    assert_eq!(outlet.home.json(["cloud", "webhook", "list"])["webhooks"].as_array().unwrap().len(), 3);
}

#[test]
fn w29_the_proxy_of_the_environment_is_not_for_webhooks() {
    let (mut outlet, receiver) = (Outlet::new(), Receiver::with_tls(Certificate::of("127.0.0.1")));
    let proxy = Receiver::start();
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
        outlet.home.set(variable, &proxy.url);
    }
    // An address that `NO_PROXY` does not hold for by itself is among those that are dialled.
    let (_, told) = outlet.test("https://hooks.invalid/", &[]);
    assert_eq!(told["class"], "dns", "{told}");
    let id = outlet
        .add(&receiver.url, &[&["--allow-insecure-loopback"], &flags(&trusting(&receiver))[..]].concat());
    outlet.send();
    assert_eq!(outlet.class(&id), "delivered");
    assert_eq!(proxy.connections(), 0);
    let told = outlet.home.run(["doctor"]).success();
    assert!(format!("{}{}", told.stdout, told.stderr).contains("webhook.proxy"), "{told}");
}

#[test]
fn w29_a_proxy_that_was_set_for_webhooks_connects_and_its_policy_is_told() {
    let test = "w29_a_proxy_that_was_set_for_webhooks_connects_and_its_policy_is_told";
    if !proxy::is_there() || !namespace::is_inside(test) {
        return;
    }
    let (mut outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let (public, here) = public_and_here();
    let proxy = Proxy::start("refused.example.test");
    dns.script(NAME, &[&[PUBLIC]]);
    outlet.home.set("ORKEE_WEBHOOK_PROXY", proxy.url(PASSWORD));
    let trusting = trusting(&public);
    let id = outlet.add(&format!("https://{NAME}/hook"), &flags(&trusting));
    outlet.send();
    let newest = outlet.newest(&id);
    assert_eq!(newest["class"], "delivered", "{newest}");
    assert_eq!(proxy.connects(), [format!("{NAME}:443")]);
    assert_eq!(public.received()[0].server_name.as_deref(), Some(NAME));
    let (_, told) = outlet.test("https://refused.example.test/", &flags(&trusting));
    assert_eq!(told["class"], "proxy", "{told}");
    // What is written as an address is judged here all the same.
    outlet.try_add("https://10.0.0.1/", &[]).fails(2, "E-HOOK-013");
    let doctor = outlet.home.run(["doctor"]).success();
    let told = format!("{}{}", doctor.stdout, doctor.stderr);
    assert!(
        told.contains("go out through http://127.0.0.1:") && told.contains("which addresses it dials"),
        "{doctor}"
    );
    Canaries(vec![PASSWORD]).are_not_printed(doctor);
    assert_eq!(here.connections(), 0);

    outlet.home.set("ORKEE_WEBHOOK_PROXY", proxy.url("wrong"));
    assert_eq!(outlet.test(&format!("https://{NAME}/"), &flags(&trusting)).1["class"], "proxy");
    outlet.home.set("ORKEE_WEBHOOK_PROXY", "socks5://127.0.0.1:1");
    outlet.home.run(["cloud", "webhook", "test", &format!("https://{NAME}/")]).fails(2, "E-HOOK-018");
}

#[test]
fn w32_a_bad_certificate_fails_and_no_request_is_sent() {
    let outlet = Outlet::new();
    for certificate in [
        Certificate::of("127.0.0.1"),
        Certificate::self_signed("127.0.0.1"),
        Certificate::expired("127.0.0.1"),
    ] {
        let receiver = Receiver::with_tls(certificate);
        let id = outlet.add_here(&receiver.url);
        outlet.send();
        let newest = outlet.newest(&id);
        assert_eq!((&newest["class"], newest["status"].is_null()), (&"tls".into(), true), "{newest}");
        assert!(receiver.received().is_empty(), "{certificate:?}");
    }
}

#[test]
fn w32_an_authority_of_ones_own_is_trusted_for_its_webhook_alone() {
    let outlet = Outlet::new();
    let (mine, other) =
        (Receiver::with_tls(Certificate::of("127.0.0.1")), Receiver::with_tls(Certificate::of("127.0.0.1")));
    let expired = Receiver::with_tls(Certificate::expired("127.0.0.1"));
    let misnamed = Receiver::at("127.0.0.1:0", Some(Certificate::of("hooks.example.com")));
    let here = ["--allow-insecure-loopback"];
    let with = |receiver: &Receiver, url: &str| {
        outlet.add(url, &[&here[..], &flags(&trusting(receiver))[..]].concat())
    };
    let good = with(&mine, &mine.url);
    let without = outlet.add_here(&format!("{}/without", mine.url));
    let anothers = with(&mine, &other.url);
    let late = with(&expired, &expired.url);
    let elsewhere = with(&misnamed, &format!("https://{}/", misnamed.address()));
    outlet.send();
    let newest = outlet.newest(&good);
    assert_eq!(newest["class"], "delivered", "{newest}");
    assert!(newest["attempts"][0]["tls"].as_str().unwrap().starts_with("TLS 1.3 "), "{newest}");
    for id in [without, anothers, late, elsewhere] {
        assert_eq!(outlet.class(&id), "tls");
    }
    assert_eq!(mine.received().len(), 1);
    let none = outlet.home.file("none.pem", "no certificate");
    outlet
        .try_add("https://hooks.example.com/", &["--ca-file", none.to_str().unwrap()])
        .fails(2, "E-HOOK-017");
}

#[test]
fn w34_a_header_that_is_the_hosts_or_could_be_two_is_refused() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    for header in [
        "X-A: canary\r\nX-B: canary",
        "X-A: canary\nX-B: canary",
        "X-A: canary\rX",
        "Host: canary",
        "hOST: canary",
        "webhook-id: canary",
        "Webhook-Signature: canary",
        "webhook-other: canary",
        "Content-Length: 12",
        "Transfer-Encoding: canary",
        "Connection: canary",
        "Proxy-Authorization: canary",
        "X A: canary",
        "canary",
    ] {
        let ran = outlet.try_add(&receiver.url, &["--allow-insecure-loopback", "--header", header]);
        let ran = ran.fails(2, "E-HOOK-015");
        assert!(!ran.stderr.contains("canary"), "{ran}");
    }
    assert!(outlet.home.json(["cloud", "webhook", "list"])["webhooks"].as_array().unwrap().is_empty());
}

#[test]
fn w34_a_header_goes_along_and_its_value_is_nowhere_else() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let (bearer, key) = ("canary-of-the-header-83ab", "canary-of-the-key-91f2");
    // A receiver that repeats what it was sent.
    let echo = format!("you sent Bearer {bearer}, which is {bearer}, and {key}");
    let url = receiver.always("/echo", Behaviour::with_body(200, echo));
    let header = [format!("Authorization: Bearer {bearer}"), format!("X-Api-Key: {key}")];
    let id = outlet.add(&url, &["--allow-insecure-loopback", "--header", &header[0], "--header", &header[1]]);
    outlet.send();
    let newest = outlet.newest(&id);
    assert_eq!(newest["class"], "delivered", "{newest}");
    assert_eq!(newest["reply"], "you sent ***, which is ***, and ***", "{newest}");
    let request = &receiver.received()[0];
    assert_eq!(request.header("authorization"), Some(format!("Bearer {bearer}").as_str()));
    assert_eq!(request.header("x-api-key"), Some(key));
    assert!(request.header("webhook-signature").is_some());

    let canaries = Canaries(vec![bearer, key]);
    for command in [
        vec!["cloud", "webhook", "list"],
        vec!["cloud", "webhook", "list", "--json"],
        vec!["cloud", "webhook", "show", &id, "--json", "-vvv"],
        vec!["cloud", "webhook", "deliveries", &id, "--local", "--json"],
        vec!["cloud", "webhook", "test", &id, "-vvv"],
        vec!["audit", "--json"],
        vec!["doctor", "-vvv"],
    ] {
        canaries.are_not_printed(outlet.home.run(&command));
    }
    let shown = outlet.home.json(["cloud", "webhook", "show", &id]);
    assert_eq!(shown["webhook"]["headers"], serde_json::json!(["Authorization", "X-Api-Key"]));
    let log = std::fs::read(outlet.home.orkee().join("logs/orkee.log")).unwrap_or_default();
    canaries.are_not_in("the log", &log);
}
