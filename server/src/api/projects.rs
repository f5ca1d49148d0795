//! `GET /v1/projects`: the account's projects, a page at a time, in the order in which they came to exist.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use orkee_wire::{Envelope, MAX_BODY_BYTES, MAX_PAGE};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::http::body::{Packed, accepts_zstd};
use crate::http::{ApiError, App};
use crate::storage::{Caller, Entry, PageLimit};

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

/// What is said of a project that only the account's devices can read.
#[derive(Debug, Serialize)]
struct Sealed<'a> {
    id: &'a str,
    sealed: bool,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
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
            after.parse::<u64>().map_err(|_| ApiError::invalid("after is the `next` of a page before"))?
        }
    };
    let zstd = accepts_zstd(&headers);
    let account = caller.account.key;
    app.storage(move |storage| {
        let page =
            storage.live_records(account, mark, PageLimit { changes: limit, bytes: MAX_BODY_BYTES })?;
        let projects = page.entries.iter().map(readable).collect::<Result<_, _>>()?;
        let next = page.next.map(|mark| mark.to_string());
        Packed::json(&Page { projects, next }, zstd)
    })
    .await
}

/// The project in an entry, as its author wrote it.
fn readable(entry: &Entry) -> Result<Box<RawValue>, ApiError> {
    let payload = Envelope::parse(&entry.stored.envelope).ok().and_then(|envelope| envelope.payload);
    match payload.map(serde_json::from_slice::<Box<RawValue>>) {
        Some(Ok(project)) => Ok(project),
        _ => to_raw_value(&Sealed { id: &entry.id, sealed: true }).map_err(|e| ApiError::internal(&e)),
    }
}
