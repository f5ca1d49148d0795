//! P20 to P28: a guest that takes too much is stopped with an error that says what, and the next call works.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use orkee_core::diagnostic::Diagnostic;
use orkee_core::plugin::{Grants, Limit, Limits, PluginError};
use orkee_core::sync::provider::Failure;

use crate::guests;
use crate::rig::{Rig, alive, found};
use crate::server::{Answer, Server, reply};

fn limit(error: &PluginError) -> Limit {
    assert!(error.to_string().contains("`fixture`"), "{error}");
    error.limit().unwrap_or_else(|| panic!("{error}"))
}

#[tokio::test]
async fn p20_a_guest_that_eats_memory_is_stopped() {
    let error = Rig::offline().stopped(&[("do", "eat-memory")]).await;
    assert_eq!(limit(&error), Limit::Memory(64 << 20));
    assert_eq!(error.to_string(), "the plugin `fixture` was stopped: its limit is 64 MiB of memory");
}

#[tokio::test]
async fn p20_lists_that_would_grow_in_the_host_are_stopped() {
    let limits = Limits { memory: 32 << 20, host_calls: 50, ..Limits::default() };
    Rig { limits, ..Rig::offline() }.stopped(&[("do", "amplify")]).await;
}

#[tokio::test]
async fn p21_a_guest_that_computes_without_end_is_stopped() {
    let limits = Limits { cpu: Duration::from_millis(50), ..Limits::default() };
    let error = Rig { limits, ..Rig::offline() }.stopped(&[("do", "spin")]).await;
    assert_eq!(limit(&error), Limit::Cpu(Duration::from_millis(50)));
}

#[tokio::test]
async fn p21_waiting_for_the_network_costs_no_computing_time() {
    let told = Arc::new(tokio::sync::Notify::new());
    let Answer::Bytes(late) = reply(200, &[], b"late") else { unreachable!() };
    let server = Server::start({
        let told = Arc::clone(&told);
        move |_| Answer::Late(Arc::clone(&told), late.clone())
    })
    .await;
    // Less computing time than the clock's ticks while the guest waits.
    let limits = Limits { cpu: Duration::from_millis(100), ..Limits::default() };
    let rig = Rig { limits, ..Rig::new(&server.url) };
    let (answered, ()) = tokio::join!(rig.rogue(&[("do", "send")]), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        told.notify_one();
    });
    assert!(answered.unwrap().contains("body late"));
}

#[tokio::test]
async fn p21_requests_that_are_refused_at_once_are_no_waiting() {
    let limits = Limits { cpu: Duration::from_millis(50), host_calls: u32::MAX, ..Limits::default() };
    let limits = Limits { wall_clock: Duration::from_secs(20), ..limits };
    let rig = Rig { limits, grants: Grants::nothing(), ..Rig::offline() };
    let error = rig.stopped(&[("do", "send-without-end")]).await;
    assert_eq!(limit(&error), Limit::Cpu(Duration::from_millis(50)));
}

#[tokio::test]
async fn p22_a_guest_that_sleeps_is_stopped() {
    let limits = Limits { wall_clock: Duration::from_millis(200), ..Limits::default() };
    let error = Rig { limits, ..Rig::offline() }.rogue(&[("do", "sleep")]).await.unwrap_err();
    assert_eq!((error.failure, error.kind().exit_code()), (Failure::Timeout, 7));
    let error = error.source.unwrap().downcast::<PluginError>().unwrap();
    assert_eq!(limit(&error), Limit::WallClock(Duration::from_millis(200)));
}

#[tokio::test]
async fn p22_a_state_that_somebody_else_keeps_holds_no_call_beyond_its_time() {
    let rig = Rig::offline();
    rig.rogue(&[("do", "remember"), ("memory", "one")]).await.unwrap();
    let lock = File::options().write(true).open(rig.home.path().join("fixture/personal.lock")).unwrap();
    lock.lock().unwrap();
    // Let go in the end, so that a host that waits with its thread fails rather than hangs.
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(20));
        drop(lock);
    });
    let patient = rig.rogue(&[("do", "remember"), ("memory", "two")]).await;
    assert_eq!(patient.unwrap(), "one", "the guest is told that its state was not changed, and may go on");
    let rig = Rig { limits: Limits { wall_clock: Duration::from_millis(200), ..Limits::default() }, ..rig };
    let error = rig.rogue(&[("do", "remember"), ("memory", "three")]).await.unwrap_err();
    let error = error.source.unwrap().downcast::<PluginError>().unwrap();
    assert_eq!(limit(&error), Limit::WallClock(Duration::from_millis(200)));
}

