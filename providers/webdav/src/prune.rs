//! Old commits are taken away now and then: whoever has not looked for that long lists everything anew.

use orkee_provider_sdk::{Request, debug, send_all};

use crate::commits;
use crate::place::Place;

/// Commits are kept so long, in seconds.
const KEPT: u64 = 90 * 24 * 60 * 60;
/// Folders that are taken away at once.
const MOST: usize = 16;

/// Takes away what is old enough, but never the newest folders: numbers go on from them. That it fails does no harm.
pub(crate) fn prune(place: &Place) {
    let shelves = match commits::shelves(place) {
        Ok(shelves) => shelves,
        Err(failure) => return debug(&format!("old commits are not looked for: {failure:?}")),
    };
    let last = shelves.len().saturating_sub(2);
    // From the oldest on, and no further than the first that is kept: what is left has no gap.
    let old = shelves[..last].iter().take_while(|shelf| shelf.age.is_some_and(|age| age > KEPT)).take(MOST);
    let requests = old.map(|shelf| Request::delete(place.log_shelf(shelf.number)).login());
    for reply in send_all(requests) {
        match reply {
            Ok(reply) if matches!(reply.status, 200 | 204 | 404) => {}
            Ok(reply) => debug(&format!("old commits are not taken away: status {}", reply.status)),
            Err(failure) => debug(&format!("old commits are not taken away: {failure:?}")),
        }
    }
}
