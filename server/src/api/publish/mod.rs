//! The published body of `POST /v1/sync`: `{"projects": […]}`, from scripts that know nothing of revisions.
//!
//! The API is one more device: it reads what is there, writes a version on top of it under a name of its own, guarded by
//! the revision that it read, and starts over where somebody was faster. Devices that changed the same record meanwhile
//! merge it as they would any other device's.

mod author;
mod version;

use orkee_core::project::ProjectId;
use orkee_wire::{Envelope, EnvelopeHead, MAX_BODY_BYTES, MAX_MUTATIONS};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use axum::http::StatusCode;
use jiff::Timestamp;
use orkee_core::clock::rfc3339;

pub(crate) use author::Author;
use version::{Conflict, Decision, Sent, decide};

use super::sync::{describe, too_many};
use crate::http::ApiError;
use crate::http::body::Packed;
use crate::http::space::Space;
use crate::storage::{
    Cursor, Exchange, Exchanged, Kind, Origin, PageLimit, RecordId, Storage, Stored, Write, WriteOutcome,
};

/// How often a record is tried again that a device writes at the same moment.
const ROUNDS: usize = 8;
/// Who wrote a version, for people.
const DEVICE: &str = "Orkee Cloud API";

#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    projects: Vec<&'a RawValue>,
}

/// What became of the projects.
#[derive(Debug, Default, Serialize)]
struct Published {
    created: Vec<ProjectId>,
    updated: Vec<ProjectId>,
    unchanged: Vec<ProjectId>,
    conflicts: Vec<Conflict>,
    rejected: Vec<Rejected>,
}

#[derive(Debug, Serialize)]
struct Rejected {
    id: Option<String>,
    reason: String,
}

/// A version that is to be written.
struct Draft {
    sent: Sent,
    decision: Decision,
    guard: Option<u64>,
    envelope: Vec<u8>,
}

/// Writes the projects of `body`.
pub(super) fn publish(
    storage: &dyn Storage,
    space: &Space,
    author: &Author,
    body: &[u8],
    zstd: bool,
) -> Result<Packed, ApiError> {
    let body: Body<'_> = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("the body is {{\"projects\": […]}} in JSON: {error}")))?;
    if body.projects.len() > MAX_MUTATIONS as usize {
        return Err(too_many());
    }
    if let Some(message) = space.refusal() {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message));
    }
    if let Some(message) = space.unsealed() {
        space.note_unsealed(storage, &["a published body"])?;
        return Err(ApiError::new(StatusCode::FORBIDDEN, "sealed", message));
    }
    if storage.seals(space.key)? || storage.holds_sealed(space.key)? {
        let message = "the projects of this space are sealed: only its devices can write them";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "sealed", message));
    }
    let mut published = Published::default();
    let mut waiting = read(&body, &mut published);
    for _ in 0..ROUNDS {
        waiting = round(storage, space, author, waiting, &mut published)?;
        if waiting.is_empty() {
            return Packed::json(&published, zstd);
        }
    }
    published.rejected.extend(waiting.into_iter().map(|sent| Rejected {
        id: Some(sent.payload.id().to_string()),
        reason: "devices are writing this project right now; send it again".to_owned(),
    }));
    Packed::json(&published, zstd)
}

/// The projects that can be written; the others are rejected.
fn read(body: &Body<'_>, published: &mut Published) -> Vec<Sent> {
    let mut good: Vec<Sent> = Vec::with_capacity(body.projects.len());
    for raw in &body.projects {
        let read = Sent::parse(raw.get()).and_then(|sent| {
            let twice = good.iter().any(|other| other.payload.id() == sent.payload.id());
            if twice { Err("the id stands twice in this request".to_owned()) } else { Ok(sent) }
        });
        match read {
            Ok(sent) => good.push(sent),
            Err(reason) => published.rejected.push(Rejected { id: id_in(raw), reason }),
        }
    }
    good
}

/// The id of what may be no project.
fn id_in(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let named: Named = serde_json::from_str(raw.get()).ok()?;
    Some(named.id.chars().take(64).collect())
}

