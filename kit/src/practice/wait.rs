//! `GET /changes/wait`: the practice backend answers once it has something after a position, or when the time is over.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use tokio::time::Instant;

use super::Shared;
use super::serve::{Refusal, Reply, error, json};
use super::store::{Listed, Position};

/// In seconds.
const MOST: u64 = 300;
const USUAL: u64 = 60;

#[derive(Serialize)]
struct Waited {
    changed: bool,
}

pub(super) async fn wait(shared: &Arc<Shared>, query: &str) -> Result<Reply, Refusal> {
    let (position, time) = read(query)?;
    let end = Instant::now() + time;
    loop {
        // From before the look on: a change in between is not missed.
        let changed = shared.changed.notified();
        let listed = shared.kept().store.list(Some(position), 1);
        match listed {
            Listed::Expired => return Err(error(StatusCode::GONE, "expired")),
            Listed::NewEpoch => return Err(error(StatusCode::CONFLICT, "new-epoch")),
            Listed::Page { changes, .. } if !changes.is_empty() => return Ok(told(true)),
            Listed::Page { .. } => {}
        }
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep_until(end) => return Ok(told(false)),
        }
    }
}

fn told(changed: bool) -> Reply {
    json(StatusCode::OK, &Waited { changed })
}

fn read(query: &str) -> Result<(Position, Duration), Refusal> {
    let (mut position, mut seconds) = (None, USUAL);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "after" => position = Position::parse(&value),
            "wait" => {
                let given = value.parse().ok().filter(|seconds| *seconds <= MOST);
                seconds = given.ok_or_else(|| error(StatusCode::BAD_REQUEST, "bad-wait"))?;
            }
            _ => return Err(error(StatusCode::BAD_REQUEST, "bad-parameter")),
        }
    }
    let position = position.ok_or_else(|| error(StatusCode::BAD_REQUEST, "bad-position"))?;
    Ok((position, Duration::from_secs(seconds)))
}
