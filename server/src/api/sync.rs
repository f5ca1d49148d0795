//! `POST /v1/sync`: the full exchange of a device. A JSON body is the published one (`publish.rs`).
//!
//! Bytes become types here. A record that the server will not take is answered `rejected` and stops nothing else; a body
//! that is not of the protocol is refused whole. A position that this server did not write is another server's: the
//! device is told `new-epoch`, from which it recovers by itself.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use orkee_wire as wire;
use orkee_wire::sealed::is_sealed;
use orkee_wire::{Envelope, MAX_BODY_BYTES, MAX_MUTATIONS, MAX_PAGE, MAX_RECORD_BYTES, SYNC_MEDIA_TYPE};

use super::keys::{self, KeysError};
use super::publish;
use crate::http::body::{Packed, Received, accepts_zstd, or_discard};
use crate::http::space::Space;
use crate::http::waits::Waits;
use crate::http::{ApiError, App};
use crate::storage::{
    Cursor, Exchange, Exchanged, Head, Kind, Origin, PageLimit, Position, RecordId, Reply, Storage, Write,
    WriteOutcome, commit_number,
};

/// What a reply's head may take beside its entries.
const HEAD_BYTES: u64 = 4096;
/// A head names writers and their clocks, and grows with their number alone.
const MAX_HEAD_BYTES: usize = 64 << 10;

pub(super) async fn sync(
    State(app): State<Arc<App>>,
    space: Result<Space, ApiError>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (space, body) = or_discard(space, body).await?;
    let zstd = accepts_zstd(&headers);
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let framed = match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        SYNC_MEDIA_TYPE => Ok(true),
        "application/json" => Ok(false),
        _ => Err(unsupported()),
    };
    let (framed, body) = or_discard(framed, body).await?;
    let body = Received::read(&headers, body, MAX_BODY_BYTES).await?;
    let (author, waits) = (Arc::clone(&app.author), Arc::clone(&app.waits));
    let reply = app.storage(move |storage| {
        let space = space.renewed(storage)?;
        let body = body.unpack()?;
        if framed {
            exchange(storage, &space, &waits, &body, zstd)
        } else {
            let published = publish::publish(storage, &space, &author, &body, zstd);
            // Also of a body of which a part was written before the rest failed.
            waits.wake(space.key);
            published
        }
    });
    Ok(reply.await?.into_response())
}

fn unsupported() -> ApiError {
    let message = format!("the body's Content-Type is {SYNC_MEDIA_TYPE} or application/json");
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", message)
}

/// Too many records in one request.
pub(super) fn too_many() -> ApiError {
    ApiError::too_large(format!("a request may carry {MAX_MUTATIONS} records"), MAX_MUTATIONS.into())
}

