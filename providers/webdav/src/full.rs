//! A full listing: every record there is, page by page, then the log from where it began.

use orkee_provider_sdk::Failure;

use crate::changes::{Found, fetch};
use crate::commits::Log;
use crate::dav::{self, AT_ONCE};
use crate::place::{self, Place};
use crate::position::Position;

/// The records after `name`, in the order of their folders. `until` is the commit that was the newest to be over when it began.
pub(crate) fn page(place: &Place, log: &Log, until: u64, name: &str, limit: usize) -> Result<Found, Failure> {
    let mut shelves = shelves(place)?;
    shelves.retain(|shelf| name.is_empty() || *shelf >= place::first(name));
    let mut found = Vec::new();
    let (mut last, mut at_once) = (name.to_owned(), 1);
    while !shelves.is_empty() && found.len() < limit {
        let portion: Vec<char> = shelves.drain(..shelves.len().min(at_once)).collect();
        for (shelf, names) in portion.iter().zip(names(place, &portion)?) {
            let names: Vec<_> =
                names.into_iter().filter(|n| *shelf != place::first(&last) || *n > last).collect();
            let (changes, dealt) = fetch(place, &names, limit - found.len())?;
            found.extend(changes);
            if let Some(name) = names.get(dealt.wrapping_sub(1)) {
                last = name.clone();
            }
            if dealt < names.len() || found.len() >= limit {
                let position = Position::Full { until, name: last };
                return Ok(Found { changes: found, position, more: true });
            }
        }
        at_once = (at_once * 2).min(AT_ONCE);
    }
    let more = log.last() > until;
    Ok(Found { changes: found, position: Position::Log { after: until, taken: 0 }, more })
}

fn shelves(place: &Place) -> Result<Vec<char>, Failure> {
    let folder = dav::list_one(place.records())?.unwrap_or_default();
    let single = |name: &str| match name.as_bytes() {
        [letter @ (b'0'..=b'9' | b'a'..=b'z')] => Some(char::from(*letter)),
        _ => None,
    };
    let mut shelves: Vec<_> = folder
        .members
        .iter()
        .filter(|entry| entry.is_folder)
        .filter_map(|entry| single(&entry.name))
        .collect();
    shelves.sort_unstable();
    Ok(shelves)
}

/// The names of the records in each of these folders, in order.
fn names(place: &Place, shelves: &[char]) -> Result<Vec<Vec<String>>, Failure> {
    let paths: Vec<_> = shelves.iter().map(|shelf| place.shelf(*shelf)).collect();
    let folders = dav::list(&paths)?.into_iter().zip(shelves);
    let listed = folders.map(|(folder, shelf)| {
        let members = folder.unwrap_or_default().members.into_iter();
        let mut names: Vec<_> = members
            .filter(|entry| !entry.is_folder && place::id(&entry.name).is_some())
            .map(|entry| entry.name)
            .filter(|name| place::first(name) == *shelf)
            .collect();
        names.sort_unstable();
        names
    });
    Ok(listed.collect())
}
