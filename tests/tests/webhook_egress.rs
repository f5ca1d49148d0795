//! Where webhooks go, and where they do not: what `add` refuses, which addresses are dialled, and how each attempt ends.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use orkee_tests::canary::Canaries;
use orkee_tests::dns::Dns;
use orkee_tests::namespace::{self, PRIVATE, PUBLIC};
use orkee_tests::outlet::Outlet;
use orkee_tests::proxy::{self, PASSWORD, Proxy};
use orkee_tests::receiver::{Behaviour, Receiver};
use orkee_tests::tls::Certificate;
use rusqlite::Connection;

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

/// Each is an address that no delivery goes to, in some notation.
const BLOCKED: [&str; 43] = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "100.64.0.1",
    "100.127.255.254",
    "10.0.0.1",
    "10.255.255.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.255.254",
    "192.0.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "198.19.255.254",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[fe80::1]",
    "[febf::1]",
    "[fc00::1]",
    "[fdff::1]",
    "[100::1]",
    "[3fff::1]",
    "[5f00::1]",
    "168.63.129.16",
];

#[test]
fn w26_an_address_that_is_not_of_the_internet_is_refused_when_it_is_added() {
    let outlet = Outlet::new();
    for host in BLOCKED {
        outlet.try_add(&format!("https://{host}/canary"), &[]).fails(2, "E-HOOK-013");
        let ran = outlet.home.run(["cloud", "webhook", "test", &format!("https://{host}/")]);
        assert_eq!(ran.code, Some(2), "{ran}");
    }
    for host in ["localhost", "metadata.google.internal"] {
        outlet.try_add(&format!("https://{host}/"), &[]).fails(2, "E-HOOK-013");
    }
    assert!(outlet.home.json(["cloud", "webhook", "list"])["webhooks"].as_array().unwrap().is_empty());
}

#[test]
fn w26_an_address_that_is_not_of_the_internet_is_blocked_when_it_is_sent_to() {
    let outlet = Outlet::new();
    let ids: Vec<_> =
        (0..BLOCKED.len()).map(|n| outlet.add(&format!("https://hooks.invalid/{n}"), &[])).collect();
    outlet.happen();
    // As if the rules had been others when they were added.
    let database = Connection::open(outlet.database()).unwrap();
    for (id, host) in ids.iter().zip(BLOCKED) {
        let url = format!("https://{host}/");
        let changed = database.execute("UPDATE endpoints SET url = ?2 WHERE id = ?1", [id, &url]).unwrap();
        assert_eq!(changed, 1);
    }
    outlet.drain();
    for (id, host) in ids.iter().zip(BLOCKED) {
        let newest = outlet.newest(id);
        assert_eq!(newest["class"], "blocked_address", "{host}: {newest}");
    }
}

