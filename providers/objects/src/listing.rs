//! A page of a full listing: what is in `r/`.

use orkee_provider_sdk::Failure;

use crate::Listed;
use crate::commit::is_id;
use crate::page::{Fetched, fetch};
use crate::position::Position;
use crate::store::Store;

const FOLDER: &str = "r/";

pub(crate) fn record(id: &str) -> String {
    format!("{FOLDER}{id}")
}

/// The next records after the place in `r/` that the position names. After the last of them the log goes on, so there is always more.
pub(crate) fn page<S: Store>(store: &mut S, position: Position, limit: u32) -> Result<Listed, Failure> {
    let after = position.listing.clone().unwrap_or_default();
    let listing = store.list(FOLDER, Some(after.as_str()).filter(|key| !key.is_empty()))?;
    let ids = listing.entries.iter().filter_map(|entry| {
        let id = entry.key.strip_prefix(FOLDER).filter(|id| is_id(id))?;
        Some((id.to_owned(), entry.size))
    });
    let wanted: Vec<_> = ids.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    let Fetched { records, taken } = fetch(store, &wanted)?;
    let last = match wanted.get(taken.wrapping_sub(1)) {
        Some((id, _)) if taken < wanted.len() || wanted.len() >= limit as usize => Some(record(id)),
        // All that are records were taken; the listing may go on after names that are none.
        _ if listing.more => listing.entries.last().map(|entry| entry.key.clone()),
        _ => None,
    };
    if last.as_ref().is_some_and(|last| *last <= after) {
        return Err(Failure::Protocol("the store's listing does not move on".to_owned()));
    }
    Ok(Listed { records, position: Position { listing: last, ..position }, more: true })
}
