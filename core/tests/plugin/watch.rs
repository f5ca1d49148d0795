//! P63: how long a provider may wait, and what becomes of a server that does not let it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orkee_core::plugin::{Limit, Limits, PluginError};
use orkee_core::sync::provider::{Cursor, Failure, Head, Position, Provider, ProviderError};
use tokio::sync::Notify;

use crate::guests;
use crate::rig::{Rig, alive};
use crate::server::{Answer, Server, reply};

const JSON: (&str, &str) = ("content-type", "application/json");

fn cursor() -> Cursor {
    let head = Head { number: 41, tag: "a+b".to_owned() };
    Cursor { position: Some(Position("41.40".to_owned())), head: Some(head) }
}

fn bytes(answer: Answer) -> Vec<u8> {
    match answer {
        Answer::Bytes(bytes) => bytes,
        _ => panic!("this is no reply"),
    }
}

fn rig(url: &str) -> Rig {
    Rig { limits: Limits { wall_clock: Duration::from_secs(2), ..Limits::default() }, ..Rig::new(url) }
}

async fn watched(url: &str, wait: Duration) -> Result<bool, ProviderError> {
    let provider = rig(url).open(guests::orkee_cloud(), &[]).await.unwrap();
    alive(provider.watch(cursor(), wait)).await
}

#[tokio::test]
async fn p63_a_wait_takes_longer_than_any_other_call_may() {
    let told = Arc::new(Notify::new());
    let late = Answer::Late(Arc::clone(&told), bytes(reply(200, &[JSON], br#"{"changed":true}"#)));
    let server = Server::start(move |_| late.clone()).await;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(3500)).await;
        told.notify_one();
    });
    assert!(watched(&server.url, Duration::from_secs(50)).await.unwrap());
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.target, "/v1/changes/wait?position=41.40&wait=50&head=41&tag=a%2Bb");
    assert_eq!(seen.header("authorization"), Some("Bearer orkee_canary_0123456789abcdef"));
}

#[tokio::test]
async fn p63_a_server_that_never_answers_costs_the_wait_and_a_little_more() {
    let server = Server::start(|_| Answer::Silence).await;
    let begun = Instant::now();
    let error = watched(&server.url, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.failure, Failure::Timeout, "{error}");
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(12) && took < Duration::from_secs(40), "{took:?}");
}

#[tokio::test]
async fn p63_computing_and_memory_are_limited_while_a_provider_waits() {
    let limits = Limits { cpu: Duration::from_millis(200), ..Limits::default() };
    let rig = Rig { limits, ..Rig::offline() };
    for (way, limit) in
        [("spin", Limit::Cpu(Duration::from_millis(200))), ("eat-memory", Limit::Memory(64 << 20))]
    {
        let provider = rig.open(guests::rogue(), &[("do", way)]).await.unwrap();
        let error = alive(provider.watch(cursor(), Duration::from_secs(50))).await.unwrap_err();
        assert_eq!(error.failure, Failure::Plugin, "{way}: {error}");
        let source = error.source.unwrap().downcast::<PluginError>().unwrap();
        assert_eq!(source.limit(), Some(limit), "{way}: {source}");
    }
}

#[tokio::test]
async fn p63_each_way_in_which_a_server_does_not_wait_is_told_apart() {
    fn refused(status: u16, headers: &[(&str, &str)]) -> Answer {
        let error = br#"{"error":{"code":"some-code","message":"Some words."}}"#;
        reply(status, &[&[JSON], headers].concat(), error)
    }
    let later = [("retry-after", "60")];
    let minute = Some(Duration::from_secs(60));
    for (answer, failure) in [
        (refused(404, &[]), Failure::Unsuitable),
        (refused(405, &[]), Failure::Unsuitable),
        (refused(429, &later), Failure::Busy(minute)),
        (refused(503, &later), Failure::Busy(minute)),
        (refused(403, &[]), Failure::Forbidden),
        (refused(500, &[]), Failure::Backend),
        (reply(404, &[], b"<html>"), Failure::Backend),
        (reply(200, &[("content-type", "text/html")], b"<html>"), Failure::Backend),
        (reply(200, &[JSON], b"{}"), Failure::Backend),
        (reply(200, &[JSON], br#"{"changed":"yes"}"#), Failure::Backend),
    ] {
        let told = String::from_utf8_lossy(&bytes(answer.clone())).into_owned();
        let server = Server::start(move |_| answer.clone()).await;
        let error = watched(&server.url, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.failure, failure, "{told}: {error}");
    }
    let error = watched("http://127.0.0.1:9", Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unreachable, "{error}");
}

#[tokio::test]
async fn p63_without_a_position_nobody_is_asked() {
    let provider = rig("http://127.0.0.1:9").open(guests::orkee_cloud(), &[]).await.unwrap();
    assert!(provider.watch(Cursor::default(), Duration::from_secs(5)).await.unwrap());
}
