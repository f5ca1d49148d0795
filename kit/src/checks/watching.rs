//! The optional part `watch`: that it wakes for what others write, and for nothing else.

use std::time::Duration;

use orkee_core::sync::provider::{Cursor, Provider};
use tokio::time::{Instant, sleep, timeout};

use crate::bench::{Bench, Client, envelope};
use crate::finding::{Finding, Stop, ensure, told};

/// How long it waits where nothing is to come.
const QUIET: Duration = Duration::from_secs(1);
/// How long a write may take to wake.
const SOON: Duration = Duration::from_secs(5);
/// Between two attempts of a provider that waits for less than it is told.
const PAUSE: Duration = Duration::from_millis(200);
/// On a backend that others use, something may come at any time.
const ATTEMPTS: usize = 3;

pub(super) async fn wakes(bench: &Bench<'_>) -> Finding {
    let (waiting, writing) = (watcher(bench).await?, bench.client().await?);
    let cursor = up_to_date(&waiting).await?;
    let begun = Instant::now();
    let write = async {
        sleep(Duration::from_millis(300)).await;
        writing.create(&envelope("what wakes")).await
    };
    let (woken, written) = tokio::join!(timeout(SOON + QUIET, until_woken(&waiting, &cursor)), write);
    let written = written?;
    match woken {
        Ok(woken) => woken?,
        Err(_) => {
            let found = format!("`false`, or nothing, for {} s", begun.elapsed().as_secs());
            return Err(Stop::failed("`true` soon after another device wrote", found));
        }
    }
    ensure(once(&waiting, &cursor, SOON).await?, "`true` as long as nobody asked for a page", || {
        "`false`".to_owned()
    })?;
    waiting.follow(&cursor, 100, &[&written]).await.map(drop)
}

pub(super) async fn rests(bench: &Bench<'_>) -> Finding {
    let client = watcher(bench).await?;
    for _ in 0..ATTEMPTS {
        let cursor = up_to_date(&client).await?;
        if !once(&client, &cursor, QUIET).await? {
            return Ok(());
        }
    }
    Err(Stop::failed("`false` where nothing is new", format!("`true`, {ATTEMPTS} times in a row")))
}

async fn watcher(bench: &Bench<'_>) -> Finding<Client> {
    let client = bench.client().await?;
    match client.provider.can_watch() {
        true => Ok(client),
        false => Err(Stop::NotChecked("the provider does not have this part".to_owned())),
    }
}

/// Where a device stands that has listed all, the first record of a backend among it.
async fn up_to_date(client: &Client) -> Finding<Cursor> {
    client.create(&envelope("before the wait")).await?;
    Ok(client.list(100).await?.cursor())
}

/// Waits for as long as it takes.
async fn until_woken(client: &Client, cursor: &Cursor) -> Finding {
    while !once(client, cursor, SOON).await? {
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn once(client: &Client, cursor: &Cursor, time: Duration) -> Finding<bool> {
    let answered = client.provider.watch(cursor.clone(), time).await;
    answered.map_err(|error| Stop::failed("`true` or `false`", told(&error)))
}
