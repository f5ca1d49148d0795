//! One exchange: look at the log, read a page, then write within a turn.
//!
//! The page is read before anything is written: what makes an exchange fail early must not have carried out anything.

use orkee_provider_sdk::{Answer, Change, Changes, Cursor, Exchange, Failure, Head, Outcome, Page, Span};

use crate::changes::{self, Found};
use crate::commits::{self, Commit, Log};
use crate::place::{PER_SHELF, Place};
use crate::position::Position;
use crate::turn::Turn;
use crate::write::Written;
use crate::{full, prune, suitability};

pub(crate) fn exchange(exchange: &Exchange) -> Result<Answer, Failure> {
    let place = Place::chosen()?;
    suitability::check(&place)?;
    let position = exchange.cursor.position.as_deref().map(Position::parse).transpose()?;
    let log = look(&place, exchange, position.as_ref())?;
    if let Some(lost) = lost(&place, &log, exchange.cursor.head.as_ref(), position.as_ref())? {
        return Ok(lost);
    }
    let limit = usize::try_from(exchange.limit).unwrap_or(usize::MAX);
    let found = match exchange.is_push_alone() {
        true => None,
        false => Some(page(&place, &log, position, limit)?),
    };
    let (outcomes, own) = write(&place, &log, exchange)?;
    Ok(Answer::Page(answer(exchange, &log, found, outcomes, own)))
}

/// As much of the log as this exchange needs to know.
fn look(place: &Place, exchange: &Exchange, position: Option<&Position>) -> Result<Log, Failure> {
    let anchor = anchor(exchange.cursor.head.as_ref(), position);
    match position {
        None => Log::newest(place, anchor),
        Some(Position::Log { after, .. } | Position::Full { until: after, .. }) => {
            Log::look(place, anchor, *after, !exchange.mutations.is_empty())
        }
    }
}

/// The commit that a server must still have which was not put back to an older state; 0: none.
fn anchor(head: Option<&Head>, position: Option<&Position>) -> u64 {
    match (head, position) {
        (Some(head), _) => head.number,
        (None, Some(Position::Log { after, .. } | Position::Full { until: after, .. })) => *after,
        (None, None) => 0,
    }
}

/// The answer if the server does not know any more what the device knows of it.
fn lost(
    place: &Place,
    log: &Log,
    head: Option<&Head>,
    position: Option<&Position>,
) -> Result<Option<Answer>, Failure> {
    let anchor = anchor(head, position);
    let is_known = match (anchor, log.get(anchor), head) {
        (0, ..) => true,
        (_, Some(Commit::Done { tag }), Some(head)) => *tag == head.tag,
        (_, found, None) => found.is_some(),
        (_, _, Some(_)) => false,
    };
    if !is_known {
        let oldest = commits::shelves(place)?.first().map(|shelf| shelf.number);
        let was_pruned = oldest.is_some_and(|oldest| anchor / PER_SHELF < oldest);
        return Ok(match (was_pruned, position) {
            (false, _) => Some(Answer::NewEpoch),
            (true, Some(_)) => Some(Answer::Expired),
            // Everything is listed anyway.
            (true, None) => None,
        });
    }
    match position {
        Some(Position::Log { after, .. }) if log.has_gap_after(*after) => Ok(Some(Answer::Expired)),
        _ => Ok(None),
    }
}

fn page(place: &Place, log: &Log, position: Option<Position>, limit: usize) -> Result<Found, Failure> {
    match position {
        Some(Position::Log { after, taken }) => changes::page(place, log, after, taken, limit),
        Some(Position::Full { until, name }) => full::page(place, log, until, &name, limit),
        None => full::page(place, log, log.last_over(), "", limit),
    }
}

/// Carries out the mutations in a turn of their own. What was written is told at its end even if something failed.
fn write(place: &Place, log: &Log, exchange: &Exchange) -> Result<(Vec<Outcome>, Option<Head>), Failure> {
    if exchange.mutations.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut written = Written::nothing(place, &exchange.mutations)?;
    written.make_shelves()?;
    let turn = Turn::take(place, log)?;
    let done = turn.announce(written.names()).and_then(|()| written.carry_out(&turn, &exchange.mutations));
    let begins_a_shelf = turn.number.is_multiple_of(PER_SHELF);
    let ended = turn.end(written.touched.iter().map(String::as_str));
    done?;
    let head = ended?;
    if begins_a_shelf {
        prune::prune(place);
    }
    Ok((written.outcomes(), Some(head)))
}

fn answer(
    exchange: &Exchange,
    log: &Log,
    found: Option<Found>,
    outcomes: Vec<Outcome>,
    own: Option<Head>,
) -> Page {
    // A turn is one commit, and the commits before it are not ours.
    let text = |after| Position::Log { after, taken: 0 }.text();
    let written = own.as_ref().map(|own| Span { after: text(own.number - 1), until: text(own.number) });
    let head = own.or_else(|| log.head_until(u64::MAX)).or_else(|| exchange.cursor.head.clone());
    let Some(Found { mut changes, position, more }) = found else {
        return Page { written, ..Changes::push_alone(exchange, outcomes, head) };
    };
    // The page was read before: of what was then written here, it has what stood there until then.
    let is_own = |change: &Change| {
        let mut ours = exchange.mutations.iter().zip(&outcomes);
        ours.any(|(mutation, outcome)| mutation.id == change.id && matches!(outcome, Outcome::Accepted(_)))
    };
    changes.retain(|change| !is_own(change));
    let cursor = Cursor { position: Some(position.text()), head };
    Page { outcomes, changes, cursor, more, written, request_id: None }
}
