//! Compare and set, one record at a time and in a batch.

use orkee_core::id;
use orkee_core::sync::provider::{Mutation, Outcome, Provider, Revision};

use crate::bench::{Bench, Client, Record, accepted, envelope, new, said, tombstone};
use crate::finding::{Finding, Stop, ensure};

/// Of listings that only look something up.
const PAGE: u32 = 100;

/// What the backend holds of a record has to be this.
async fn is_held(bench: &Bench<'_>, record: &Record) -> Finding {
    let listing = bench.client().await?.list(PAGE).await?;
    let records = listing.records();
    let found = records.get(record.id.as_str());
    ensure(found.is_some_and(|held| record.is_held(held)), &format!("a listing has {record}"), || match found
    {
        None => "it has no such record".to_owned(),
        Some(held) if held.revision == record.revision => "it has other bytes".to_owned(),
        Some(held) => format!("it has revision {}", held.revision.0),
    })
}

/// The one outcome of a push has to be a conflict with this record.
async fn conflicts(client: &Client, mutation: Mutation, held: &Record) -> Finding {
    let outcomes = client.push(&[mutation]).await?;
    match &outcomes[0] {
        Outcome::Conflict(Some(stored)) if held.is_held(stored) => Ok(()),
        other => Err(Stop::failed(format!("`conflict` with {held} and its bytes"), said(other))),
    }
}

pub(super) async fn create(bench: &Bench<'_>) -> Finding {
    let record = bench.client().await?.create(&envelope("created")).await?;
    is_held(bench, &record).await
}

pub(super) async fn update(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let mut record = client.create(&envelope("first")).await?;
    let mut before = vec![record.revision.clone()];
    for words in ["second", "third"] {
        record = client.store(record.update(&envelope(words))).await?;
        let revision = &record.revision;
        ensure(!before.contains(revision), "a revision that names no other version", || {
            format!("{} again", revision.0)
        })?;
        before.push(revision.clone());
    }
    is_held(bench, &record).await
}

pub(super) async fn delete(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let record = client.create(&envelope("alive")).await?;
    let cursor = client.list(PAGE).await?.cursor();
    let dead = client.store(record.update(&tombstone())).await?;
    bench.client().await?.follow(&cursor, PAGE, &[&dead]).await?;
    is_held(bench, &dead).await
}

pub(super) async fn guard_none(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let held = client.create(&envelope("first")).await?;
    let again = Mutation { id: held.id.clone(), guard: None, envelope: envelope("second") };
    conflicts(&client, again, &held).await?;
    is_held(bench, &held).await
}

pub(super) async fn guard_stale(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let first = client.create(&envelope("first")).await?;
    let held = client.store(first.update(&envelope("second"))).await?;
    conflicts(&client, first.update(&envelope("third")), &held).await?;
    is_held(bench, &held).await
}

pub(super) async fn guard_absent(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let other = client.create(&envelope("other")).await?;
    let absent = Mutation { id: id::random(8), ..other.update(&envelope("nothing")) };
    let id = absent.id.clone();
    let outcomes = client.push(&[absent]).await?;
    ensure(outcomes[0] == Outcome::Conflict(None), "`conflict` with nothing", || said(&outcomes[0]))?;
    let listing = bench.client().await?.list(PAGE).await?;
    let is_listed = listing.records().contains_key(id.as_str());
    ensure(!is_listed, "no such record in a listing", || "the record is listed".to_owned())
}

pub(super) async fn guard_zero(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let nothing = Revision("0".to_owned());
    let offer =
        |id: &str| Mutation { id: id.to_owned(), guard: Some(nothing.clone()), envelope: tombstone() };
    let absent = id::random(8);
    let outcomes = client.push(&[offer(&absent)]).await?;
    ensure(outcomes[0] == Outcome::Conflict(None), "`conflict` with nothing", || said(&outcomes[0]))?;
    let held = client.create(&envelope("first")).await?;
    ensure(held.revision != nothing, "a version that is not called 0", || "one that is".to_owned())?;
    conflicts(&client, offer(&held.id), &held).await?;
    is_held(bench, &held).await?;
    let listing = bench.client().await?.list(PAGE).await?;
    let is_listed = listing.records().contains_key(absent.as_str());
    ensure(!is_listed, "no such record in a listing", || "the record is listed".to_owned())
}

pub(super) async fn outcomes_in_order(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let max = client.provider.limits().max_mutations;
    if max < 2 {
        return Err(Stop::NotChecked("a batch of this provider is one mutation".to_owned()));
    }
    let a = client.create(&envelope("a")).await?;
    let b = client.create(&envelope("b")).await?;
    let b = client.store(b.update(&envelope("b again"))).await?;
    let stale = Mutation { guard: Some(a.revision.clone()), ..b.update(&envelope("stale")) };
    let absent = Mutation { guard: Some(Revision(a.revision.0.clone())), ..new(&envelope("absent")) };
    let mut batch =
        vec![new(&envelope("c")), stale, absent, a.update(&envelope("a again")), new(&envelope("d"))];
    batch.truncate(max as usize);
    let outcomes = client.push(&batch).await?;
    for (n, (mutation, outcome)) in batch.iter().zip(&outcomes).enumerate() {
        let right = match n {
            1 => matches!(outcome, Outcome::Conflict(Some(held)) if b.is_held(held)),
            2 => *outcome == Outcome::Conflict(None),
            _ => matches!(outcome, Outcome::Accepted(_)),
        };
        let expected = ["`accepted`", "`conflict` with what is held", "`conflict` with nothing"][match n {
            1 | 2 => n,
            _ => 0,
        }];
        ensure(right, &format!("{expected} for mutation {} of {}", n + 1, batch.len()), || said(outcome))?;
        if let Outcome::Accepted(_) = outcome {
            let Mutation { id, envelope, .. } = mutation.clone();
            is_held(bench, &Record { id, revision: accepted(outcome)?.clone(), envelope }).await?;
        }
    }
    Ok(())
}
