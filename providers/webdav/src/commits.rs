//! The log: which commits there are, which are over, and what they wrote.

use std::collections::BTreeMap;

use orkee_provider_sdk::{Failure, Head};

use crate::dav::{self, Folder};
use crate::place::{self, PER_SHELF, Place};
use crate::record;
use crate::waiting::TURNS;

/// Shelves of the log that one answer looks through at most, if it need not know the newest commit.
const MAX_SHELVES: u64 = 8;

/// What the log tells of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Commit {
    /// Somebody writes.
    UnderWay,
    /// Somebody wrote, and did not say when they were done.
    Abandoned,
    /// It is over; the tag belongs to it alone.
    Done { tag: String },
}

impl Commit {
    fn is_over(&self) -> bool {
        *self != Self::UnderWay
    }
}

/// A part of the log, from the first number of a shelf on.
#[derive(Debug, Default)]
pub(crate) struct Log {
    commits: BTreeMap<u64, Commit>,
    /// The part ends with the newest commit.
    pub(crate) is_whole: bool,
}

impl Log {
    /// Looks from the commit `anchor`, which the device knows, and from the one after `after`, to the newest; or, for who need not
    /// know the newest, through a few shelves.
    pub(crate) fn look(place: &Place, anchor: u64, after: u64, to_newest: bool) -> Result<Self, Failure> {
        let mut log = Self::default();
        let next = (after + 1) / PER_SHELF;
        let mut shelves = vec![next];
        if anchor > 0 && anchor / PER_SHELF != next {
            shelves.push(anchor / PER_SHELF);
        }
        let mut last = next;
        loop {
            let paths: Vec<_> = shelves.iter().map(|shelf| place.log_shelf(*shelf)).collect();
            for (shelf, folder) in shelves.iter().zip(dav::list(&paths)?) {
                log.take_in(*shelf, folder.unwrap_or_default());
            }
            log.is_whole = !log.commits.contains_key(&(last * PER_SHELF + PER_SHELF - 1));
            let looked = last - next + 1;
            if log.is_whole || (looked >= MAX_SHELVES && !to_newest) {
                return Ok(log);
            }
            // Mostly there is nothing beyond a shelf that is full; so the portions begin small.
            let portion = looked.min(dav::AT_ONCE as u64);
            shelves = (last + 1..=last + portion).collect();
            last += portion;
        }
    }

    /// Looks at the newest shelf, and at the commit `anchor`.
    pub(crate) fn newest(place: &Place, anchor: u64) -> Result<Self, Failure> {
        let shelves = shelves(place)?;
        let newest = shelves.last().map_or(0, |shelf| shelf.number);
        Self::look(place, anchor, (newest * PER_SHELF).saturating_sub(1), true)
    }

    fn take_in(&mut self, shelf: u64, folder: Folder) {
        let Folder { members, now } = folder;
        for entry in members {
            let (digit, tag) = match entry.name.split_once('-') {
                Some((digit, tag)) => (digit, Some(tag)),
                None => (entry.name.as_str(), None),
            };
            let Some(digit) = single_digit(digit) else { continue };
            let number = shelf * PER_SHELF + digit;
            match tag {
                Some(tag) if record::is_fresh(tag) && !entry.is_folder => {
                    self.commits.insert(number, Commit::Done { tag: tag.to_owned() });
                }
                None if entry.is_folder => {
                    let is_over = entry.modified.is_none_or(|taken| now.saturating_sub(taken) > TURNS.expiry);
                    let commit = if is_over { Commit::Abandoned } else { Commit::UnderWay };
                    self.commits.entry(number).or_insert(commit);
                }
                _ => {}
            }
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Commit> {
        self.commits.get(&number)
    }

    /// The number of the newest commit; 0 if there is none.
    pub(crate) fn last(&self) -> u64 {
        self.commits.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The newest commit that is over.
    pub(crate) fn last_over(&self) -> u64 {
        self.last() - u64::from(self.is_under_way())
    }

    /// Whether somebody writes right now.
    pub(crate) fn is_under_way(&self) -> bool {
        self.commits.last_key_value().is_some_and(|(_, commit)| !commit.is_over())
    }

    /// The commits after this one that are over, up to the first that is not.
    pub(crate) fn over_after(&self, after: u64) -> impl Iterator<Item = (u64, &Commit)> {
        let numbered = self.commits.range(after + 1..).zip(after + 1..);
        numbered
            .take_while(|((number, commit), expected)| *number == expected && commit.is_over())
            .map(|((number, commit), _)| (*number, commit))
    }

    /// Whether a commit after this one is missing although later ones are there.
    pub(crate) fn has_gap_after(&self, after: u64) -> bool {
        self.commits.range(after + 1..).next().is_some_and(|(number, _)| *number != after + 1)
    }

    /// The newest commit up to this number that has a tag.
    pub(crate) fn head_until(&self, number: u64) -> Option<Head> {
        self.commits.range(..=number).rev().find_map(|(number, commit)| match commit {
            Commit::Done { tag } => Some(Head { number: *number, tag: tag.clone() }),
            Commit::UnderWay | Commit::Abandoned => None,
        })
    }
}

fn single_digit(text: &str) -> Option<u64> {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(digit @ ('0'..='9' | 'a'..='f')), None) => digit.to_digit(16).map(u64::from),
        _ => None,
    }
}

/// A folder of the log.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) number: u64,
    /// How long ago anything was put into it, in seconds.
    pub(crate) age: Option<u64>,
}

/// The folders of the log, oldest first.
pub(crate) fn shelves(place: &Place) -> Result<Vec<Shelf>, Failure> {
    let folder = dav::list_one(place.log())?.unwrap_or_default();
    let age = |modified: u64| folder.now.saturating_sub(modified);
    let mut shelves: Vec<_> = folder
        .members
        .iter()
        .filter(|entry| entry.is_folder)
        .filter_map(|entry| {
            let number = place::shelf_number(&entry.name)?;
            Some(Shelf { number, age: entry.modified.map(age) })
        })
        .collect();
    shelves.sort_by_key(|shelf| shelf.number);
    Ok(shelves)
}

/// The names of the records that these commits wrote, or may have written, in their order.
pub(crate) fn written(place: &Place, commits: &[(u64, &Commit)]) -> Result<Vec<Vec<String>>, Failure> {
    let path = |(number, commit): &(u64, &Commit)| match commit {
        Commit::Done { tag } => place.done(*number, tag),
        Commit::UnderWay | Commit::Abandoned => place.intent(*number),
    };
    let paths: Vec<_> = commits.iter().map(path).collect();
    let files = dav::read(&paths)?.into_iter().zip(&paths);
    // A turn that was abandoned before it was used has no list.
    files.map(|(file, path)| file.map_or_else(|| Ok(Vec::new()), |file| names(path, &file.body))).collect()
}

/// The content of a list of records.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u8> {
    names.fold(String::new(), |list, name| list + name + "\n").into_bytes()
}

fn names(path: &str, body: &[u8]) -> Result<Vec<String>, Failure> {
    let text = std::str::from_utf8(body).ok();
    let names = text.map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    names
        .filter(|names| names.iter().all(|name| place::id(name).is_some()))
        .ok_or_else(|| Failure::Protocol(format!("the file {path} on the server is no list of Orkee's")))
}