/// A body that is larger than the limit, in each way that a server can send one.
fn oversized(way: &str) -> Answer {
    let body = vec![0; (1 << 20) + 1];
    match way {
        "/announced" => reply(200, &[], &body),
        "/streamed" => Answer::Cut([b"HTTP/1.1 200 OK\r\n\r\n", &body[..]].concat()),
        "/lied" => {
            Answer::Cut([b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n", &body[..]].concat())
        }
        _ => {
            reply(200, &[("content-encoding", "zstd")], &zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap())
        }
    }
}

#[tokio::test]
async fn p23_a_body_beyond_the_limit_is_not_taken_in_however_it_comes() {
    let server = Server::start(|seen| oversized(&seen.target)).await;
    let limits = Limits { reply_body: 1 << 20, ..Limits::default() };
    let rig = Rig { limits, ..Rig::new(&server.url) };
    for url in ["/announced", "/streamed", "/lied", "/bomb"] {
        assert_eq!(
            rig.rogue(&[("do", "send"), ("url", url)]).await.unwrap(),
            "Error::TooLarge(1048576)",
            "{url}"
        );
        let error = rig.rogue(&[("do", "send-and-fail"), ("url", url)]).await.unwrap_err();
        assert_eq!(error.failure, Failure::Backend);
        let error = error.source.unwrap().downcast::<PluginError>().unwrap();
        assert_eq!(limit(&error), Limit::ReplyBody(1 << 20));
    }
}

#[tokio::test]
async fn p24_a_guest_that_calls_the_host_without_end_is_stopped() {
    let error = Rig::offline().stopped(&[("do", "call-the-host")]).await;
    assert_eq!(limit(&error), Limit::HostCalls(1000));
}

#[tokio::test]
async fn p24_a_guest_that_floods_the_log_is_stopped() {
    let limits = Limits { host_calls: 1_000_000, ..Limits::default() };
    let error = Rig { limits, ..Rig::offline() }.stopped(&[("do", "log")]).await;
    assert_eq!(limit(&error), Limit::LogLines(1000));
    assert_eq!(Rig::offline().rogue(&[("do", "log-a-little")]).await.unwrap(), "logged");
}

#[tokio::test]
async fn p24_a_guest_that_floods_its_standard_error_is_stopped() {
    let error = Rig::offline().stopped(&[("do", "write-to-stderr")]).await;
    assert_eq!(limit(&error), Limit::Output(1 << 20));
}

#[tokio::test]
async fn p25_a_guest_learns_that_its_state_is_full() {
    let found = Rig::offline().rogue(&[("do", "fill-the-state")]).await.unwrap();
    assert_eq!(found, "full after 15, limit 1048576");
}

#[tokio::test]
async fn p26_a_component_beyond_the_limit_is_not_loaded() {
    let limits = Limits { component: 1000, ..Limits::default() };
    let error = Rig { limits, ..Rig::offline() }.open(guests::rogue(), &[]).await.err().unwrap();
    assert_eq!(limit(&error), Limit::Component(1000));
}

#[tokio::test]
async fn p27_a_panic_is_told_in_the_guests_words_without_its_colours() {
    let error = Rig::offline().stopped(&[("do", "panic")]).await;
    let PluginError::Panicked { message, .. } = &error else { panic!("{error}") };
    assert!(message.starts_with("red alert and more (at "), "{message}");
    assert!(message.contains("rogue/src/lib.rs:"), "{message}");
}

#[tokio::test]
async fn p27_a_guest_that_ends_itself_is_told_as_such() {
    let error = Rig::offline().stopped(&[("do", "exit")]).await;
    assert!(
        matches!(&error, PluginError::Trapped { reason, .. } if reason.contains("ended itself")),
        "{error}"
    );
    assert_eq!(error.code(), "E-PLUGIN-008");
}

/// From the limit to the error, however the guest hangs. The best of a few: a busy machine may be late, a host that is slow always is.
#[tokio::test]
async fn p28_a_guest_that_hangs_is_gone_within_100_ms_of_its_limit() {
    const LIMIT: Duration = Duration::from_millis(300);
    let limits = Limits { wall_clock: LIMIT, cpu: Duration::from_secs(60), ..Limits::default() };
    let rig = Rig { limits, ..Rig::offline() };
    for way in ["spin", "sleep"] {
        let provider = rig.open(guests::rogue(), &[("do", way)]).await.unwrap();
        let mut late = Duration::MAX;
        for _ in 0..20 {
            let begun = std::time::Instant::now();
            let error = found(&provider).await.unwrap_err();
            assert_eq!(error.failure, Failure::Timeout);
            late = late.min(begun.elapsed().saturating_sub(LIMIT));
            if late < Duration::from_millis(100) {
                break;
            }
        }
        assert!(late < Duration::from_millis(100), "{way}: {late:?} after its limit");
    }
}

/// On one thread, so that a guest that does not give way would stop everything.
#[tokio::test(flavor = "current_thread")]
async fn p28_a_call_can_be_broken_off_at_any_moment() {
    let rig = Rig::offline();
    for way in ["spin", "sleep"] {
        let provider = rig.open(guests::rogue(), &[("do", way)]).await.unwrap();
        tokio::select! {
            _ = found(&provider) => panic!("nobody ends this"),
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
        assert_eq!(rig.rogue(&[("do", "behave")]).await.unwrap(), "behaved");
    }
}

#[tokio::test]
async fn calls_beside_each_other_have_limits_of_their_own() {
    let limits = Limits { cpu: Duration::from_millis(100), ..Limits::default() };
    let rig = Rig { limits, ..Rig::offline() };
    let good = rig.open(guests::rogue(), &[("do", "behave")]).await.unwrap();
    let bad = rig.open(guests::rogue(), &[("do", "eat-memory")]).await.unwrap();
    let worse = rig.open(guests::rogue(), &[("do", "spin")]).await.unwrap();
    let (a, b, c, d) =
        alive(async { tokio::join!(found(&good), found(&bad), found(&worse), found(&good)) }).await;
    assert_eq!((a.unwrap(), d.unwrap()), ("behaved".to_owned(), "behaved".to_owned()));
    assert!(b.is_err() && c.is_err());
}
