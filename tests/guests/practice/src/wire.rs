//! Requests to the practice backend, and what its refusals mean.

use serde::Deserialize;

use crate::Refused;
use crate::faults::Fault;
use crate::orkee::sync::types::{Failure, Head};
use crate::orkee::sync::{http, state};

pub(crate) fn request(method: &str, url: String, head: Option<&Head>) -> http::Request {
    let known = head.map(|head| ("x-practice-head".to_owned(), format!("{}.{}", head.number, head.tag)));
    http::Request {
        method: method.to_owned(),
        url,
        headers: known.into_iter().collect(),
        body: Vec::new(),
        credential: Some("login".to_owned()),
        compress: false,
        timeout_ms: None,
    }
}

pub(crate) fn get(url: &str, head: Option<&Head>) -> Result<http::Response, Failure> {
    http::send(&request("GET", url.to_owned(), head)).map_err(unsent)
}

pub(crate) fn unsent(error: http::Error) -> Failure {
    if Fault::set() == Fault::Sulks {
        let _ = state::set("sulks", b"yes");
    }
    match error {
        http::Error::AuthRequired(why) => Failure::AuthRequired(why),
        error => Failure::Http(format!("{error:?}")),
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// What a reply other than the expected one means for the request as a whole.
pub(crate) fn refused(reply: &http::Response, fault: Fault) -> Refused {
    let said = serde_json::from_slice::<Refusal>(&reply.body).map(|refusal| refusal.error).unwrap_or_default();
    if fault == Fault::StatusAlone {
        match reply.status {
            409 => return Refused::NewEpoch,
            410 => return Refused::Expired,
            _ => {}
        }
    }
    let words = || format!("the backend answered with status {}", reply.status);
    Refused::Failed(match (reply.status, said.as_str()) {
        (409, "new-epoch") => return Refused::NewEpoch,
        (410, "expired") => return Refused::Expired,
        (401, _) if fault == Fault::AuthIsBackend => Failure::Backend(words()),
        (403, _) if fault == Fault::ForbiddenIsBackend => Failure::Backend(words()),
        (401, _) => Failure::AuthRequired(words()),
        (403, _) => Failure::Forbidden(words()),
        (429, _) if fault == Fault::NoWait => Failure::Busy(None),
        (429, _) => Failure::Busy(wait(reply)),
        (500..=599, _) => Failure::Backend(words()),
        _ => Failure::Protocol(words()),
    })
}

fn wait(reply: &http::Response) -> Option<u64> {
    let (_, seconds) = reply.headers.iter().find(|(name, _)| name == "retry-after")?;
    seconds.parse::<u64>().ok().map(|seconds| seconds * 1000)
}
