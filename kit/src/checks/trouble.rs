//! One exchange with all that there is in it, and trouble at each of its requests in turn: what was answered has to be true, nothing
//! may be missing afterwards, and the same exchange has to work when the trouble is over.

use orkee_core::plugin::Limits;
use orkee_core::sync::provider::{
    Answer, Change, Cursor, Failure, Mutation, Outcome, Provider, ProviderError, Reply, Request,
};

use crate::bench::{Bench, Client, Listing, Record, envelope, new, said};
use crate::finding::{Finding, Stop, ensure, told};
use crate::proxy::Way;

const PAGE: u32 = 20;
/// In a full listing.
const LISTED: u32 = 100;

/// What goes wrong, and what may be said of it.
pub(super) struct Trouble {
    pub(super) way: Way,
    /// At every later request, too.
    pub(super) lasts: bool,
    /// In words: which failure is right.
    pub(super) expected: &'static str,
    pub(super) allows: fn(&ProviderError) -> bool,
    /// Whether it may be told as the matter of one record.
    pub(super) may_reject: bool,
    /// Whether a listed envelope may be wrong, since nobody could see it.
    pub(super) may_mislead: bool,
}

impl Trouble {
    /// Anything that passes.
    pub(super) fn passing(way: Way) -> Self {
        Self {
            way,
            lasts: false,
            expected: "a failure that is tried again (`http`, `protocol`, `backend` or `busy`)",
            allows: |error| error.failure.is_transient(),
            may_reject: false,
            may_mislead: false,
        }
    }
}

/// Who takes part: the device whose requests meet trouble, another that writes beside it, and one that sees how it is.
struct Scene {
    device: Client,
    /// The same, in the call that meets trouble.
    troubled: Client,
    other: Client,
    /// As far as the device has come.
    cursor: Cursor,
}

/// One exchange, before it is sent.
struct Exchange {
    cursor: Cursor,
    mutations: Vec<Mutation>,
    /// A change that the device has not seen.
    news: Record,
}

impl Exchange {
    fn request(&self, device: &Client) -> Request {
        let limit = PAGE.min(device.provider.limits().max_page);
        Request { cursor: self.cursor.clone(), mutations: self.mutations.clone(), limit }
    }
}

/// As [`endure_within`], with the usual limits.
pub(super) async fn endure(bench: &Bench<'_>, trouble: &Trouble) -> Finding {
    endure_within(bench, bench.candidate().limits.clone(), trouble).await
}

/// Fails where the device is told something untrue, or is not well again afterwards. `limits` are those of the call that meets
/// trouble alone: a backend may well need longer for the rest.
pub(super) async fn endure_within(bench: &Bench<'_>, limits: Limits, trouble: &Trouble) -> Finding {
    let (device, other) = (bench.client().await?, bench.client().await?);
    let troubled = bench.client_again(&device, limits).await?;
    let mut scene = Scene { device, troubled, other, cursor: Cursor::default() };
    let requests = scene.requests().await?;
    for at in moments(requests) {
        let exchange = scene.prepare().await?;
        scene.meets(trouble, at);
        let answered = scene.troubled.exchange(exchange.request(&scene.troubled)).await;
        let troubled = scene.device.proxy.troubled();
        scene.device.proxy.pass();
        if !troubled {
            continue;
        }
        let judged = scene.judge(trouble, &exchange, answered).await;
        judged.map_err(|stop| at_request(stop, at, requests))?;
        scene.recovers(&exchange).await.map_err(|stop| at_request(stop, at, requests))?;
    }
    if trouble.may_mislead { Ok(()) } else { scene.lists(trouble).await }
}

/// Which requests meet trouble: all of few, some of many.
fn moments(requests: usize) -> Vec<usize> {
    match requests {
        0..=4 => (0..requests).collect(),
        _ => vec![0, 1, requests / 2, requests - 1],
    }
}

fn at_request(stop: Stop, at: usize, requests: usize) -> Stop {
    match stop {
        Stop::Failed { expected, found } => {
            Stop::Failed { expected, found: format!("{found} (trouble at request {} of {requests})", at + 1) }
        }
        other => other,
    }
}

impl Scene {
    /// How many requests the exchange takes when all is well.
    async fn requests(&mut self) -> Finding<usize> {
        for _ in 0..2 {
            let exchange = self.prepare().await?;
            self.device.proxy.pass();
            self.device.ask(&exchange.cursor, &exchange.mutations, PAGE).await?;
        }
        Ok(self.device.proxy.count())
    }

    async fn prepare(&mut self) -> Finding<Exchange> {
        let known = self.other.create(&envelope("known")).await?;
        let cursor = self.device.follow(&self.cursor, LISTED, &[&known]).await?.cursor();
        self.cursor = cursor.clone();
        let news = self.other.create(&envelope("news")).await?;
        let mut mutations =
            vec![known.update(&envelope("own change")), new(&envelope("own")), new(&envelope("own, too"))];
        mutations.truncate(self.device.provider.limits().max_mutations as usize);
        Ok(Exchange { cursor, mutations, news })
    }

    async fn truth(&self) -> Finding<Listing> {
        self.other.list(LISTED).await
    }

