//! A backend that forgot tombstones, or was put back to an older state.

use orkee_core::sync::provider::{Answer, Cursor, Mutation, Provider, Request};

use crate::bench::{Bench, Client, envelope, new, tombstone};
use crate::finding::{Finding, Stop, ensure, told};

const PAGE: u32 = 100;

/// An exchange that has to be answered with `expected`, and whose mutation must not be carried out.
async fn refused(
    bench: &Bench<'_>,
    device: &Client,
    cursor: &Cursor,
    expected: &Answer,
    limit: u32,
) -> Finding {
    let words = match expected {
        Answer::Expired => "`expired`",
        _ => "`new-epoch`",
    };
    let mutation: Mutation = new(&envelope("not to be stored"));
    let id = mutation.id.clone();
    let limit = limit.min(device.provider.limits().max_page);
    let request = Request { cursor: cursor.clone(), mutations: vec![mutation], limit };
    let answered = device.exchange(request).await;
    ensure(answered.as_ref().is_ok_and(|answer| answer == expected), words, || match &answered {
        Ok(Answer::Page(_)) => "a page".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => told(error),
    })?;
    let listing = bench.client().await?.list(PAGE).await?;
    let stored = listing.records().contains_key(id.as_str());
    ensure(!stored, "nothing of that request is carried out", || "its record was stored".to_owned())
}

pub(super) async fn expired(bench: &Bench<'_>) -> Finding {
    let practice = bench.practice()?;
    let (device, other) = (bench.client().await?, bench.client().await?);
    let doomed = other.create(&envelope("doomed")).await?;
    let cursor = device.follow(&Cursor::default(), PAGE, &[&doomed]).await?.cursor();
    let dead = other.store(doomed.update(&tombstone())).await?;
    other.create(&envelope("later")).await?;
    practice.prune(&[&dead.id]).map_err(|error| Stop::NotChecked(told(&error)))?;
    refused(bench, &device, &cursor, &Answer::Expired, PAGE).await
}

pub(super) async fn expired_listing(bench: &Bench<'_>) -> Finding {
    let practice = bench.practice()?;
    let (device, other) = (bench.client().await?, bench.client().await?);
    let mut records = Vec::new();
    for n in 0..5 {
        records.push(other.create(&envelope(&format!("record {n}"))).await?);
    }
    practice.prune(&[&records[4].id]).map_err(|error| Stop::NotChecked(told(&error)))?;
    let listing = device.list(1).await?;
    let listed = listing.records();
    let missing = records[..4].iter().find(|record| !listed.contains_key(record.id.as_str()));
    ensure(missing.is_none(), "a full listing in pages of 1", || "a record is missing".to_owned())
}

pub(super) async fn new_epoch(bench: &Bench<'_>) -> Finding {
    let practice = bench.practice()?;
    let (device, other) = (bench.client().await?, bench.client().await?);
    other.create(&envelope("kept")).await?;
    let backup = practice.snapshot();
    let lost = other.create(&envelope("lost")).await?;
    let cursor = device.follow(&Cursor::default(), PAGE, &[&lost]).await?.cursor();
    if cursor.head.is_none() {
        let why = "the provider tells no head, and so is not protected against a backend that was put back";
        return Err(Stop::NotChecked(why.to_owned()));
    }
    practice.put_back(&backup).map_err(|error| Stop::NotChecked(told(&error)))?;
    let anew = Cursor { position: None, ..cursor.clone() };
    for (cursor, limit) in [(&cursor, PAGE), (&cursor, 0), (&anew, PAGE)] {
        refused(bench, &device, cursor, &Answer::NewEpoch, limit).await?;
    }
    // As many commits as before, but others.
    other.create(&envelope("in its place")).await?;
    for cursor in [&cursor, &anew] {
        refused(bench, &device, cursor, &Answer::NewEpoch, PAGE).await?;
    }
    Ok(())
}

pub(super) async fn head(bench: &Bench<'_>) -> Finding {
    let device = bench.client().await?;
    let mut before = None;
    for n in 0..3 {
        let reply = device.ask(&Cursor::default(), &[new(&envelope(&format!("commit {n}")))], 0).await?;
        let cursor = device.list(PAGE).await?.cursor();
        for head in reply.cursor.head.into_iter().chain(cursor.head) {
            let grows = before.as_ref().is_none_or(|(number, _)| *number <= head.number);
            ensure(grows, "a number that never falls", || format!("{} after {before:?}", head.number))?;
            before = Some((head.number, n));
        }
    }
    match before {
        Some(_) => Ok(()),
        None => Err(Stop::NotChecked("the provider tells no head".to_owned())),
    }
}
