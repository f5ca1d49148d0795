//! `GET /v1/projects`: a space's projects, a page at a time, in the order in which they came to exist.
//! `GET /v1/projects/{id}/versions`: those that the API itself replaced.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use orkee_core::clock::rfc3339;
use orkee_wire::sealed::is_sealed;
use orkee_wire::{Envelope, MAX_BODY_BYTES, MAX_PAGE};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::http::body::{Packed, accepts_zstd};
use crate::http::space::Space;
use crate::http::{ApiError, App};
use crate::storage::{PageLimit, RecordId, Replaced, Stored, commit_number};

const DEFAULT_LIMIT: u32 = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    limit: Option<u32>,
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct Page {
    projects: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// What is said of a project that the server cannot read: that it is sealed, or else that it is no JSON.
#[derive(Debug, Serialize)]
struct Sealed<'a> {
    id: &'a str,
    sealed: bool,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    space: Space,
    paging: Result<Query<Paging>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Packed, ApiError> {
    let Query(paging) = paging.map_err(|e| ApiError::invalid(e.body_text()))?;
    let limit = paging.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MAX_PAGE {
        return Err(ApiError::invalid(format!("limit is a number from 1 to {MAX_PAGE}")));
    }
    let mark = match paging.after.as_deref() {
        None | Some("") => 0,
        Some(after) => {
            commit_number(after).ok_or_else(|| ApiError::invalid("after is the `next` of a page before"))?
        }
    };
    let zstd = accepts_zstd(&headers);
    let space = space.key;
    app.storage(move |storage| {
        let page = storage.live_records(space, mark, PageLimit { changes: limit, bytes: MAX_BODY_BYTES })?;
        let projects =
            page.entries.iter().map(|entry| readable(&entry.id, &entry.stored)).collect::<Result<_, _>>()?;
        let next = page.next.map(|mark| mark.to_string());
        Packed::json(&Page { projects, next }, zstd)
    })
    .await
}

/// A version that the API replaced, newest first.
#[derive(Debug, Serialize)]
struct Version {
    revision: String,
    replaced_at: String,
    at: String,
    device: String,
    project: Box<RawValue>,
}

pub(super) async fn versions(
    State(app): State<Arc<App>>,
    space: Space,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Packed, ApiError> {
    let zstd = accepts_zstd(&headers);
    let space = space.key;
    app.storage(move |storage| {
        let known = RecordId::new(&id).ok_or_else(|| ApiError::not_found("there is no such project"))?;
        let version = |replaced: &Replaced| {
            let head = Envelope::parse(&replaced.stored.envelope).ok().map(|envelope| envelope.head);
            let (at, device) = head.map(|head| (head.at, head.device)).unwrap_or_default();
            let project = readable(&id, &replaced.stored)?;
            let revision = replaced.stored.revision.to_string();
            Ok::<_, ApiError>(Version { revision, replaced_at: rfc3339(replaced.at), at, device, project })
        };
        let versions = storage.replaced(space, known)?.iter().map(version).collect::<Result<Vec<_>, _>>()?;
        Packed::json(&json!({ "versions": versions }), zstd)
    })
    .await
}

/// The project in a version, as its author wrote it.
fn readable(id: &str, stored: &Stored) -> Result<Box<RawValue>, ApiError> {
    let payload = Envelope::parse(&stored.envelope).ok().and_then(|envelope| envelope.payload);
    match payload.map(serde_json::from_slice::<Box<RawValue>>) {
        Some(Ok(project)) => Ok(project),
        _ => {
            let sealed = payload.is_some_and(is_sealed);
            to_raw_value(&Sealed { id, sealed }).map_err(|e| ApiError::internal(&e))
        }
    }
}