fn exchange(
    storage: &dyn Storage,
    space: &Space,
    waits: &Waits,
    body: &Bytes,
    zstd: bool,
) -> Result<Packed, ApiError> {
    let (request, blobs) = wire::split::<wire::SyncRequest>(body, wire::SyncRequest::blob_lengths)
        .map_err(|error| ApiError::invalid(describe(&error)))?;
    if request.mutations.len() > MAX_MUTATIONS as usize {
        return Err(too_many());
    }
    let Some(cursor) = read_cursor(request.cursor) else { return Err(new_epoch()) };
    let (refusal, unsealed) = (space.refusal(), space.unsealed());
    let judge = |(mutation, envelope)| {
        let write = judge(mutation, envelope, space.author());
        match (&refusal, &unsealed, write) {
            // Whoever offers to delete the key document is told it, and changes nothing.
            (_, _, Ok(write)) if write.deletes_keys() => Ok(write),
            (Some(message), _, _) => Err(rejected("forbidden", message.clone())),
            (None, Some(message), Ok(write)) if is_plain(write.kind) => {
                Err(rejected("forbidden", message.clone()))
            }
            (None, _, write) => write,
        }
    };
    let judged: Vec<Result<Write<'_>, wire::Outcome>> =
        request.mutations.iter().zip(blobs.iter().copied()).map(judge).collect();
    if let Some(sentence) = &unsealed {
        space.note_unsealed(storage, &told(sentence, &judged, &request.mutations))?;
    }
    let witness = space.witness();
    let exchange = Exchange {
        cursor,
        writes: judged.iter().filter_map(|judged| judged.as_ref().ok().copied()).collect(),
        page: PageLimit { changes: request.limit.min(MAX_PAGE), bytes: MAX_BODY_BYTES - HEAD_BYTES },
        witness: witness.as_ref(),
        origin: Origin::Device,
    };
    match storage.exchange(space.key, &exchange, Timestamp::now())? {
        Exchanged::Reply(reply) => {
            if reply.written.is_some() {
                waits.wake(space.key);
            }
            let rejections = judged.into_iter().map(Result::err);
            write_reply(&reply, rejections, zstd)
        }
        Exchanged::Expired => Err(ApiError::new(
            StatusCode::GONE,
            "expired",
            "what was deleted since this cursor is no longer known: list everything anew",
        )),
        Exchanged::NewEpoch => Err(new_epoch()),
        Exchanged::TooLarge => Err(ApiError::too_large(
            "the versions that stand in the way do not fit one reply: send fewer records",
            MAX_BODY_BYTES,
        )),
        Exchanged::Plain => Err(space.plain()),
    }
}

fn new_epoch() -> ApiError {
    let message =
        "this server never made the commit that the cursor names: it was put back to an older state";
    ApiError::new(StatusCode::CONFLICT, "new-epoch", message)
}

/// An error with its causes.
pub(super) fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", describe(source)),
        None => error.to_string(),
    }
}

/// The records that were rejected with this sentence.
fn told<'a>(
    sentence: &str,
    judged: &[Result<Write<'_>, wire::Outcome>],
    mutations: &'a [wire::Mutation],
) -> Vec<&'a str> {
    let rejected_so = |judged: &Result<Write<'_>, wire::Outcome>| match judged {
        Err(wire::Outcome::Rejected { message, .. }) => message == sentence,
        _ => false,
    };
    let records = judged.iter().zip(mutations).filter(|(judged, _)| rejected_so(judged));
    records.map(|(_, mutation)| mutation.id.as_str()).collect()
}

fn rejected(reason: &str, message: String) -> wire::Outcome {
    wire::Outcome::Rejected { reason: reason.to_owned(), message }
}

/// A mutation that can be stored, or why it cannot.
fn judge<'a>(
    mutation: &'a wire::Mutation,
    envelope: &'a [u8],
    author: Option<&str>,
) -> Result<Write<'a>, wire::Outcome> {
    let id = RecordId::new(&mutation.id)
        .ok_or_else(|| rejected("invalid", "an id has eight characters of 0-9A-Za-z".to_owned()))?;
    if envelope.len() as u64 > MAX_RECORD_BYTES {
        return Err(rejected("too-large", format!("a record may have {MAX_RECORD_BYTES} bytes")));
    }
    let parsed = Envelope::parse(envelope).map_err(|error| rejected("invalid", describe(&error)))?;
    if parsed.head.ancestry.is_empty() {
        return Err(rejected("invalid", "the envelope names no writer".to_owned()));
    }
    let kind = kind(id, parsed.payload).map_err(|error| rejected("invalid", describe(&error)))?;
    if let Some(caller) = author
        && parsed.head.author.as_deref() != Some(caller)
        && !(kind == Kind::Tombstone && id.is_keys())
    {
        let said = parsed.head.author.as_deref().unwrap_or("nobody");
        let said: String = said.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(rejected(
            "forbidden",
            format!("the record says that {said} wrote it, and {caller} sent it"),
        ));
    }
    if envelope.len() - parsed.payload.map_or(0, <[u8]>::len) > MAX_HEAD_BYTES {
        return Err(rejected("too-large", format!("an envelope's head may have {MAX_HEAD_BYTES} bytes")));
    }
    Ok(Write {
        id,
        // A revision of another server is no revision of this one: it matches nothing.
        guard: mutation.guard.as_deref().map(|guard| commit_number(guard).unwrap_or(0)),
        kind,
        envelope,
        keep_replaced: false,
    })
}