/// Reads, decides and writes once. Those that somebody else wrote in between.
fn round(
    storage: &dyn Storage,
    space: &Space,
    author: &Author,
    waiting: Vec<Sent>,
    published: &mut Published,
) -> Result<Vec<Sent>, ApiError> {
    let now = Timestamp::now();
    let mut drafts = Vec::with_capacity(waiting.len());
    for sent in waiting {
        let id = sent.payload.id();
        let there = match RecordId::new(id.as_str()) {
            Some(id) => storage.record(space.key, id)?,
            None => None,
        };
        match draft(sent, there.as_ref(), author, space.author(), now) {
            Ok(Some(draft)) => drafts.push(draft),
            Ok(None) => published.unchanged.push(id),
            Err(reason) => published.rejected.push(Rejected { id: Some(id.to_string()), reason }),
        }
    }
    write(storage, space, drafts, now, published)
}

/// The version to write on top of what is there; none where that says it all.
fn draft(
    sent: Sent,
    there: Option<&Stored>,
    author: &Author,
    by: Option<&str>,
    now: Timestamp,
) -> Result<Option<Draft>, String> {
    let before = there
        .map(|stored| Envelope::parse(&stored.envelope))
        .transpose()
        .map_err(|error| describe(&error))?;
    let Some(decision) = decide(&sent, before.as_ref(), now)? else { return Ok(None) };
    let mut ancestry = before.map(|envelope| envelope.head.ancestry).unwrap_or_default();
    author.sign(&mut ancestry, now);
    let head = EnvelopeHead {
        v: EnvelopeHead::FORMAT,
        ancestry,
        device: DEVICE.to_owned(),
        at: rfc3339(now),
        author: by.map(str::to_owned),
        deleted: false,
        seal: None,
    };
    let envelope = Envelope { head, payload: Some(decision.payload.as_bytes()) }.to_bytes();
    Ok(Some(Draft { sent, decision, guard: there.map(|stored| stored.revision), envelope }))
}

fn write(
    storage: &dyn Storage,
    space: &Space,
    drafts: Vec<Draft>,
    now: Timestamp,
    published: &mut Published,
) -> Result<Vec<Sent>, ApiError> {
    let ids: Vec<ProjectId> = drafts.iter().map(|draft| draft.sent.payload.id()).collect();
    let writes = ids.iter().zip(&drafts).filter_map(|(id, draft)| {
        Some(Write {
            id: RecordId::new(id.as_str())?,
            guard: draft.guard,
            kind: Kind::Project,
            envelope: &draft.envelope,
            keep_replaced: true,
        })
    });
    let witness = space.witness();
    let conflicts = drafts.iter().flat_map(|draft| &draft.decision.conflicts);
    let replaced: Vec<(&str, &str)> = conflicts.map(Conflict::place).collect();
    let exchange = Exchange {
        cursor: Cursor::default(),
        writes: writes.collect(),
        page: PageLimit { changes: 0, bytes: 64 * MAX_BODY_BYTES },
        witness: witness.as_ref(),
        origin: Origin::Api { replaced: &replaced },
    };
    if exchange.writes.is_empty() {
        return Ok(Vec::new());
    }
    let reply = match storage.exchange(space.key, &exchange, now)? {
        Exchanged::Reply(reply) => reply,
        // A device began to seal in between.
        Exchanged::Plain => return Err(space.plain()),
        Exchanged::Expired | Exchanged::NewEpoch | Exchanged::TooLarge => {
            let message = "the versions that stand in the way are too large: send fewer projects";
            return Err(ApiError::invalid(message));
        }
    };
    let mut overtaken = Vec::new();
    for (draft, outcome) in drafts.into_iter().zip(reply.outcomes) {
        match outcome {
            WriteOutcome::Conflict(_) => overtaken.push(draft.sent),
            WriteOutcome::Accepted(_) => {
                let list =
                    if draft.guard.is_none() { &mut published.created } else { &mut published.updated };
                list.push(draft.sent.payload.id());
                published.conflicts.extend(draft.decision.conflicts);
            }
        }
    }
    Ok(overtaken)
}
