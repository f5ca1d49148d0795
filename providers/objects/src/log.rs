//! The log as a listing shows it.

use orkee_provider_sdk::{Failure, Head};

use crate::OPEN_SECONDS;
use crate::commit;
use crate::position::Position;
use crate::store::Store;

/// A commit that was announced.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) number: u64,
    /// The announcement's ETag.
    pub(crate) tag: String,
    pub(crate) announced: u64,
    pub(crate) closed: bool,
}

/// The commits from a number on, to the newest.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) commits: Vec<Commit>,
    date: u64,
}

/// What the log says of the newest commit that a device was told of.
pub(crate) enum Verdict {
    Known,
    /// It is no longer there, and newer ones are.
    Pruned,
    /// The store is in an older state, or was since written to from one.
    Unknown,
}

impl Log {
    pub(crate) fn list<S: Store>(store: &mut S, from: u64) -> Result<Self, Failure> {
        let mut after = from.checked_sub(1).map(commit::closing);
        let mut log = Self { commits: Vec::new(), date: 0 };
        loop {
            let listing = store.list(commit::FOLDER, after.as_deref())?;
            log.date = listing.date;
            for entry in &listing.entries {
                match (commit::parse(&entry.key), log.commits.last_mut()) {
                    (Some((number, true)), Some(last)) if last.number == number => last.closed = true,
                    (Some((number, false)), _) if number >= from => log.commits.push(Commit {
                        number,
                        tag: entry.etag.clone(),
                        announced: entry.modified,
                        closed: false,
                    }),
                    // The rest of a commit that was pruned, or nothing of ours.
                    _ => {}
                }
            }
            let last = listing.entries.last().map(|entry| entry.key.clone());
            match last {
                Some(last) if listing.more && Some(&last) > after.as_ref() => after = Some(last),
                Some(_) if listing.more => {
                    return Err(Failure::Protocol("the store's listing does not move on".to_owned()));
                }
                _ => return Ok(log),
            }
        }
    }

    /// 0: there is none.
    pub(crate) fn newest(&self) -> u64 {
        self.commits.last().map_or(0, |commit| commit.number)
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.commits.last().map(|commit| Head { number: commit.number, tag: commit.tag.clone() })
    }

    /// Its writer may still be at work.
    pub(crate) fn is_open(&self, commit: &Commit) -> bool {
        !commit.closed && self.date.saturating_sub(commit.announced) <= OPEN_SECONDS
    }

    /// Every commit that a reader at this position has not taken in is there.
    pub(crate) fn is_whole_for(&self, position: &Position) -> bool {
        let is_there = |number: &u64| self.commits.iter().any(|commit| commit.number == *number);
        position.open.iter().all(is_there) && self.is_whole_after(position.taken)
    }

    fn is_whole_after(&self, taken: u64) -> bool {
        let mut expected = taken;
        for commit in self.commits.iter().filter(|commit| commit.number >= taken) {
            // The reader's own place may have been pruned, if what follows was not.
            let is_next = expected == taken && commit.number == taken + 1;
            if commit.number != expected && !is_next {
                return false;
            }
            expected = commit.number + 1;
        }
        taken == 0 || expected > taken
    }

    pub(crate) fn verdict(&self, head: Option<&Head>) -> Verdict {
        let Some(head) = head else { return Verdict::Known };
        match self.commits.iter().find(|commit| commit.number >= head.number) {
            Some(commit) if commit.number == head.number && commit.tag == head.tag => Verdict::Known,
            Some(commit) if commit.number > head.number => Verdict::Pruned,
            _ => Verdict::Unknown,
        }
    }
}
