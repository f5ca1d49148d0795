//! `exchange` as one framed `POST /v1/sync`.

use orkee_wire::{self as wire, SYNC_MEDIA_TYPE, SyncReply, SyncRequest};

use crate::bindings::orkee::sync::types::{
    Answer, Change, Cursor, Failure, Head, Outcome, RejectReason, Rejection, Reply, Request, Span, Stored,
};
use crate::call::{self, Trouble};

pub(crate) fn exchange(request: &Request) -> Result<Answer, Failure> {
    let head = SyncRequest {
        cursor: wire_cursor(&request.cursor),
        mutations: request
            .mutations
            .iter()
            .map(|m| wire::Mutation { id: m.id.clone(), guard: m.guard.clone(), len: m.envelope.len() as u64 })
            .collect(),
        limit: request.limit,
    };
    let body = wire::join(&head, request.mutations.iter().map(|m| m.envelope.as_slice())).map_err(unreadable)?;
    match call::post("/v1/sync", SYNC_MEDIA_TYPE, body) {
        Ok(reply) => page(&reply.body, reply.request_id).map(Answer::Page),
        Err(Trouble::Named { code, .. }) if code == "expired" => Ok(Answer::Expired),
        Err(Trouble::Named { code, .. }) if code == "new-epoch" => Ok(Answer::NewEpoch),
        Err(trouble) => Err(trouble.into()),
    }
}

fn page(body: &[u8], request_id: Option<String>) -> Result<Reply, Failure> {
    let (head, blobs) = wire::split(body, SyncReply::blob_lengths).map_err(unreadable)?;
    let mut blobs = blobs.into_iter().map(<[u8]>::to_vec);
    let outcomes = head.outcomes.into_iter().map(|o| outcome(o, &mut blobs)).collect();
    let changes = head
        .changes
        .into_iter()
        .map(|c| Change { id: c.id, revision: c.revision, envelope: blobs.next().unwrap_or_default() })
        .collect();
    Ok(Reply {
        outcomes,
        changes,
        cursor: Cursor {
            position: head.cursor.position,
            head: head.cursor.head.map(|h| Head { number: h.number, tag: h.tag }),
        },
        more: head.more,
        written: head.written.map(|s| Span { after: s.after, until: s.until }),
        request_id,
    })
}

fn outcome(outcome: wire::Outcome, blobs: &mut impl Iterator<Item = Vec<u8>>) -> Outcome {
    match outcome {
        wire::Outcome::Accepted { revision } => Outcome::Accepted(revision),
        wire::Outcome::Conflict { revision, .. } => {
            Outcome::Conflict(revision.map(|revision| Stored { revision, envelope: blobs.next().unwrap_or_default() }))
        }
        wire::Outcome::Rejected { reason, message } => Outcome::Rejected(Rejection {
            reason: match reason.as_str() {
                "too-large" => RejectReason::TooLarge,
                "invalid" => RejectReason::Invalid,
                "forbidden" => RejectReason::Forbidden,
                _ => RejectReason::Other,
            },
            message,
        }),
    }
}

fn wire_cursor(cursor: &Cursor) -> wire::Cursor {
    wire::Cursor {
        position: cursor.position.clone(),
        head: cursor.head.as_ref().map(|h| wire::Head { number: h.number, tag: h.tag.clone() }),
    }
}

fn unreadable(error: wire::FrameError) -> Failure {
    Failure::Protocol(format!("the server's answer cannot be read: {error}"))
}
