//! Two devices that write one record at once. The proxies hold each of them at the same request until both have come there, so that
//! one which looks first and writes afterwards has looked before the other wrote.

use std::sync::Arc;

use orkee_core::id;
use orkee_core::sync::provider::{Answer, Failure, Mutation, Outcome, ProviderError, Request, Stored};
use tokio::sync::Barrier;

use crate::bench::{Bench, Client, envelope, new, page, said};
use crate::finding::{Finding, Stop, ensure, told};
use crate::proxy::Way;

/// Races at each request, since what comes first is left to chance.
const ROUNDS: usize = 3;
/// More requests than one record should need.
const MAX_REQUESTS: usize = 8;
const PAGE: u32 = 100;

pub(super) async fn update(bench: &Bench<'_>) -> Finding {
    let racers = (bench.client().await?, bench.client().await?);
    let requests = requests(&racers).await?;
    for at in 0..requests {
        for _ in 0..ROUNDS {
            let record = racers.0.create(&envelope("raced for")).await?;
            let rival = |words| record.update(&envelope(words));
            race(bench, &racers, at, rival("one"), rival("other")).await?;
        }
    }
    Ok(())
}

pub(super) async fn create(bench: &Bench<'_>) -> Finding {
    let racers = (bench.client().await?, bench.client().await?);
    let requests = requests(&racers).await?;
    for at in 0..requests {
        for _ in 0..ROUNDS {
            let id = id::random(8);
            let rival = |words| Mutation { id: id.clone(), ..new(&envelope(words)) };
            race(bench, &racers, at, rival("one"), rival("other")).await?;
        }
    }
    Ok(())
}

/// How many requests a push takes when nothing is in its way. Both devices have then done what they do but once.
async fn requests((one, other): &(Client, Client)) -> Finding<usize> {
    other.create(&envelope("to begin with")).await?;
    one.create(&envelope("to begin with")).await?;
    one.proxy.pass();
    one.create(&envelope("counted")).await?;
    Ok(one.proxy.count().clamp(1, MAX_REQUESTS))
}

async fn race(
    bench: &Bench<'_>,
    (one, other): &(Client, Client),
    at: usize,
    ours: Mutation,
    theirs: Mutation,
) -> Finding {
    let barrier = Arc::new(Barrier::new(2));
    for client in [one, other] {
        let barrier = Arc::clone(&barrier);
        client.proxy.decide(move |n| if n == at { Way::Meet(Arc::clone(&barrier)) } else { Way::Through });
    }
    let ask = |mutation: &Mutation| Request { mutations: vec![mutation.clone()], ..Request::default() };
    let (first, second) = tokio::join!(one.exchange(ask(&ours)), other.exchange(ask(&theirs)));
    one.proxy.pass();
    other.proxy.pass();
    let ends = [(outcome(first)?, &ours), (outcome(second)?, &theirs)];
    let listing = bench.client().await?.list(PAGE).await?;
    judge(&ends, listing.records().get(ours.id.as_str()).copied())
}

/// None: a failure after which it would be tried again.
fn outcome(answered: Result<Answer, ProviderError>) -> Finding<Option<Outcome>> {
    match answered {
        Err(error) if error.failure.is_transient() => Ok(None),
        Err(error) if error.failure == Failure::Plugin => Err(Stop::failed("an outcome", told(&error))),
        answered => Ok(page(answered)?.outcomes.into_iter().next()),
    }
}

fn judge(ends: &[(Option<Outcome>, &Mutation)], held: Option<&Stored>) -> Finding {
    let words = || {
        let each = ends.iter().map(|(end, _)| end.as_ref().map_or_else(|| "a failure".to_owned(), said));
        each.collect::<Vec<_>>().join(" and ")
    };
    let winners: Vec<_> = ends.iter().filter(|(end, _)| matches!(end, Some(Outcome::Accepted(_)))).collect();
    let failed = ends.iter().any(|(end, _)| end.is_none());
    ensure(
        winners.len() == 1 || (failed && winners.is_empty()),
        "exactly one of two devices that write at once is accepted",
        words,
    )?;
    let Some((Some(Outcome::Accepted(revision)), mutation)) = winners.first() else {
        return Ok(());
    };
    let won = held.is_some_and(|held| held.revision == *revision && held.envelope == mutation.envelope);
    ensure(won, "the backend holds what it accepted", || "it holds something else".to_owned())?;
    for (end, _) in ends {
        if let Some(Outcome::Conflict(told)) = end {
            let right = told.as_ref().is_some_and(|told| Some(told) == held);
            ensure(right, "the other one gets `conflict` with what the first one wrote", words)?;
        }
    }
    Ok(())
}
