//! What an exchange means, over the few things that it needs of a database.
//!
//! A cursor is judged before anything is written. Its head proves that the device and this database share a past: a head
//! that was never made here means that the database was put back to an older state. Its position proves that no tombstone
//! since then was pruned; a full listing is exempt from prunings before it began, since it deletes by what it does not
//! list. A page holds what others wrote: commits after the cursor and before the request's own, which follow each other
//! without a gap since a request is one transaction. Whether records may be read is judged by what the space is after the request's
//! writes, so that whoever seals a space, or unseals it, can do so in one request with records.

use super::Result;
use super::records::{
    Cursor, Entry, Exchange, Exchanged, Head, Kind, PageLimit, Position, RecordId, Reply, Sealing, Stored,
    Write, WriteOutcome,
};

/// What an entry costs in the head of a reply, at most.
const ENTRY_BYTES: u64 = 128;

/// One space's records inside one transaction.
pub(crate) trait ExchangeTx {
    /// The newest commit and the newest pruned one.
    fn marks(&mut self) -> Result<Marks>;
    /// What the space's devices say of its records.
    fn sealing(&mut self) -> Result<Sealing>;
    /// They say so from here on. What could be read before a floor is kept nowhere beside the records.
    fn seal(&mut self, sealing: Sealing) -> Result<()>;
    /// The tag of a commit that was made.
    fn tag_of(&mut self, commit: u64) -> Result<Option<String>>;
    /// Stores a record that must not exist. Whether it did not.
    fn insert(&mut self, commit: u64, write: &Write<'_>) -> Result<bool>;
    /// Replaces a record that must have revision `guard`. Whether it had.
    fn replace(&mut self, commit: u64, guard: u64, write: &Write<'_>) -> Result<bool>;
    /// A record as it is.
    fn current(&mut self, id: RecordId<'_>) -> Result<Option<Stored>>;
    /// Makes `until` the newest commit; those after `after` are of this run.
    fn advance(&mut self, after: u64, until: u64) -> Result<()>;
    /// Records with revisions after `after`, up to and including `until`, oldest first, until `take` says no.
    fn changes(&mut self, after: u64, until: u64, take: &mut dyn FnMut(Entry) -> bool) -> Result<()>;
}

/// How far a space's sequence has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) newest: u64,
    pub(crate) pruned: u64,
}

/// Carries an exchange out. Whatever does not end in [`Exchanged::Reply`] has to be rolled back.
pub(crate) fn run(tx: &mut impl ExchangeTx, exchange: &Exchange<'_>) -> Result<Exchanged> {
    let marks = tx.marks()?;
    let Some(position) = verified(tx, &exchange.cursor, marks)? else {
        return Ok(Exchanged::NewEpoch);
    };
    if position.since.max(position.listing) < marks.pruned {
        return Ok(Exchanged::Expired);
    }
    let mut budget = exchange.page.bytes;
    let Some((outcomes, newest)) = write(tx, &exchange.writes, marks.newest, &mut budget)? else {
        return Ok(Exchanged::TooLarge);
    };
    if exchange.writes.iter().any(|write| write.kind == Kind::Project) && tx.sealing()?.seals {
        return Ok(Exchanged::Plain);
    }
    let page = if exchange.page.changes == 0 {
        Page { changes: Vec::new(), position: exchange.cursor.position, more: false }
    } else {
        page(tx, position, marks.newest, newest, PageLimit { bytes: budget, ..exchange.page })?
    };
    // Conflicts took the room that the page's first entry needs. Told as a page, it would be asked for again without end.
    if page.more && page.changes.is_empty() {
        return Ok(Exchanged::TooLarge);
    }
    let head = tx.tag_of(newest)?.map(|tag| Head { number: newest, tag });
    Ok(Exchanged::Reply(Reply {
        outcomes,
        page: page.changes,
        cursor: Cursor { position: page.position, head },
        more: page.more,
        written: (newest > marks.newest).then_some((marks.newest, newest)),
    }))
}

/// Whether whoever stands there has something to be told. In the middle of a full listing there is always more.
pub(crate) fn has_changed(tx: &mut impl ExchangeTx, cursor: &Cursor) -> Result<bool> {
    let marks = tx.marks()?;
    let position = verified(tx, cursor, marks)?.filter(|position| position.listing == 0);
    Ok(position.is_none_or(|position| position.since < marks.newest))
}

/// Where the device stands, if its cursor is of this database's past.
fn verified(tx: &mut impl ExchangeTx, cursor: &Cursor, marks: Marks) -> Result<Option<Position>> {
    let told = cursor.head.as_ref().map_or(0, |head| head.number);
    if told > marks.newest {
        return Ok(None);
    }
    if let Some(head) = cursor.head.as_ref().filter(|head| head.number > 0)
        && tx.tag_of(head.number)?.as_ref() != Some(&head.tag)
    {
        return Ok(None);
    }
    Ok(match cursor.position {
        None => Some(Position { since: 0, listing: marks.newest.max(1) }),
        // A position was told together with a head at least as new; one without proves nothing.
        Some(position) => (position.since.max(position.listing) <= told.max(1)).then_some(position),
    })
}

/// Carries the writes out. None: what stands in their way is larger than `budget`.
fn write(
    tx: &mut impl ExchangeTx,
    writes: &[Write<'_>],
    newest: u64,
    budget: &mut u64,
) -> Result<Option<(Vec<WriteOutcome>, u64)>> {
    let mut commit = newest;
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        let stored = match write.guard {
            // Never done: a device offers it to be told the key document, whose revision it does not know.
            _ if write.deletes_keys() => false,
            None => tx.insert(commit + 1, write)?,
            Some(guard) => tx.replace(commit + 1, guard, write)?,
        };
        let (outcome, bytes) = if stored {
            commit += 1;
            if let Kind::Keys(sealing) = write.kind {
                tx.seal(sealing)?;
            }
            (WriteOutcome::Accepted(commit), 0)
        } else {
            let current = tx.current(write.id)?;
            let bytes = current.as_ref().map_or(0, |stored| stored.envelope.len() as u64);
            (WriteOutcome::Conflict(current), bytes)
        };
        match budget.checked_sub(bytes + ENTRY_BYTES) {
            Some(left) => *budget = left,
            None => return Ok(None),
        }
        outcomes.push(outcome);
    }
    if commit > newest {
        tx.advance(newest, commit)?;
    }
    Ok(Some((outcomes, commit)))
}

struct Page {
    changes: Vec<Entry>,
    position: Option<Position>,
    more: bool,
}

/// What others wrote after `from`; `before` was the newest commit when the request came, `newest` is it now.
fn page(
    tx: &mut impl ExchangeTx,
    from: Position,
    before: u64,
    newest: u64,
    limit: PageLimit,
) -> Result<Page> {
    let mut changes: Vec<Entry> = Vec::new();
    let mut more = false;
    let mut left = limit.bytes;
    if from.since < before {
        tx.changes(from.since, before, &mut |entry| {
            let bytes = entry.stored.envelope.len() as u64 + ENTRY_BYTES;
            more = changes.len() as u64 >= u64::from(limit.changes) || bytes > left;
            if !more {
                left -= bytes;
                changes.push(entry);
            }
            !more
        })?;
    }
    let position = if more {
        Position {
            since: changes.last().map_or(from.since, |last| last.stored.revision),
            listing: from.listing,
        }
    } else {
        Position { since: newest.max(from.since), listing: 0 }
    };
    Ok(Page { changes, position: Some(position), more })
}