/// What a version is. A record is sealed if it says so: whether it is genuine, its devices alone can tell.
pub(super) fn kind(id: RecordId<'_>, payload: Option<&[u8]>) -> Result<Kind, KeysError> {
    Ok(match payload {
        None => Kind::Tombstone,
        Some(document) if id.is_keys() => Kind::Keys(keys::read(document)?),
        Some(payload) if is_sealed(payload) => Kind::Sealed,
        Some(_) => Kind::Project,
    })
}

/// Whether a tenant that requires encryption has none of it: a project as it is, or a key document that lets such in again.
fn is_plain(kind: Kind) -> bool {
    match kind {
        Kind::Project => true,
        Kind::Keys(sealing) => !sealing.seals,
        Kind::Tombstone | Kind::Sealed => false,
    }
}

fn write_reply(
    reply: &Reply,
    rejections: impl Iterator<Item = Option<wire::Outcome>>,
    zstd: bool,
) -> Result<Packed, ApiError> {
    let mut stored = reply.outcomes.iter();
    let outcomes =
        rejections.filter_map(|rejection| rejection.or_else(|| stored.next().map(write_outcome))).collect();
    let changes = reply.page.iter().map(|entry| wire::Change {
        id: entry.id.clone(),
        revision: entry.stored.revision.to_string(),
        len: entry.stored.envelope.len() as u64,
    });
    let head = wire::SyncReply {
        outcomes,
        changes: changes.collect(),
        cursor: write_cursor(&reply.cursor),
        more: reply.more,
        written: reply
            .written
            .map(|(after, until)| wire::Span { after: after.to_string(), until: until.to_string() }),
    };
    let conflicts = reply.outcomes.iter().filter_map(|outcome| match outcome {
        WriteOutcome::Conflict(Some(stored)) => Some(stored.envelope.as_slice()),
        _ => None,
    });
    let page = reply.page.iter().map(|entry| entry.stored.envelope.as_slice());
    let body = wire::join(&head, conflicts.chain(page)).map_err(|e| ApiError::internal(&e))?;
    Ok(Packed::new(body, SYNC_MEDIA_TYPE, zstd))
}

fn write_outcome(outcome: &WriteOutcome) -> wire::Outcome {
    match outcome {
        WriteOutcome::Accepted(revision) => wire::Outcome::Accepted { revision: revision.to_string() },
        WriteOutcome::Conflict(None) => wire::Outcome::Conflict { revision: None, len: 0 },
        WriteOutcome::Conflict(Some(stored)) => wire::Outcome::Conflict {
            revision: Some(stored.revision.to_string()),
            len: stored.envelope.len() as u64,
        },
    }
}

/// A position as devices keep it: `since`, or `since.listing` while a full listing is under way. Two positions are the same
/// place if and only if they are the same text.
fn write_cursor(cursor: &Cursor) -> wire::Cursor {
    wire::Cursor {
        position: cursor.position.map(|position| match position.listing {
            0 => position.since.to_string(),
            listing => format!("{}.{listing}", position.since),
        }),
        head: cursor.head.clone().map(|head| wire::Head { number: head.number, tag: head.tag }),
    }
}

/// None: this server did not write it.
pub(super) fn read_position(text: &str) -> Option<Position> {
    let (since, listing) = text.split_once('.').unwrap_or((text, "0"));
    Some(Position { since: commit_number(since)?, listing: commit_number(listing)? })
}

/// The same.
fn read_cursor(cursor: wire::Cursor) -> Option<Cursor> {
    let position = match cursor.position {
        None => None,
        Some(text) => Some(read_position(&text)?),
    };
    Some(Cursor { position, head: cursor.head.map(|head| Head { number: head.number, tag: head.tag }) })
}
