//! Running a session over a provider: several requests in flight, each answer applied as it comes.

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::error::SyncError;
use super::event::{Event, Summary};
use super::heap::keep_what_is_freed;
use super::options::Options;
use super::provider::Provider;
use super::session::{Next, Session};
use crate::store::Store;

/// Syncs the store's space with the account and backend that `remote` names. `tell` hears of changes once they are committed, of
/// all that an answer brought at once; nothing keeps them here.
///
/// A failed request ends the sync. What was applied stays, and the next sync goes on from there; so it does if the future is
/// dropped.
pub async fn sync(
    store: &mut Store,
    provider: &impl Provider,
    remote: &str,
    options: Options,
    tell: impl FnMut(&[Event]),
) -> Result<Summary, SyncError> {
    run(store, provider, remote, options, tell).await.map_err(|error| error.of(provider.name()))
}

async fn run(
    store: &mut Store,
    provider: &impl Provider,
    remote: &str,
    options: Options,
    mut tell: impl FnMut(&[Event]),
) -> Result<Summary, SyncError> {
    keep_what_is_freed();
    let mut session = Session::begin(store, remote, provider.limits(), options)?;
    let mut under_way = FuturesUnordered::new();
    loop {
        let is_done = loop {
            match session.next(store)? {
                Next::Ask(flight, request) => {
                    under_way.push(async move { (flight, provider.exchange(request).await) });
                }
                Next::Wait => break false,
                Next::Done => break true,
            }
        };
        tell(&session.take_events());
        if is_done {
            return Ok(session.summary().clone());
        }
        let Some((flight, answer)) = under_way.next().await else {
            return Err(SyncError::Protocol("nothing is under way, yet an answer is awaited".to_owned()));
        };
        // Whatever has arrived is applied before anything more is asked.
        let mut arrived = Some((flight, answer));
        while let Some((flight, answer)) = arrived {
            let applied = match answer {
                Ok(answer) => session.receive(store, flight, answer),
                Err(error) => session.fail(store, flight, error),
            };
            tell(&session.take_events());
            applied?;
            arrived = under_way.next().now_or_never().flatten();
        }
    }
}
