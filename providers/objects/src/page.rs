//! A page of the log: the records that the commits after a position name.

use std::collections::{HashMap, HashSet};

use orkee_provider_sdk::Failure;

use crate::Listed;
use crate::commit::{self, Contents};
use crate::listing::record;
use crate::log::{Commit, Log};
use crate::position::{MAX_OPEN, Position};
use crate::store::{Object, Store};

/// So many commits are read at a time.
const COMMITS_AT_ONCE: usize = 50;
/// A page reads so many commits at most: each costs a request, and a call has a limit.
const COMMITS: usize = 300;
/// So many records are fetched at a time, and so many bytes, as far as sizes are known.
const RECORDS_AT_ONCE: usize = 32;
const BYTES_AT_ONCE: u64 = 4 << 20;
/// A page ends when it has so many.
const PAGE_BYTES: usize = 8 << 20;

/// None: a commit that the position needs was pruned, or cannot be read; only a full listing helps.
pub(crate) fn page<S: Store>(
    store: &mut S,
    position: &Position,
    log: &mut Log,
    limit: u32,
) -> Result<Option<Listed>, Failure> {
    if !log.is_whole_for(position) {
        // A folder that is listed while files appear in it may show a later one alone. Twice, it is a gap.
        *log = Log::list(store, position.oldest())?;
        if !log.is_whole_for(position) {
            return Ok(None);
        }
    }
    let (ready, open) = of_interest(position, log);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let Some(mut plan) = Plan::read(store, &ready, position, limit)? else { return Ok(None) };
    let whole = !plan.is_cut;
    if whole {
        plan.add_open(store, &open, position.swept.as_ref(), limit)?;
    }
    let fetched = fetch(store, &plan.wanted)?;
    let had: HashSet<&str> = plan.wanted.iter().take(fetched.taken).map(|(id, _)| id.as_str()).collect();
    let stop = plan.steps.iter().position(|(_, id)| !had.contains(id.as_str()));
    let swept = plan.swept(position, &had);
    let next = match stop {
        None if whole => Position { swept, ..moved(position, log, &ready, &open, None) },
        // Cut between two steps, or where the plan ends.
        _ => {
            let stop = stop.unwrap_or(plan.steps.len());
            let at = plan.steps.get(stop).map_or(plan.cut_at, |(number, _)| *number);
            let before = stop.checked_sub(1).and_then(|before| plan.steps.get(before));
            let within = match before {
                Some((number, id)) if *number == at => Some(id.clone()),
                _ => position.within.as_ref().filter(|(number, _)| *number == at).map(|(_, id)| id.clone()),
            };
            moved(position, log, &ready, &open, Some((at, within)))
        }
    };
    let more = !whole || stop.is_some() || next.swept.is_some();
    let records = in_order(fetched.records, &plan.steps[..stop.unwrap_or(plan.steps.len())]);
    Ok(Some(Listed { records, position: next, more }))
}

/// The records, each where the newest of its commits on this page stands; those of open commits come last.
fn in_order(mut records: Vec<(String, Object)>, steps: &[(u64, String)]) -> Vec<(String, Object)> {
    let places: HashMap<&str, usize> =
        steps.iter().enumerate().map(|(n, (_, id))| (id.as_str(), n)).collect();
    records.sort_by_key(|(id, _)| places.get(id.as_str()).copied().unwrap_or(usize::MAX));
    records
}

/// The commits that this reader has not taken in: those that can be, and those that are still open.
fn of_interest(position: &Position, log: &Log) -> (Vec<Commit>, Vec<Commit>) {
    let (mut ready, mut open) = (Vec::new(), Vec::new());
    for commit in &log.commits {
        if commit.number <= position.taken && !position.open.contains(&commit.number) {
            continue;
        }
        if !log.is_open(commit) {
            ready.push(commit.clone());
        } else if open.len() < MAX_OPEN {
            open.push(commit.clone());
        } else {
            break;
        }
    }
    (ready, open)
}

/// The position after a page that took in all of `ready`, or those before a commit, and of that one the records up to an id.
fn moved(
    position: &Position,
    log: &Log,
    ready: &[Commit],
    open: &[Commit],
    cut: Option<(u64, Option<String>)>,
) -> Position {
    let last_of = |commits: &[Commit]| commits.last().map_or(0, |commit| commit.number);
    // Beyond the last of these there are only commits that nobody has looked at.
    let seen = if open.len() < MAX_OPEN { log.newest() } else { last_of(ready).max(last_of(open)) };
    let (taken, cut_at) = match &cut {
        Some((at, _)) => (position.taken.max(at - 1), *at),
        None => (position.taken.max(seen), u64::MAX),
    };
    let rest = ready.iter().filter(|commit| commit.number >= cut_at).chain(open);
    let mut open: Vec<u64> = rest.map(|commit| commit.number).filter(|number| *number <= taken).collect();
    open.sort_unstable();
    let within = cut.and_then(|(at, id)| Some((at, id?)));
    Position { taken, open, within, swept: position.swept.clone(), listing: None }
}

/// Which records to fetch, and which commit each is for.
#[derive(Default)]
struct Plan {
    /// In the order of commits; a record that several name stands in several.
    steps: Vec<(u64, String)>,
    /// Each once.
    wanted: Vec<(String, u64)>,
    places: HashMap<String, usize>,
    /// There was no room for all.
    is_cut: bool,
    /// The commit that there was no room for.
    cut_at: u64,
    /// What open commits name, in their order, after all of `steps`.
    sweep: Vec<(u64, String)>,
    /// There was no room for all of that.
    is_sweep_cut: bool,
}

