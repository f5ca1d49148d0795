//! `GET /changes/wait`.

use serde::Deserialize;

use crate::Refused;
use crate::faults::Fault;
use crate::orkee::sync::types::{Cursor, Failure};
use crate::wire::{get, refused};

#[derive(Deserialize)]
struct Waited {
    changed: bool,
}

pub(crate) fn wait(cursor: &Cursor, wait_ms: u32, fault: Fault) -> Result<bool, Failure> {
    match fault {
        Fault::NeverWakes => return Ok(false),
        Fault::NeverRests => return Ok(true),
        _ => {}
    }
    let Some(position) = &cursor.position else { return Ok(true) };
    let reply = get(&format!("/changes/wait?after={position}&wait={}", wait_ms / 1000), cursor.head.as_ref())?;
    if reply.status != 200 {
        return match refused(&reply, fault) {
            // The next exchange says so itself.
            Refused::Expired | Refused::NewEpoch => Ok(true),
            Refused::Failed(failure) => Err(failure),
        };
    }
    let waited = serde_json::from_slice::<Waited>(&reply.body);
    Ok(waited.map_err(|error| Failure::Protocol(error.to_string()))?.changed)
}
