//! Replies that are not what the backend should say.

use std::time::{Duration, Instant};

use orkee_core::plugin::Limits;
use orkee_core::sync::provider::{Failure, Provider, Request};

use super::trouble::{Trouble, endure, endure_within};
use crate::bench::Bench;
use crate::finding::{Finding, ensure};
use crate::proxy::{Canned, Way};

const CALL: Duration = Duration::from_secs(2);
/// Beyond the time of a call, for all around it on a machine that is busy.
const GRACE: Duration = Duration::from_secs(8);

pub(super) async fn html(bench: &Bench<'_>) -> Finding {
    let page = Canned {
        status: 200,
        headers: &[("content-type", "text/html; charset=utf-8")],
        body: "<!DOCTYPE html><html><body><h1>Welcome to the hotel's network</h1></body></html>",
    };
    endure(bench, &Trouble::passing(Way::Answer(page))).await
}

pub(super) async fn cut(bench: &Bench<'_>) -> Finding {
    endure(bench, &Trouble::passing(Way::Cut)).await
}

pub(super) async fn garbled(bench: &Bench<'_>) -> Finding {
    endure(bench, &Trouble { may_mislead: true, ..Trouble::passing(Way::Garble) }).await
}

pub(super) async fn drip(bench: &Bench<'_>) -> Finding {
    let limits = Limits { wall_clock: CALL, ..bench.candidate().limits.clone() };
    let way = Way::Drip(CALL / 4);
    let device = bench.client().await?;
    device.list(100).await?;
    let dripping = way.clone();
    let troubled = bench.client_again(&device, limits.clone()).await?;
    troubled.proxy.decide(move |_| dripping.clone());
    let begun = Instant::now();
    let limit = troubled.provider.limits().max_page.min(100);
    let _ = troubled.exchange(Request { limit, ..Request::default() }).await;
    let took = begun.elapsed();
    ensure(took <= CALL + GRACE, "a call ends within its limit", || format!("it took {} s", took.as_secs()))?;
    endure_within(bench, limits, &Trouble::passing(way)).await
}

pub(super) async fn oversized(bench: &Bench<'_>) -> Finding {
    let limit = bench.candidate().limits.reply_body;
    for length in [Some(limit + 1), None] {
        let trouble = Trouble {
            expected: "a failure of the call",
            allows: |error| {
                !matches!(
                    error.failure,
                    Failure::Auth | Failure::Forbidden | Failure::Unsuitable | Failure::Refused
                )
            },
            ..Trouble::passing(Way::Flood(length))
        };
        endure(bench, &trouble).await?;
    }
    Ok(())
}