    /// A full listing that meets trouble fails, or is whole: what it does not show counts as gone.
    async fn lists(&self, trouble: &Trouble) -> Finding {
        self.device.proxy.pass();
        let whole = self.device.list(LISTED).await?;
        let requests = self.device.proxy.count();
        for at in moments(requests) {
            self.meets(trouble, at);
            let listed = self.troubled.list_at_once(LISTED).await;
            let troubled = self.device.proxy.troubled();
            self.device.proxy.pass();
            let Ok(listed) = listed else { continue };
            let (before, now) = (whole.records(), listed.records());
            let missing = before.keys().filter(|id| !now.contains_key(*id)).count();
            let judged = ensure(!troubled || missing == 0, "a full listing that fails, or is whole", || {
                format!("{missing} of {} records are missing", before.len())
            });
            judged.map_err(|stop| at_request(stop, at, requests))?;
        }
        Ok(())
    }

    /// From now on this request meets trouble.
    fn meets(&self, trouble: &Trouble, at: usize) {
        let (way, lasts) = (trouble.way.clone(), trouble.lasts);
        let meets = move |n: usize| n == at || (lasts && n > at);
        self.device.proxy.decide(move |n| if meets(n) { way.clone() } else { Way::Through });
    }

    /// What was answered has to be allowed, and true.
    async fn judge(
        &self,
        trouble: &Trouble,
        exchange: &Exchange,
        answered: Result<Answer, ProviderError>,
    ) -> Finding {
        let reply = match answered {
            Err(error) => {
                let words = || format!("{} ({:?})", told(&error), error.failure);
                let allowed = error.failure != Failure::Plugin && (trouble.allows)(&error);
                return ensure(allowed, trouble.expected, words);
            }
            Ok(Answer::Page(reply)) => reply,
            Ok(Answer::Expired) => return Err(Stop::failed(trouble.expected, "`expired`")),
            Ok(Answer::NewEpoch) => return Err(Stop::failed(trouble.expected, "`new-epoch`")),
        };
        let truth = self.truth().await?;
        for (mutation, outcome) in exchange.mutations.iter().zip(&reply.outcomes) {
            is_true(trouble, &truth, mutation, outcome)?;
        }
        if trouble.may_mislead {
            return Ok(());
        }
        for change in &reply.changes {
            is_held(&truth, change)?;
        }
        self.missed_nothing(&reply, &exchange.news).await
    }

    /// What the page did not have comes afterwards.
    async fn missed_nothing(&self, reply: &Reply, news: &Record) -> Finding {
        if reply.changes.iter().any(|change| news.is(change)) {
            return Ok(());
        }
        self.device.follow(&reply.cursor, PAGE, &[news]).await.map(|_| ())
    }

    /// The same exchange again: each mutation is accepted, or in conflict with itself, and nothing is there twice.
    async fn recovers(&self, exchange: &Exchange) -> Finding {
        let Exchange { cursor, mutations, news } = exchange;
        let reply = self.device.ask(cursor, mutations, PAGE).await.map_err(|stop| match stop {
            Stop::Failed { found, .. } => {
                Stop::failed("the same exchange works when the trouble is over", found)
            }
            other => other,
        })?;
        for (mutation, outcome) in mutations.iter().zip(&reply.outcomes) {
            let right = match outcome {
                Outcome::Accepted(_) => true,
                Outcome::Conflict(Some(held)) => held.envelope == mutation.envelope,
                _ => false,
            };
            let expected = "made again, a mutation is `accepted`, or `conflict` with what it wrote itself";
            ensure(right, expected, || said(outcome))?;
        }
        let truth = self.truth().await?;
        let records = truth.records();
        for mutation in mutations {
            let held = records.get(mutation.id.as_str());
            let stored = held.is_some_and(|held| held.envelope == mutation.envelope);
            ensure(stored, "the record is stored as it was sent", || match held {
                None => "it is not there".to_owned(),
                Some(held) => format!("{} other bytes", held.envelope.len()),
            })?;
        }
        self.missed_nothing(&reply, news).await
    }
}

/// An outcome of a troubled exchange against what the backend holds.
fn is_true(trouble: &Trouble, truth: &Listing, mutation: &Mutation, outcome: &Outcome) -> Finding {
    let records = truth.records();
    let held = records.get(mutation.id.as_str()).copied();
    let (expected, holds) = match outcome {
        Outcome::Accepted(revision) => (
            "`accepted` only of what the backend has stored",
            held.is_some_and(|held| held.revision == *revision && held.envelope == mutation.envelope),
        ),
        Outcome::Conflict(Some(told)) => ("`conflict` with what the backend holds", held == Some(told)),
        Outcome::Conflict(None) => (
            "`conflict` with nothing only where there is nothing",
            held.is_none() && mutation.guard.is_some(),
        ),
        Outcome::Rejected { .. } => (
            if trouble.may_reject { "`rejected` only of what was not stored" } else { trouble.expected },
            trouble.may_reject && held.is_none_or(|held| held.envelope != mutation.envelope),
        ),
    };
    ensure(holds, expected, || said(outcome))
}

fn is_held(truth: &Listing, change: &Change) -> Finding {
    let held = truth.records().get(change.id.as_str()).is_some_and(|held| **held == change.stored);
    ensure(held, "nothing is listed that the backend does not hold", || {
        format!("record {} with {} bytes of something else", change.id, change.stored.envelope.len())
    })
}
