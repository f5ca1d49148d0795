//! `GET /v1/changes/wait`: answers as soon as a space has something after a position, or when the time is over.
//!
//! While it waits it holds a connection of the client's and nothing of the database. Nothing is changed by it, and what it answers is a
//! hint: `POST /v1/sync` alone tells what is new.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::sync::read_position;
use crate::http::space::Space;
use crate::http::waits::{Full, LOOK, OF_A_DEVICE, OF_AN_ACCOUNT, Wait};
use crate::http::{ApiError, App};
use crate::storage::{Cursor, Head, Storage, commit_number};

/// The longest wait, in seconds, and the usual one.
const MOST: u64 = 300;
const USUAL: u64 = 60;
/// Whoever may not wait asks again after so many seconds.
const LATER: u64 = 60;
/// As long as a tag can be that this server made, and more.
const MAX_TAG: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    position: String,
    head: Option<String>,
    tag: Option<String>,
    wait: Option<String>,
}

pub(super) async fn wait(
    State(app): State<Arc<App>>,
    space: Space,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(asked) = asked.map_err(|e| ApiError::invalid(e.body_text()))?;
    let (cursor, seconds) = asked.read()?;
    let grant = (space.caller.account.key, space.caller.grant.clone());
    let wait = app.waits.enter(space.key, grant).map_err(refused)?;
    let changed = until_changed(&app, space, &cursor, &wait, Duration::from_secs(seconds)).await?;
    Ok(Json(json!({ "changed": changed })))
}

impl Asked {
    /// Where the device stands, and how many seconds it waits.
    fn read(self) -> Result<(Cursor, u64), ApiError> {
        let position = read_position(&self.position)
            .ok_or_else(|| ApiError::invalid("position is the `position` of a cursor of this server's"))?;
        let head = match (self.head.as_deref(), self.tag) {
            (None, None) => None,
            (Some(number), Some(tag)) if tag.len() <= MAX_TAG => {
                let number = commit_number(number).ok_or_else(|| ApiError::invalid(HEAD))?;
                Some(Head { number, tag })
            }
            _ => return Err(ApiError::invalid(HEAD)),
        };
        let seconds = match self.wait.as_deref().map(str::parse::<u64>) {
            None => USUAL,
            Some(Ok(seconds)) if seconds <= MOST => seconds,
            Some(_) => {
                return Err(ApiError::invalid(format!("wait is a number of seconds from 0 to {MOST}")));
            }
        };
        Ok((Cursor { position: Some(position), head }, seconds))
    }
}

const HEAD: &str = "head and tag are those of a cursor of this server's, both or neither";

fn refused(full: Full) -> ApiError {
    match full {
        Full::Device => {
            let message = format!("a device may wait with {OF_A_DEVICE} requests at the same time");
            ApiError::rate_limited(message, OF_A_DEVICE as u64, LATER)
        }
        Full::Account => {
            let message = format!("an account may wait with {OF_AN_ACCOUNT} requests at the same time");
            ApiError::rate_limited(message, OF_AN_ACCOUNT as u64, LATER)
        }
        Full::Server => {
            let message = "the server lets no more requests wait: ask for changes now and then instead";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
                .with_header(header::RETRY_AFTER, HeaderValue::from(LATER))
        }
    }
}

/// Looks at the space, again after each commit, and now and then whether its caller may still know of it.
async fn until_changed(
    app: &App,
    space: Space,
    cursor: &Cursor,
    wait: &Wait,
    time: Duration,
) -> Result<bool, ApiError> {
    let end = Instant::now() + time;
    loop {
        // From before the look on: a commit in between is not missed.
        let commit = wait.commit();
        let (as_it_was, cursor) = (space.clone(), cursor.clone());
        let look = move |storage: &dyn Storage| {
            let space = as_it_was.renewed(storage)?;
            Ok::<_, ApiError>(storage.has_changed(space.key, &cursor)?)
        };
        if app.storage(look).await? {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        tokio::select! {
            () = commit => {}
            () = wait.stop() => return Ok(false),
            () = wait.given_away() => return Err(refused(Full::Server)),
            () = tokio::time::sleep_until(end.min(Instant::now() + LOOK)) => {}
        }
    }
}
