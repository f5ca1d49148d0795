//! What a receiver may cost: bytes, memory and time. Each reply is one that no receiver should give.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use orkee_tests::outlet::{Outlet, Took};
use orkee_tests::receiver::{Behaviour, Receiver};

const MIB: u64 = 1 << 20;
/// A whole delivery, by the clock: far less than any of these replies takes, however late a loaded machine is.
const WHOLE: std::ops::Range<f64> = 20.0..40.0;

/// One test event to `url`, while memory is watched.
fn watched(outlet: &Outlet, url: &str) -> Took {
    outlet.watch(&["cloud", "webhook", "test", url, "--allow-insecure-loopback", "--json"])
}

/// A head, and a body that does not come.
fn begun(body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", body].concat()
}

#[test]
fn w30_a_body_without_end_is_cut_its_connection_dropped_and_its_status_stands() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let plain = watched(&outlet, &receiver.always("/plain", Behaviour::status(200)));
    assert_eq!(plain.ran.code, Some(0), "{}", plain.ran);
    for (path, behaviour) in [
        ("/endless", Behaviour::Endless),
        ("/gibibyte", Behaviour::Zeros(1 << 30)),
        ("/bomb", Behaviour::gzip_bomb(256)),
    ] {
        let before = receiver.taken();
        let took = watched(&outlet, &receiver.always(path, behaviour));
        let told = took.ran.json();
        assert_eq!(
            (took.ran.code, &told["status"], &told["class"]),
            (Some(0), &200.into(), &"delivered".into())
        );
        assert!(took.time < Duration::from_secs(18), "{path}: {:?}", took.time);
        let growth = took.memory.saturating_sub(plain.memory);
        assert!(growth < 20 * MIB, "{path}: {growth} bytes more than the {} of a plain reply", plain.memory);
        // What two kernels hold between two sockets, and no more.
        let taken = receiver.taken() - before;
        assert!(taken < 64 * MIB, "{path}: {taken} bytes were taken");
        assert!(told["reply"].as_str().is_none_or(|reply| reply.len() <= 4 << 10), "{path}");
    }
}

#[test]
fn w30_a_compressed_reply_stays_as_it_came() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let url = receiver.always("/bomb", Behaviour::gzip_bomb(1));
    let (delivered, told) = outlet.test(&url, &["--allow-insecure-loopback"]);
    assert!(delivered, "{told}");
    // The magic number of gzip, which is no text behind its first byte; not a run of zeros.
    assert!(told["reply"].as_str().unwrap().starts_with("\u{1f}\u{fffd}\u{8}"), "{told}");
    assert_eq!(receiver.received()[0].header("accept-encoding"), Some("identity"));
}

#[test]
fn w30_a_head_beyond_8_kib_or_100_headers_is_no_reply() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let plain = watched(&outlet, &receiver.always("/plain", Behaviour::status(200)));
    for (path, behaviour, class) in [
        ("/many", Behaviour::Headers(100_000), "too_large"),
        ("/hundreds", Behaviour::Headers(200), "too_large"),
        ("/long", Behaviour::LongHeader(8 << 10), "too_large"),
        ("/endless", Behaviour::EndlessHead, "too_large"),
        ("/some", Behaviour::Headers(90), "delivered"),
        ("/longish", Behaviour::LongHeader(7 << 10), "delivered"),
    ] {
        let before = receiver.taken();
        let took = watched(&outlet, &receiver.always(path, behaviour));
        assert_eq!(took.ran.json()["class"], class, "{path}: {}", took.ran);
        assert!(took.time < Duration::from_secs(18), "{path}: {:?}", took.time);
        assert!(took.memory.saturating_sub(plain.memory) < 20 * MIB, "{path}: {}", took.memory);
        assert!(receiver.taken() - before < 64 * MIB, "{path}");
    }
}

#[test]
fn w31_a_reply_of_a_byte_a_second_fails_at_the_deadline_wherever_it_drips() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let second = Duration::from_secs(1);
    let head = b"HTTP/1.1 200 OK\r\nx-slow: yes\r\ncontent-length: 0\r\n\r\n".to_vec();
    let early = b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(40);
    let ids = [
        ("/head", Behaviour::Drip(second, head)),
        ("/body", Behaviour::ThenDrip(begun(b""), second, vec![b'a'; 1000])),
        ("/early", Behaviour::Drip(second / 2, early)),
        ("/hang", Behaviour::Hang),
        ("/begun", Behaviour::ThenDrip(begun(b"abc"), Duration::from_secs(60), vec![b'a'; 2])),
    ]
    .map(|(path, behaviour)| outlet.add_here(&receiver.always(path, behaviour)));
    let began = Instant::now();
    let drained = outlet.send();
    let took = began.elapsed().as_secs_f64();
    assert!(WHOLE.contains(&took), "{took} s");
    assert_eq!(drained["delivered"], 0, "{drained}");
    for id in ids {
        let newest = outlet.newest(&id);
        assert_eq!(newest["class"], "timeout", "{newest}");
        let whole = newest["duration_ms"].as_f64().unwrap() / 1000.0;
        // The dispatcher's own work comes first, within the same 20 s.
        assert!((15.0..35.0).contains(&whole), "{newest}");
    }
}

#[test]
fn w30_a_receiver_that_takes_a_connection_and_says_nothing_in_tls_is_left_after_5_s() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    // It speaks http, and waits for the end of a line that never comes.
    let url = receiver.url.replace("http://", "https://");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}", silent.local_addr().unwrap());
    let began = Instant::now();
    let (delivered, told) = outlet.test(&silent, &["--allow-insecure-loopback"]);
    let took = began.elapsed().as_secs_f64();
    assert_eq!((delivered, &told["class"]), (false, &"timeout".into()), "{told}");
    // Before the 20 s of a whole delivery are over.
    assert!((5.0..18.0).contains(&took), "{took} s");
    let (_, told) = outlet.test(&url, &["--allow-insecure-loopback"]);
    assert!(["timeout", "tls"].contains(&told["class"].as_str().unwrap()), "{told}");
}

#[test]
fn w33_control_characters_of_a_reply_are_not_shown_as_they_are() {
    let (outlet, receiver) = (Outlet::new(), Receiver::start());
    let nasty = "a\u{1b}[2Jb\u{1b}]0;title\u{7}c\u{9b}31md\re\u{8}f\u{202e}g\0h\n";
    let behaviour = Behaviour::with_body(500, nasty);
    let id = outlet.add_here(&receiver.always("/nasty", behaviour));
    outlet.send();
    let shown = [
        outlet.home.run(["cloud", "webhook", "deliveries", &id, "--local"]),
        outlet.home.run(["cloud", "webhook", "deliveries", &id, "--local", "-v"]),
        outlet.home.run(["cloud", "webhook", "show", &id]),
        outlet.home.run(["cloud", "webhook", "test", &id]),
        outlet.home.run(["cloud", "webhook", "deliveries", &id, "--local", "--json"]),
    ];
    for ran in &shown {
        let raw = ['\u{1b}', '\u{7}', '\u{9b}', '\r', '\u{8}', '\u{202e}', '\0'];
        let found: Vec<_> =
            raw.iter().filter(|c| ran.stdout.contains(**c) || ran.stderr.contains(**c)).collect();
        assert!(found.is_empty(), "{found:?} in {:?} {:?}", ran.stdout, ran.stderr);
    }
    // And it is the reply that was shown, not nothing.
    assert!(shown[3].stdout.contains("title") || shown[3].stderr.contains("title"), "{}", shown[3]);
    assert!(shown[4].stdout.contains("title"), "{}", shown[4]);
}
