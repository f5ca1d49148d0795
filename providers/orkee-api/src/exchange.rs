//! `POST /v1/sync`: the request's head and its envelopes, spliced as they are.

use orkee_provider_sdk::{Answer, Exchange, Failure};
use orkee_wire as wire;

use crate::Api;
use crate::answer;
use crate::api::success;

pub(crate) fn exchange(api: &Api, request: &Exchange) -> Result<Answer, Failure> {
    let envelopes = request.mutations.iter().map(|mutation| mutation.envelope.as_slice());
    let body = wire::join(&head(request), envelopes).map_err(|error| Failure::Protocol(error.to_string()))?;
    let reply = api.post("/v1/sync", wire::SYNC_MEDIA_TYPE, body)?;
    match success(reply, wire::SYNC_MEDIA_TYPE) {
        Ok(reply) => {
            answer::page(&reply.body, reply.header("x-request-id"), request.mutations.len()).map(Answer::Page)
        }
        // Only in the API's own words: the same status from a proxy on the way means nothing.
        Err(refusal) => match refusal.code() {
            (410, Some("expired")) => Ok(Answer::Expired),
            (409, Some("new-epoch")) => Ok(Answer::NewEpoch),
            _ => Err(refusal.failure()),
        },
    }
}

fn head(request: &Exchange) -> wire::SyncRequest {
    let mutations = request.mutations.iter().map(|mutation| wire::Mutation {
        id: mutation.id.clone(),
        guard: mutation.guard.clone(),
        len: mutation.envelope.len() as u64,
    });
    let head =
        request.cursor.head.as_ref().map(|head| wire::Head { number: head.number, tag: head.tag.clone() });
    wire::SyncRequest {
        cursor: wire::Cursor { position: request.cursor.position.clone(), head },
        mutations: mutations.collect(),
        limit: request.limit,
    }
}