impl Plan {
    fn read<S: Store>(
        store: &mut S,
        ready: &[Commit],
        position: &Position,
        limit: usize,
    ) -> Result<Option<Self>, Failure> {
        let mut plan = Self::default();
        let (ready, rest) = ready.split_at(ready.len().min(COMMITS));
        for portion in ready.chunks(COMMITS_AT_ONCE) {
            for (commit, contents) in portion.iter().zip(contents(store, portion)?) {
                let Some(contents) = contents else { return Ok(None) };
                let within = position.within.as_ref().filter(|(number, _)| *number == commit.number);
                for (id, size) in contents.records {
                    if within.is_some_and(|(_, until)| id <= *until) {
                        continue;
                    }
                    if !plan.add(&id, size, limit) {
                        (plan.is_cut, plan.cut_at) = (true, commit.number);
                        return Ok(Some(plan));
                    }
                    plan.steps.push((commit.number, id));
                }
            }
        }
        if let Some(next) = rest.first() {
            (plan.is_cut, plan.cut_at) = (true, next.number);
        }
        Ok(Some(plan))
    }

    /// Whether there is room for it.
    fn add(&mut self, id: &str, size: u64, limit: usize) -> bool {
        match self.places.get(id) {
            Some(place) => self.wanted[*place].1 = size,
            None if self.wanted.len() >= limit => return false,
            None => {
                self.places.insert(id.to_owned(), self.wanted.len());
                self.wanted.push((id.to_owned(), size));
            }
        }
        true
    }

    /// What open commits may have written by now is looked at again in each pull: a sweep over all that they name, as many pages as it
    /// takes. One that cannot be read is left for when its time has passed.
    fn add_open<S: Store>(
        &mut self,
        store: &mut S,
        open: &[Commit],
        swept: Option<&(u64, String)>,
        limit: usize,
    ) -> Result<(), Failure> {
        let open: Vec<_> =
            open.iter().filter(|commit| swept.is_none_or(|(at, _)| commit.number >= *at)).cloned().collect();
        for portion in open.chunks(COMMITS_AT_ONCE) {
            for (commit, contents) in portion.iter().zip(contents(store, portion)?) {
                let until = swept.filter(|(at, _)| *at == commit.number).map(|(_, until)| until);
                let records = contents.into_iter().flat_map(|contents| contents.records);
                for (id, size) in records.filter(|(id, _)| until.is_none_or(|until| id > until)) {
                    if !self.add(&id, size, limit) {
                        self.is_sweep_cut = true;
                        return Ok(());
                    }
                    self.sweep.push((commit.number, id));
                }
            }
        }
        Ok(())
    }

    /// Where the sweep stands once these were fetched. None: it has come to its end.
    fn swept(&self, position: &Position, had: &HashSet<&str>) -> Option<(u64, String)> {
        let missing = self.sweep.iter().position(|(_, id)| !had.contains(id.as_str()));
        if missing.is_none() && !self.is_sweep_cut {
            return None;
        }
        let last = missing.unwrap_or(self.sweep.len()).checked_sub(1);
        let last = last.and_then(|last| self.sweep.get(last).cloned()).or_else(|| position.swept.clone());
        // Before the first of all, where the page was full without it.
        last.or_else(|| Some((0, String::new())))
    }
}

/// What each of the commits names. None for one that cannot be read.
fn contents<S: Store>(store: &mut S, commits: &[Commit]) -> Result<Vec<Option<Contents>>, Failure> {
    if commits.is_empty() {
        return Ok(Vec::new());
    }
    let key = |commit: &Commit| match commit.closed {
        true => commit::closing(commit.number),
        false => commit::announcement(commit.number),
    };
    let keys: Vec<_> = commits.iter().map(key).collect();
    let mut read = Vec::with_capacity(keys.len());
    for (key, object) in keys.iter().zip(store.get(&keys)?) {
        let Some(object) = object else {
            read.push(None);
            continue;
        };
        // What was damaged on the way is whole the next time. Twice, the store's own is.
        let contents = match Contents::read(&object.body) {
            None => {
                store.get(std::slice::from_ref(key))?.pop().flatten().and_then(|o| Contents::read(&o.body))
            }
            whole => whole,
        };
        read.push(contents);
    }
    Ok(read)
}

pub(crate) struct Fetched {
    /// Those that are there.
    pub(crate) records: Vec<(String, Object)>,
    /// So many of the wanted were asked for.
    pub(crate) taken: usize,
}

/// Fetches records until the page is large enough, at least one.
pub(crate) fn fetch<S: Store>(store: &mut S, wanted: &[(String, u64)]) -> Result<Fetched, Failure> {
    let mut fetched = Fetched { records: Vec::new(), taken: 0 };
    let mut bytes = 0;
    while fetched.taken < wanted.len() && bytes < PAGE_BYTES {
        let portion = portion(&wanted[fetched.taken..]);
        let keys: Vec<_> = portion.iter().map(|(id, _)| record(id)).collect();
        let objects = store.get(&keys)?;
        for ((id, _), object) in portion.iter().zip(objects) {
            let Some(object) = object else { continue };
            bytes += object.body.len();
            fetched.records.push((id.clone(), object));
        }
        fetched.taken += portion.len();
    }
    Ok(fetched)
}

fn portion(wanted: &[(String, u64)]) -> &[(String, u64)] {
    let mut bytes = 0_u64;
    let fits = wanted.iter().take(RECORDS_AT_ONCE).take_while(|(_, size)| {
        bytes = bytes.saturating_add(*size);
        bytes <= BYTES_AT_ONCE
    });
    let count = fits.count().max(1);
    wanted.get(..count).unwrap_or(wanted)
}
