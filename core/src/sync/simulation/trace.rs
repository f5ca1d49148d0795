//! What travelled, for a person who looks for the reason of a failure: `ORKEE_SIM_TRACE=1` with the failing seed.

use std::sync::LazyLock;

use crate::sync::provider::{Answer, Outcome, Request, Stored};

static IS_ON: LazyLock<bool> = LazyLock::new(|| std::env::var_os("ORKEE_SIM_TRACE").is_some());

/// Prints what happens.
pub(super) fn trace(line: impl FnOnce() -> String) {
    if *IS_ON {
        eprintln!("{}", line());
    }
}

pub(super) fn tell_request(request: &Request) -> String {
    let mutations: Vec<String> = request
        .mutations
        .iter()
        .map(|m| {
            format!(
                "{} over {:?}: {}",
                m.id,
                m.guard.as_ref().map(|guard| &guard.0),
                tell_envelope(&m.envelope)
            )
        })
        .collect();
    let cursor = &request.cursor;
    let (position, head) =
        (cursor.position.as_ref().map(|p| &p.0), cursor.head.as_ref().map(|head| head.number));
    format!("position {position:?}, head {head:?}, limit {}, {mutations:#?}", request.limit)
}

pub(super) fn tell_answer(answer: &Answer) -> String {
    let Answer::Page(reply) = answer else { return format!("{answer:?}") };
    let outcomes: Vec<String> = reply
        .outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Accepted(revision) => format!("accepted as {}", revision.0),
            Outcome::Conflict(stored) => format!("refused for {:?}", stored.as_ref().map(tell_stored)),
            Outcome::Rejected { message, .. } => message.clone(),
        })
        .collect();
    let changes: Vec<String> =
        reply.changes.iter().map(|change| format!("{} {}", change.id, tell_stored(&change.stored))).collect();
    let position = reply.cursor.position.as_ref().map(|p| &p.0);
    format!(
        "{outcomes:#?}, changes {changes:#?}, position {position:?}, more {}, {:?}",
        reply.more, reply.written
    )
}

fn tell_stored(stored: &Stored) -> String {
    format!("@{} {}", stored.revision.0, tell_envelope(&stored.envelope))
}

fn tell_envelope(envelope: &[u8]) -> String {
    String::from_utf8_lossy(envelope).replace('"', "").replace("device:device,", "")
}
