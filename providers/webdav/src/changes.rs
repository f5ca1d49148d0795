//! A page of what changed after a position, read from the log.

use std::collections::{BTreeMap, BTreeSet};

use orkee_provider_sdk::{Change, Failure};

use crate::commits::{self, Commit, Log};
use crate::dav::{self, AT_ONCE};
use crate::place::{self, Place};
use crate::position::Position;

/// Of the envelopes in a page.
pub(crate) const MAX_PAGE_BYTES: usize = 8 << 20;

/// What a page holds, and where the next one goes on.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) changes: Vec<Change>,
    pub(crate) position: Position,
    pub(crate) more: bool,
}

/// The changes of the commits after `after`, the first `taken` records of the first one left out.
pub(crate) fn page(
    place: &Place,
    log: &Log,
    after: u64,
    taken: usize,
    limit: usize,
) -> Result<Found, Failure> {
    let over: Vec<(u64, &Commit)> = log.over_after(after).collect();
    let mut steps = Steps { names: Vec::new(), ends: Vec::new() };
    let (mut looked, mut skip) = (0, taken);
    for portion in over.chunks(AT_ONCE) {
        for ((number, _), names) in portion.iter().zip(commits::written(place, portion)?) {
            steps.add(*number, names, std::mem::take(&mut skip));
        }
        looked += portion.len();
        if steps.names.len() >= limit {
            break;
        }
    }
    let all_looked = looked == over.len();
    let (changes, delivered) = fetch(place, &steps.names, limit)?;
    let position = steps.position(after, taken, delivered);
    let more = delivered < steps.names.len() || !all_looked || !(log.is_whole || over.is_empty());
    Ok(Found { changes, position, more })
}

/// The records to fetch, in the order of the commits.
struct Steps {
    names: Vec<String>,
    /// For each commit: its number, how many of its records went before, how many names there are with it.
    ends: Vec<(u64, usize, usize)>,
}

impl Steps {
    fn add(&mut self, number: u64, names: Vec<String>, skip: usize) {
        let skip = skip.min(names.len());
        self.names.extend(names.into_iter().skip(skip));
        self.ends.push((number, skip, self.names.len()));
    }

    /// Where one stands who has the first so many.
    fn position(&self, after: u64, taken: usize, delivered: usize) -> Position {
        let (mut after, mut begin, mut skipped) = (after, 0, taken);
        for (number, skip, end) in &self.ends {
            skipped = *skip;
            if *end > delivered {
                return Position::Log { after, taken: skipped + delivered - begin };
            }
            (after, begin, skipped) = (*number, *end, 0);
        }
        Position::Log { after, taken: skipped }
    }
}

/// Fetches records until there are enough, and tells how many of the names are dealt with.
pub(crate) fn fetch(place: &Place, names: &[String], limit: usize) -> Result<(Vec<Change>, usize), Failure> {
    let (mut changes, mut bytes, mut dealt) = (Vec::<Change>::new(), 0, 0);
    // A record that several commits wrote is fetched once: it is there in its newest version.
    let mut seen = BTreeSet::new();
    while dealt < names.len() && changes.len() < limit && bytes < MAX_PAGE_BYTES {
        let room = (limit - changes.len()).min(AT_ONCE).min(names.len() - dealt);
        let portion = &names[dealt..dealt + room];
        dealt += room;
        let wanted: Vec<&String> = portion.iter().filter(|name| seen.insert(name.as_str())).collect();
        let paths: Vec<_> = wanted.iter().map(|name| place.record(name)).collect();
        for ((name, path), file) in wanted.iter().zip(&paths).zip(dav::read(&paths)?) {
            // Announced by a writer that did not get to it.
            let (Some(file), Some(id)) = (file, place::id(name)) else { continue };
            let held = dav::stored(path, file)?;
            bytes += held.envelope.len();
            changes.push(Change { id, revision: held.revision, envelope: held.envelope });
        }
    }
    // Each where the newest of the commits on this page stands that wrote it.
    let places: BTreeMap<_, _> =
        names[..dealt].iter().enumerate().filter_map(|(n, name)| Some((place::id(name)?, n))).collect();
    changes.sort_by_key(|change| places.get(&change.id).copied());
    Ok((changes, dealt))
}
