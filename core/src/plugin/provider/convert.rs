//! The contract's types and the engine's, one into the other. Envelopes are moved, never copied.

use orkee_wire::Envelope;

use crate::plugin::bindings::orkee::sync::types as wit;
use crate::plugin::text::clean;
use crate::sync::provider::{
    Answer, Change, Cursor, Head, Outcome, Position, RejectReason, Reply, Request, Revision, Span, Stored,
};

/// Of a provider's message about a record, the part that is kept.
const MAX_MESSAGE: usize = 300;

pub(super) fn request(request: Request) -> wit::Request {
    let mutation = |m: crate::sync::provider::Mutation| wit::Mutation {
        id: m.id,
        guard: m.guard.map(|revision| revision.0),
        tombstone: Envelope::parse(&m.envelope).is_ok_and(|envelope| envelope.payload.is_none()),
        envelope: m.envelope,
    };
    wit::Request {
        cursor: cursor(request.cursor),
        mutations: request.mutations.into_iter().map(mutation).collect(),
        limit: request.limit,
    }
}

pub(super) fn cursor(cursor: Cursor) -> wit::Cursor {
    wit::Cursor {
        position: cursor.position.map(|position| position.0),
        head: cursor.head.map(|head| wit::Head { number: head.number, tag: head.tag }),
    }
}

/// `request_id` is the host's own knowledge, for a provider that does not tell it.
pub(super) fn answer(answer: wit::Answer, request_id: Option<String>) -> Answer {
    match answer {
        wit::Answer::Expired => Answer::Expired,
        wit::Answer::NewEpoch => Answer::NewEpoch,
        wit::Answer::Page(page) => Answer::Page(Reply {
            outcomes: page.outcomes.into_iter().map(outcome).collect(),
            changes: page.changes.into_iter().map(change).collect(),
            cursor: Cursor {
                position: page.cursor.position.map(Position),
                head: page.cursor.head.map(|head| Head { number: head.number, tag: head.tag }),
            },
            more: page.more,
            written: page.written.map(|s| Span { after: Position(s.after), until: Position(s.until) }),
            request_id: request_id.or_else(|| page.request_id.map(|id| clean(&id, 64))),
        }),
    }
}

fn outcome(outcome: wit::Outcome) -> Outcome {
    match outcome {
        wit::Outcome::Accepted(revision) => Outcome::Accepted(Revision(revision)),
        wit::Outcome::Conflict(held) => Outcome::Conflict(held.map(stored)),
        wit::Outcome::Rejected(rejection) => Outcome::Rejected {
            reason: match rejection.reason {
                wit::RejectReason::TooLarge => RejectReason::TooLarge,
                wit::RejectReason::Invalid => RejectReason::Invalid,
                wit::RejectReason::Forbidden => RejectReason::Forbidden,
                wit::RejectReason::Other => RejectReason::Other,
            },
            message: clean(&rejection.message, MAX_MESSAGE),
        },
    }
}

fn stored(stored: wit::Stored) -> Stored {
    Stored { revision: Revision(stored.revision), envelope: stored.envelope }
}

fn change(change: wit::Change) -> Change {
    Change {
        id: change.id,
        stored: Stored { revision: Revision(change.revision), envelope: change.envelope },
    }
}
