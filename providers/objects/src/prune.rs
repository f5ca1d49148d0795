//! Forgetting old commits.

use orkee_provider_sdk::{Failure, debug};

use crate::KEEP_SECONDS;
use crate::commit;
use crate::store::Store;

/// Every so many commits.
const EVERY: u64 = 50;
/// So many keys at once.
const KEYS: usize = 200;

/// Deletes old commits, the oldest first, never the newest. A failure is nobody's: the next one goes on.
pub(crate) fn now_and_then<S: Store>(store: &mut S, newest: u64) {
    if newest.is_multiple_of(EVERY)
        && let Err(error) = prune(store, newest)
    {
        debug(&format!("old commits cannot be pruned: {error:?}"));
    }
}

fn prune<S: Store>(store: &mut S, newest: u64) -> Result<(), Failure> {
    let listing = store.list(commit::FOLDER, None)?;
    let old = listing.entries.into_iter().take_while(|entry| {
        commit::parse(&entry.key).is_some_and(|(number, _)| number < newest)
            && listing.date.saturating_sub(entry.modified) > KEEP_SECONDS
    });
    let keys: Vec<_> = old.map(|entry| entry.key).take(KEYS).collect();
    if keys.is_empty() { Ok(()) } else { store.delete(&keys) }
}
