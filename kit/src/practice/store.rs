//! What the practice backend holds, and how it decides. No network, no disk.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use orkee_core::id;
use serde::{Deserialize, Serialize};

/// Of all envelopes on one page, so that its base64 stays well below what a provider may receive.
const MAX_PAGE_BYTES: usize = 4 << 20;
const TAG_LEN: usize = 16;

/// One write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Commit {
    pub(super) number: u64,
    pub(super) tag: String,
    pub(super) id: String,
    #[serde(with = "super::journal::base64_bytes")]
    pub(super) envelope: Bytes,
}

/// A record's newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    number: u64,
    revision: String,
    #[serde(with = "super::journal::base64_bytes")]
    pub(super) envelope: Bytes,
}

impl Held {
    pub(super) fn revision(&self) -> &str {
        &self.revision
    }
}

/// A commit's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) tag: String,
}

/// A state to go back to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// Of each commit, by its number; the first is the store's own, before any.
    tags: Vec<String>,
    held: BTreeMap<String, Held>,
    horizon: u64,
}

impl Snapshot {
    /// Of the newest commit.
    fn number(&self) -> u64 {
        self.tags.len().saturating_sub(1) as u64
    }

    /// Whether it can be one that was written.
    pub(super) fn is_sound(&self) -> bool {
        let newest = self.number();
        !self.tags.is_empty()
            && self.horizon <= newest
            && self.held.values().all(|held| held.number <= newest)
    }
}

/// All records.
#[derive(Debug)]
pub(super) struct Store {
    now: Snapshot,
    refused: BTreeSet<String>,
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    Stored {
        revision: String,
        head: Head,
    },
    /// The guard does not name what is held.
    Mismatch(Option<Held>),
    Refused,
}

/// Where a listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The commit that it has come to.
    mark: u64,
    /// Within a full listing: the newest commit when it began.
    listing: Option<u64>,
}

impl Position {
    /// `7`, or `3-7` within a full listing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // Only as it was written, or one position would have several texts.
        let number = |text: &str| text.parse::<u64>().ok().filter(|number| number.to_string() == text);
        match text.split_once('-') {
            Some((mark, listing)) => Some(Self { mark: number(mark)?, listing: Some(number(listing)?) }),
            None => Some(Self { mark: number(text)?, listing: None }),
        }
    }

    pub(super) fn text(self) -> String {
        match self.listing {
            Some(listing) => format!("{}-{listing}", self.mark),
            None => self.mark.to_string(),
        }
    }
}

/// What a listing says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Page {
        changes: Vec<(String, Held)>,
        position: Position,
        more: bool,
    },
    Expired,
    /// The position is one that was never given out, or before the backend was put back.
    NewEpoch,
}

impl Store {
    pub(super) fn new() -> Self {
        Self::with_tag(id::random(TAG_LEN))
    }

    /// An empty one whose own tag is known.
    pub(super) fn with_tag(tag: String) -> Self {
        let now = Snapshot { tags: vec![tag], held: BTreeMap::new(), horizon: 0 };
        Self { now, refused: BTreeSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.now.held.len()
    }

    pub(super) fn own_tag(&self) -> &str {
        self.now.tags.first().map_or("", String::as_str)
    }

    pub(super) fn head(&self) -> Head {
        let tag = self.now.tags.last().cloned().unwrap_or_default();
        Head { number: self.now.number(), tag }
    }

    /// Whether this commit was made, under this tag.
    pub(super) fn knows(&self, number: u64, tag: &str) -> bool {
        usize::try_from(number).ok().and_then(|n| self.now.tags.get(n)).is_some_and(|known| known == tag)
    }

    /// The commit that a write would be, if its guard matches.
    pub(super) fn prepare(&self, id: &str, guard: Option<&str>, envelope: &[u8]) -> Result<Commit, Put> {
        if self.refused.contains(id) {
            return Err(Put::Refused);
        }
        let held = self.now.held.get(id);
        if held.map(Held::revision) != guard {
            return Err(Put::Mismatch(held.cloned()));
        }
        Ok(Commit {
            number: self.now.number() + 1,
            tag: id::random(TAG_LEN),
            id: id.to_owned(),
            envelope: Bytes::copy_from_slice(envelope),
        })
    }

    pub(super) fn apply(&mut self, commit: Commit) -> Put {
        let Commit { number, tag, id, envelope } = commit;
        // With the tag, so that what is written after the store was put back is never named like what was there before.
        let revision = format!("{number}.{tag}");
        self.now.tags.push(tag.clone());
        self.now.held.insert(id, Held { number, revision: revision.clone(), envelope });
        Put::Stored { revision, head: Head { number, tag } }
    }

    /// The changes after a position, oldest first; without one, all records.
    pub(super) fn list(&self, after: Option<Position>, limit: usize) -> Listed {
        let newest = self.now.number();
        let from = after.unwrap_or(Position { mark: 0, listing: Some(newest) });
        let begun = from.listing.unwrap_or(from.mark).max(from.mark);
        if begun > newest {
            return Listed::NewEpoch;
        }
        if begun < self.now.horizon {
            return Listed::Expired;
        }
        let mut newer: Vec<_> = self.now.held.iter().filter(|(_, held)| held.number > from.mark).collect();
        newer.sort_unstable_by_key(|(_, held)| held.number);
        let mut bytes = 0;
        let fitting = newer.iter().take(limit).take_while(|(_, held)| {
            let is_first = bytes == 0;
            bytes += held.envelope.len().max(1);
            is_first || bytes <= MAX_PAGE_BYTES
        });
        let fits = fitting.count();
        let more = fits < newer.len();
        newer.truncate(fits);
        let position = match (newer.last(), more) {
            (_, false) => Position { mark: newest, listing: None },
            (Some((_, last)), true) => Position { mark: last.number, ..from },
            (None, true) => from,
        };
        let changes = newer.into_iter().map(|(id, held)| (id.clone(), held.clone())).collect();
        Listed::Page { changes, position, more }
    }

    pub(super) fn prune(&mut self, ids: &[String]) {
        self.now.horizon = self.now.number();
        self.now.held.retain(|id, _| !ids.contains(id));
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.now.clone()
    }

    pub(super) fn put_back(&mut self, snapshot: &Snapshot) {
        self.now = snapshot.clone();
    }

    pub(super) fn refuse(&mut self, id: &str) {
        self.refused.insert(id.to_owned());
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
