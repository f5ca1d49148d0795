//! What a device learns of its own writes, and that it misses nothing of others' for it.

use futures_util::future::join_all;
use orkee_core::sync::provider::{Change, Cursor, Mutation, Outcome, Provider};

use crate::bench::{Bench, Record, accepted, envelope, new, said};
use crate::finding::{Finding, ensure};

const PAGE: u32 = 100;

fn records(batch: &[Mutation], outcomes: &[Outcome]) -> Finding<Vec<Record>> {
    let told = batch.iter().zip(outcomes).map(|(mutation, outcome)| {
        let revision = accepted(outcome)?.clone();
        Ok(Record { id: mutation.id.clone(), revision, envelope: mutation.envelope.clone() })
    });
    told.collect()
}

pub(super) async fn push_alone(bench: &Bench<'_>) -> Finding {
    let (device, other) = (bench.client().await?, bench.client().await?);
    let cursor = device.list(PAGE).await?.cursor();
    let foreign = other.create(&envelope("foreign")).await?;
    let own = [new(&envelope("own"))];
    for cursor in [&cursor, &Cursor { position: None, head: cursor.head.clone() }] {
        let reply = device.ask(cursor, &own, 0).await?;
        ensure(reply.changes.is_empty(), "no changes", || format!("{} changes", reply.changes.len()))?;
        ensure(reply.cursor.position == cursor.position, "the position as it was given", || {
            format!("{:?}", reply.cursor.position)
        })?;
    }
    device.follow(&cursor, PAGE, &[&foreign]).await.map(|_| ())
}

pub(super) async fn left_out(bench: &Bench<'_>) -> Finding {
    let (device, other) = (bench.client().await?, bench.client().await?);
    let before = device.list(PAGE).await?.cursor();
    let foreign = other.create(&envelope("foreign")).await?;
    let max = device.provider.limits().max_mutations as usize;
    let batch: Vec<_> = ["one", "two", "three"].iter().take(max).map(|words| new(&envelope(words))).collect();
    let reply = device.ask(&before, &batch, PAGE).await?;
    let own = records(&batch, &reply.outcomes)?;
    let is_own = |change: &&Change| own.iter().any(|record| record.is(change));
    let repeated = reply.changes.iter().filter(is_own).count();
    ensure(repeated == 0, "a page without what the request wrote", || {
        format!("{repeated} of its own writes")
    })?;
    // What is left out of this page must not take the place of what others wrote.
    if !reply.changes.iter().any(|change| foreign.is(change)) {
        device.follow(&reply.cursor, PAGE, &[&foreign]).await?;
    }
    let wanted: Vec<&Record> = own.iter().chain([&foreign]).collect();
    other.follow(&before, PAGE, &wanted).await.map(|_| ())
}

pub(super) async fn written(bench: &Bench<'_>) -> Finding {
    let (device, other) = (bench.client().await?, bench.client().await?);
    let before = device.list(PAGE).await?.cursor();
    for limit in [0, PAGE] {
        // The foreign change lies between where the device stands and what it writes.
        let foreign = other.create(&envelope("foreign")).await?;
        let reply = device.ask(&before, &[new(&envelope("own"))], limit).await?;
        if reply.changes.iter().any(|change| foreign.is(change)) {
            continue;
        }
        let mut cursor = reply.cursor.clone();
        if let Some(span) = &reply.written
            && cursor.position.as_ref() == Some(&span.after)
        {
            cursor.position = Some(span.until.clone());
        }
        device.follow(&cursor, PAGE, &[&foreign]).await?;
    }
    // Where nothing lies between, the span may be used, and then nothing of it may be missing either.
    let last = other.create(&envelope("last")).await?;
    let stands = device.follow(&before, PAGE, &[&last]).await?.cursor();
    let reply = device.ask(&stands, &[new(&envelope("own"))], 0).await?;
    let Some(span) = reply.written.filter(|span| stands.position.as_ref() == Some(&span.after)) else {
        return Ok(());
    };
    let next = other.create(&envelope("next")).await?;
    let cursor = Cursor { position: Some(span.until), head: reply.cursor.head };
    device.follow(&cursor, PAGE, &[&next]).await.map(|_| ())
}

pub(super) async fn side_by_side(bench: &Bench<'_>) -> Finding {
    let (device, other) = (bench.client().await?, bench.client().await?);
    let before = device.list(PAGE).await?.cursor();
    let foreign = other.create(&envelope("foreign")).await?;
    let batches: Vec<_> = (0..4).map(|n| [new(&envelope(&format!("push {n}")))]).collect();
    let pushes = join_all(batches.iter().map(|batch| device.ask(&before, batch, 0)));
    let (page, pushed) = tokio::join!(device.ask(&before, &[], PAGE), pushes);
    let mut own = Vec::new();
    for (batch, reply) in batches.iter().zip(pushed) {
        let reply = reply?;
        let outcome = &reply.outcomes[0];
        ensure(matches!(outcome, Outcome::Accepted(_)), "each push is accepted", || said(outcome))?;
        own.extend(records(batch, &reply.outcomes)?);
    }
    let page = page?;
    let seen = |record: &Record| page.changes.iter().any(|change| record.is(change));
    let wanted: Vec<&Record> = own.iter().chain([&foreign]).filter(|record| !seen(record)).collect();
    device.follow(&page.cursor, PAGE, &wanted).await.map(|_| ())
}
