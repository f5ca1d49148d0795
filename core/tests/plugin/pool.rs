//! Memory that calls have from a pool: nothing is handed from one call to the next in it, and it has the limits of memory of its own.

use std::time::Duration;

use futures_util::future::join_all;
use orkee_core::plugin::{Limit, Limits};

use crate::guests;
use crate::rig::{Rig, alive, found};
use crate::server::{Server, reply};

/// What a call says that finds nothing of another.
const CLEAN: &str = "call 1, 0 bytes of others";

#[tokio::test]
async fn nothing_that_a_call_wrote_is_there_in_the_next() {
    for rig in [Rig::offline().pooled(), Rig::offline()] {
        let provider = rig.open(guests::rogue(), &[("do", "litter")]).await.unwrap();
        for _ in 0..3 {
            assert_eq!(found(&provider).await.unwrap(), CLEAN);
        }
        // Nor in that of another plugin's call.
        rig.open(guests::plain(), &[]).await.unwrap();
        assert_eq!(found(&provider).await.unwrap(), CLEAN);
    }
}

#[tokio::test]
async fn what_was_stopped_or_broken_off_leaves_nothing_either() {
    let usual = Limits { memory: 20 << 20, ..Limits::default() };
    let mut rig = Rig { limits: usual.clone(), ..Rig::offline().pooled() };
    let short = Duration::from_millis(50);
    let stopped =
        [("eat-memory", Some(Limit::Memory(20 << 20))), ("spin", Some(Limit::Cpu(short))), ("panic", None)];
    for (what, limit) in stopped {
        assert_eq!(rig.rogue(&[("do", "litter")]).await.unwrap(), CLEAN, "before {what}");
        if what == "spin" {
            rig.limits.cpu = short;
        }
        assert_eq!(rig.stopped(&[("do", what)]).await.limit(), limit, "{what}");
        rig.limits = usual.clone();
        assert_eq!(rig.rogue(&[("do", "litter")]).await.unwrap(), CLEAN, "after {what}");
    }
    let sleeper = rig.open(guests::rogue(), &[("do", "sleep")]).await.unwrap();
    assert!(tokio::time::timeout(short, found(&sleeper)).await.is_err());
    assert_eq!(rig.rogue(&[("do", "litter")]).await.unwrap(), CLEAN);
}

#[tokio::test]
async fn more_calls_than_there_is_room_for_wait_for_their_turn() {
    let server = Server::start(|_| reply(200, &[], b"late")).await;
    let rig = Rig::new(&server.url).pooled();
    let provider = rig.open(guests::rogue(), &[("do", "send")]).await.unwrap();
    // Each waits for the network, with its memory.
    let calls = join_all((0..100).map(|_| found(&provider)));
    for told in alive(calls).await {
        assert!(told.as_deref().is_ok_and(|told| told.contains("body late")), "{told:?}");
    }
}