#[test]
fn w26_a_name_that_leads_to_an_address_of_an_interface_of_this_machine_is_blocked() {
    if !namespace::is_inside("w26_a_name_that_leads_to_an_address_of_an_interface_of_this_machine_is_blocked")
    {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let own = "8.8.4.4";
    let added = std::process::Command::new("ip").args(["addr", "add", "8.8.4.4/32", "dev", "lo"]).status();
    assert!(added.unwrap().success());
    let here = Receiver::at(&format!("{own}:443"), None);
    dns.script(NAME, &[&[own]]);
    outlet.try_add(&format!("https://{NAME}/"), &[]).fails(2, "E-HOOK-014").says("this machine");
    outlet.try_add(&format!("https://{own}/"), &[]).fails(2, "E-HOOK-013").says("this machine");
    let (delivered, told) = outlet.test(&format!("https://{NAME}/"), &[]);
    assert_eq!((delivered, &told["class"]), (false, &"blocked_address".into()), "{told}");
    assert_eq!(here.connections(), 0);
}

#[test]
fn w27_of_a_names_addresses_the_public_ones_alone_are_reached() {
    if !namespace::is_inside("w27_of_a_names_addresses_the_public_ones_alone_are_reached") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let (public, here) = public_and_here();
    let private = Receiver::at(&format!("{PRIVATE}:443"), None);
    let trusting = trusting(&public);
    for addresses in [[PRIVATE, "127.0.0.1", PUBLIC], [PUBLIC, PRIVATE, "127.0.0.1"]] {
        dns.script(NAME, &[&addresses]);
        let id = outlet.add(&format!("https://{NAME}/{}", addresses[0]), &flags(&trusting));
        outlet.send();
        assert_eq!(outlet.class(&id), "delivered");
    }
    let reached = public.received().len();
    assert!(reached >= 2, "{reached}");

    let id = outlet.add(&format!("https://{NAME}/later"), &flags(&trusting));
    dns.script(NAME, &[&["127.0.0.1", PRIVATE, "169.254.169.254"]]);
    outlet.try_add(&format!("https://{NAME}/now"), &flags(&trusting)).fails(2, "E-HOOK-014");
    outlet.send();
    let newest = outlet.newest(&id);
    assert_eq!(newest["class"], "blocked_address", "{newest}");
    assert_eq!((here.connections(), private.connections(), public.received().len()), (0, 0, reached));
}

#[test]
fn w28_a_name_that_leads_elsewhere_later_leads_nowhere() {
    if !namespace::is_inside("w28_a_name_that_leads_elsewhere_later_leads_nowhere") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let (public, here) = public_and_here();
    let trusting = trusting(&public);
    dns.script(NAME, &[&[PUBLIC]]);
    let id = outlet.add(&format!("https://{NAME}/hook"), &flags(&trusting));
    assert!(dns.asked(NAME) > 0, "it was looked up when it was added");
    dns.script(NAME, &[&["127.0.0.1"]]);
    outlet.send();
    assert_eq!(outlet.class(&id), "blocked_address");
    assert_eq!((public.connections(), here.connections()), (0, 0));
}

#[test]
fn w28_a_name_that_flips_between_check_and_use_is_dialled_as_it_was_checked() {
    if !namespace::is_inside("w28_a_name_that_flips_between_check_and_use_is_dialled_as_it_was_checked") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let (public, here) = public_and_here();
    let url = format!("https://{NAME}/hook");
    let trusting = trusting(&public);
    // Good at one question and bad at the next, in either order: whoever asks twice is betrayed.
    let mut classes = Vec::new();
    for first in [PUBLIC, "127.0.0.1"] {
        let second = if first == PUBLIC { "127.0.0.1" } else { PUBLIC };
        let turns: Vec<Vec<&str>> = (0..20).map(|n| vec![if n % 2 == 0 { first } else { second }]).collect();
        dns.script(NAME, &turns.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for attempt in 1..=6 {
            let (_, told) = outlet.test(&url, &flags(&trusting));
            assert_eq!(dns.asked(NAME), attempt, "an attempt asks once: {told}");
            classes.push(told["class"].as_str().unwrap().to_owned());
        }
    }
    let count = |class: &str| classes.iter().filter(|known| *known == class).count();
    assert_eq!((count("delivered"), count("blocked_address")), (6, 6), "{classes:?}");
    assert_eq!(here.connections(), 0);
    for request in public.received() {
        assert_eq!(request.header("host"), Some(NAME));
        assert_eq!(request.server_name.as_deref(), Some(NAME));
    }
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
    let echo = format!("you sent Bearer {bearer} and {key}");
    let url = receiver.always("/echo", Behaviour::with_body(200, echo));
    let header = [format!("Authorization: Bearer {bearer}"), format!("X-Api-Key: {key}")];
    let id = outlet.add(&url, &["--allow-insecure-loopback", "--header", &header[0], "--header", &header[1]]);
    outlet.send();
    let newest = outlet.newest(&id);
    assert_eq!(newest["class"], "delivered", "{newest}");
    assert_eq!(newest["reply"], "you sent *** and ***", "{newest}");
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

#[test]
fn w35_a_private_receiver_needs_its_network_named_and_that_is_audited() {
    if !namespace::is_inside("w35_a_private_receiver_needs_its_network_named_and_that_is_audited") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let private = Receiver::at(&format!("{PRIVATE}:443"), Some(Certificate::of(NAME)));
    let public = Receiver::at(&format!("{PUBLIC}:443"), None);
    dns.script(NAME, &[&[PRIVATE]]);
    let (url, trusting) = (format!("https://{NAME}/hook"), trusting(&private));
    outlet.try_add(&url, &flags(&trusting)).fails(2, "E-HOOK-014");
    for network in ["10.8.0.0/16", "192.168.0.0/16"] {
        outlet
            .try_add(&url, &[&flags(&trusting)[..], &["--allow-private", network]].concat())
            .fails(2, "E-HOOK-014");
    }
    for network in ["0.0.0.0/0", "::/0", "10.0.0.0/7", "169.254.169.254/32", "everything"] {
        outlet.try_add(&url, &["--allow-private", network]).fails(2, "E-HOOK-016");
    }
    let id = outlet.add(&url, &[&flags(&trusting)[..], &["--allow-private", "10.9.0.0/16"]].concat());
    outlet.send();
    assert_eq!(outlet.class(&id), "delivered");
    assert_eq!(private.received().len(), 1);
    let audit = outlet.home.json(["audit"]).to_string();
    assert!(audit.contains("10.9.0.0/16") && audit.contains(&id), "{audit}");
    // It is that webhook's alone.
    let (_, told) = outlet.test(&format!("https://{NAME}/other"), &flags(&trusting));
    assert_eq!(told["class"], "blocked_address", "{told}");
    assert_eq!((private.received().len(), public.connections()), (1, 0));
}

#[test]
fn w35_metadata_services_stay_blocked_whatever_is_named() {
    if !namespace::is_inside("w35_metadata_services_stay_blocked_whatever_is_named") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let every = ["169.254.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "168.63.0.0/16", "fd00::/8"];
    let named: Vec<&str> = every.iter().flat_map(|network| ["--allow-private", network]).collect();
    for address in ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"] {
        let route = ["route", "add", "local", address, "dev", "lo", "src", "127.0.0.1"];
        assert!(std::process::Command::new("ip").args(route).status().unwrap().success());
        let service = Receiver::at(&format!("{address}:443"), None);
        dns.script(NAME, &[&[address]]);
        outlet.try_add(&format!("https://{address}/"), &named).fails(2, "E-HOOK-013");
        outlet.try_add(&format!("https://{NAME}/"), &named).fails(2, "E-HOOK-014");
        dns.script(NAME, &[&[PUBLIC], &[address]]);
        let id = outlet.add(&format!("https://{NAME}/{address}"), &named);
        outlet.send();
        assert_eq!(outlet.class(&id), "blocked_address", "{address}");
        assert_eq!(service.connections(), 0, "{address}");
    }
    for url in ["https://[fd00:ec2::254]/", "https://metadata.google.internal/"] {
        outlet.try_add(url, &named).fails(2, "E-HOOK-013");
    }
}

#[test]
fn w30_an_address_that_takes_no_connection_is_left_after_5_s() {
    if !namespace::is_inside("w30_an_address_that_takes_no_connection_is_left_after_5_s") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    // What goes there comes back to where nobody has that address: it is dropped.
    let hole = "9.9.9.8";
    let route = ["route", "add", hole, "dev", "lo"];
    assert!(std::process::Command::new("ip").args(route).status().unwrap().success());
    dns.script(NAME, &[&[hole]]);
    let begun = std::time::Instant::now();
    let (delivered, told) = outlet.test(&format!("https://{NAME}/"), &[]);
    let took = begun.elapsed();
    assert_eq!((delivered, &told["class"]), (false, &"timeout".into()), "{told}");
    assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&took), "{took:?}");
}
