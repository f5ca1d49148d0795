//! Pages: whole, in order, and to be gone on with from anywhere.

use std::collections::BTreeMap;

use orkee_core::sync::provider::{Cursor, Provider};

use crate::bench::{Bench, Client, Listing, Record, envelope, tombstone};
use crate::finding::{Finding, Stop, ensure};

const PAGE: u32 = 100;

async fn create(client: &Client, count: usize) -> Finding<Vec<Record>> {
    let mut records = Vec::new();
    for n in 0..count {
        records.push(client.create(&envelope(&format!("record {n}"))).await?);
    }
    Ok(records)
}

/// No page has a record twice.
fn once_a_page(listing: &Listing) -> Finding {
    for (changes, _) in &listing.pages {
        let ids: BTreeMap<_, _> = changes.iter().map(|change| (&change.id, ())).collect();
        ensure(ids.len() == changes.len(), "a record is on a page once", || {
            format!("{} changes of {} records on one page", changes.len(), ids.len())
        })?;
    }
    Ok(())
}

pub(super) async fn complete(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let mut records = create(&client, 9).await?;
    records[4] = client.store(records[4].update(&envelope("changed"))).await?;
    records[0] = client.store(records[0].update(&tombstone())).await?;
    for limit in [1, 2, 7, PAGE] {
        let listing = bench.client().await?.list(limit).await?;
        once_a_page(&listing)?;
        let listed = listing.records();
        for record in &records {
            let expected = format!("{record} in a full listing in pages of {limit}");
            let held = listed.get(record.id.as_str());
            ensure(held.is_some_and(|held| record.is_held(held)), &expected, || match held {
                None => "it is not there".to_owned(),
                Some(held) => format!("revision {}, {} bytes", held.revision.0, held.envelope.len()),
            })?;
        }
    }
    Ok(())
}

pub(super) async fn beside_writes(bench: &Bench<'_>) -> Finding {
    let (writer, reader) = (bench.client().await?, bench.client().await?);
    let records = create(&writer, 8).await?;
    let first = reader.ask(&Cursor::default(), &[], 2).await?;
    let changed = [
        writer.store(records[0].update(&envelope("changed at once"))).await?,
        writer.store(records[5].update(&tombstone())).await?,
        writer.store(records[7].update(&envelope("changed before it came"))).await?,
        writer.create(&envelope("came later")).await?,
    ];
    let mut listing = Listing { pages: vec![(first.changes, first.cursor.clone())] };
    if first.more {
        listing.pages.extend(reader.list_from(&first.cursor, 2).await?.pages);
    }
    let listed = listing.records();
    for record in &records {
        let expected = format!("record {} in the listing, which began when it was there", record.id);
        ensure(listed.contains_key(record.id.as_str()), &expected, || "it is not there".to_owned())?;
    }
    let missing: Vec<&Record> =
        changed.iter().filter(|record| !listing.changes().any(|change| record.is(change))).collect();
    let cursor = listing.cursor();
    listing.pages.extend(reader.follow(&cursor, 2, &missing).await?.pages);
    once_a_page(&listing)?;
    let listed = listing.records();
    for record in &changed {
        let newest = listed.get(record.id.as_str()).is_some_and(|held| record.is_held(held));
        ensure(newest, &format!("{record} is what was listed last"), || {
            "an older version came after it".to_owned()
        })?;
    }
    Ok(())
}

pub(super) async fn order(bench: &Bench<'_>) -> Finding {
    let (writer, reader) = (bench.client().await?, bench.client().await?);
    let cursor = reader.list(PAGE).await?.cursor();
    let mut records = create(&writer, 5).await?;
    records.push(writer.store(records[0].update(&envelope("newest"))).await?);
    let wanted: Vec<&Record> = records[1..].iter().collect();
    for limit in [2, PAGE] {
        let listing = reader.follow(&cursor, limit, &wanted).await?;
        once_a_page(&listing)?;
        let mut came: Vec<usize> =
            listing.changes().filter_map(|change| wanted.iter().position(|r| r.is(change))).collect();
        // A version that was listed early, and again in its place, misleads nobody.
        came = came.iter().enumerate().filter(|(n, v)| !came[n + 1..].contains(v)).map(|(_, v)| *v).collect();
        let mut sorted = came.clone();
        sorted.sort_unstable();
        ensure(came == sorted, "changes in the order in which they were made", || {
            format!("the changes 0 to 4 came in the order {came:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn newest_once(bench: &Bench<'_>) -> Finding {
    let (writer, reader) = (bench.client().await?, bench.client().await?);
    if reader.provider.limits().max_page < 3 {
        return Err(Stop::NotChecked("a page of this provider has fewer than 3 changes".to_owned()));
    }
    let cursor = reader.list(PAGE).await?.cursor();
    let first = writer.create(&envelope("first")).await?;
    let second = writer.store(first.update(&envelope("second"))).await?;
    let third = writer.store(second.update(&envelope("third"))).await?;
    let listing = reader.follow(&cursor, PAGE, &[&third]).await?;
    once_a_page(&listing)?;
    for (changes, _) in listing.pages.iter().filter(|(changes, _)| changes.iter().any(|c| third.is(c))) {
        let others = changes.iter().filter(|change| change.id == third.id && !third.is(change)).count();
        ensure(others == 0, "the newest version alone", || format!("{others} older versions beside it"))?;
    }
    Ok(())
}

/// Each position that a listing gave out is handed to a new device, which has to see all that came behind it.
async fn resumes(bench: &Bench<'_>, listing: &Listing, records: &[Record]) -> Finding {
    for (n, (_, cursor)) in listing.pages.iter().enumerate() {
        let before: Vec<_> = listing.pages[..=n].iter().flat_map(|(changes, _)| changes).collect();
        let rest: Vec<&Record> =
            records.iter().filter(|record| !before.iter().any(|change| record.is(change))).collect();
        let resumed = bench.client().await?.follow(cursor, 3, &rest).await;
        resumed.map_err(|stop| match stop {
            Stop::Failed { found, .. } => Stop::failed(
                format!("from the position behind page {}, another instance lists the rest", n + 1),
                found,
            ),
            other => other,
        })?;
    }
    Ok(())
}

pub(super) async fn resume(bench: &Bench<'_>) -> Finding {
    let (writer, reader) = (bench.client().await?, bench.client().await?);
    let cursor = reader.list(PAGE).await?.cursor();
    let records = create(&writer, 5).await?;
    let wanted: Vec<&Record> = records.iter().collect();
    resumes(bench, &reader.follow(&cursor, 1, &wanted).await?, &records).await?;
    // The host alone keeps positions: one from before is good for the same device, too.
    reader.follow(&cursor, 2, &wanted).await?;
    let mut full = reader.list(2).await?;
    // A backend that is not empty has more pages than need be tried.
    full.pages.truncate(12);
    resumes(bench, &full, &records).await
}

pub(super) async fn nothing_new(bench: &Bench<'_>) -> Finding {
    let (writer, reader) = (bench.client().await?, bench.client().await?);
    let old = writer.create(&envelope("old")).await?;
    let mut cursor = reader.follow(&Cursor::default(), PAGE, &[&old]).await?.cursor();
    for _ in 0..2 {
        let reply = reader.ask(&cursor, &[], PAGE).await?;
        ensure(!reply.more || !reply.changes.is_empty(), "no more after a page without changes", || {
            "`more` is true".to_owned()
        })?;
        cursor = reply.cursor;
    }
    let news = writer.create(&envelope("news")).await?;
    reader.follow(&cursor, PAGE, &[&news]).await.map(|_| ())
}
