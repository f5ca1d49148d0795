//! A sync backend made of an object store: all that it needs is PUT on a condition (`If-Match`, `If-None-Match: *`) and a
//! listing in the order of names.
//!
//! # The layout
//!
//! - `r/ID` holds a record's envelope. Its revision is the object's ETag, and the conditional PUT of this object alone
//!   decides what is accepted.
//! - `log/NNNNNNNNNN` announces a *commit*: the records that are about to be written, and a nonce. It is made before the first of
//!   them is written, with `If-None-Match: *`; who loses the race takes the next number. It never changes, so its ETag
//!   is the commit's tag.
//! - `log/NNNNNNNNNN.done` closes the commit: which of the records were written.
//!
//! # Why nothing is missed
//!
//! Numbers have no gaps, and whatever was written is named by a commit that was announced before. A reader takes in the commits after
//! its position. One that is not closed is remembered in the position (*open*), and all that it names is looked at again in each
//! pull, over as many pages as that takes (*swept*), until it is closed, or old: a writer that was killed leaves it open, and after
//! [`OPEN_SECONDS`] nothing of it can still arrive. A writer that finds itself slower than that (a machine that slept) announces
//! what it wrote once more. All times are the server's.
//!
//! A full listing notes the newest commit and the open ones first, then lists `r/`, then goes on in the log from there. Commits older
//! than [`KEEP_SECONDS`] are pruned; a position before the oldest has `expired`. Deleted records stay as tombstones.

mod commit;
mod listing;
mod log;
mod page;
mod position;
mod probe;
mod prune;
mod store;
mod write;

#[cfg(test)]
mod simulation;

use orkee_provider_sdk::{Answer, Changes, Cursor, Exchange, Failure, Head, Limits, Page};

use log::Log;
use position::Position;

pub use probe::probe;
pub use store::{Entry, Guard, Listing, Object, Put, Store, Written};

/// How long an open commit may still be at work, by the server's clock.
pub const OPEN_SECONDS: u64 = 20 * 60;
/// How long commits are kept.
pub const KEEP_SECONDS: u64 = 90 * 24 * 3600;
/// What one exchange may carry: few enough requests for one call, and small enough for its memory.
pub const LIMITS: Limits =
    Limits { max_mutations: 100, max_bytes: 4 << 20, max_record_bytes: 1 << 20, max_page: 200 };

/// Carries out an exchange.
///
/// # Errors
///
/// What the store fails with. An announced commit stays open then.
pub fn exchange<S: Store>(store: &mut S, exchange: &Exchange) -> Result<Answer, Failure> {
    let position = match exchange.cursor.position.as_deref().map(Position::read) {
        Some(None) => return Ok(Answer::Expired),
        Some(Some(position)) => Some(position),
        None => None,
    };
    let head = exchange.cursor.head.as_ref();
    let mut log = Log::list(store, first_of_interest(exchange, position.as_ref()))?;
    match (log.verdict(head), &position) {
        (log::Verdict::Known, _) | (log::Verdict::Pruned, None) => {}
        (log::Verdict::Pruned, Some(_)) => return Ok(Answer::Expired),
        (log::Verdict::Unknown, _) => return Ok(Answer::NewEpoch),
    }
    if exchange.is_push_alone() {
        let written = write::write(store, exchange, &log)?;
        let span = written.span(position.as_ref());
        let page = Changes::push_alone(exchange, written.outcomes, written.head);
        return Ok(Answer::Page(Page { written: span, ..page }));
    }
    let listed = match &position {
        None => listing::page(store, Position::of_full_listing(&log), exchange.limit)?,
        Some(position) if position.listing.is_some() => {
            listing::page(store, position.clone(), exchange.limit)?
        }
        Some(position) => match page::page(store, position, &mut log, exchange.limit)? {
            Some(listed) => listed,
            None => return Ok(Answer::Expired),
        },
    };
    let written = write::write(store, exchange, &log)?;
    Ok(Answer::Page(answer(exchange, listed, written)))
}

/// A page of changes, before what this exchange writes.
struct Listed {
    records: Vec<(String, Object)>,
    position: Position,
    more: bool,
}

/// The first commit that this exchange has to know of.
fn first_of_interest(exchange: &Exchange, position: Option<&Position>) -> u64 {
    let head = exchange.cursor.head.as_ref().map(|head| head.number);
    match position {
        _ if exchange.is_push_alone() => head.unwrap_or(0),
        Some(position) => position.oldest().min(head.unwrap_or(u64::MAX)),
        // Any open commit may write while `r/` is listed.
        None => 0,
    }
}

/// The page was read before the writes: of a record that was written since, it has what the writer knew already.
fn answer(exchange: &Exchange, listed: Listed, written: write::Result) -> Page {
    let span = written.span(Some(&listed.position));
    let mut changes = Changes::of(exchange, &[]);
    for (id, object) in listed.records {
        if !written.has_accepted(exchange, &id) {
            changes.add(id, object.etag, object.body);
        }
    }
    let Cursor { head: known, .. } = exchange.cursor.clone();
    let head: Option<Head> = written.head.or(known);
    let position = Some(listed.position.text());
    Page { written: span, ..changes.page(written.outcomes, position, head, listed.more) }
}
