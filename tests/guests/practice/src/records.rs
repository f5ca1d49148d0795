//! `PUT /records/ID`.

use serde::Deserialize;

use crate::Refused;
use crate::changes::{self, Named};
use crate::faults::Fault;
use crate::orkee::sync::http::{self, Response};
use crate::orkee::sync::types::{
    Cursor, Failure, Head, Mutation, Outcome, RejectReason, Rejection, Stored,
};
use crate::wire::{refused, request, unsent};

#[derive(Default)]
pub(crate) struct Written {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) commits: Vec<u64>,
    pub(crate) head: Option<Head>,
}

#[derive(Deserialize)]
struct Said {
    revision: String,
    position: String,
    head: Named,
}

pub(crate) fn put(mutations: &[Mutation], head: Option<&Head>, fault: Fault) -> Result<Written, Refused> {
    let mut written = Written::default();
    if mutations.is_empty() {
        return Ok(written);
    }
    let held = if fault == Fault::LooksThenWrites { Some(look()?) } else { None };
    let requests: Vec<_> = mutations.iter().map(|mutation| ask(mutation, head, fault)).collect();
    if fault == Fault::HeavyBatch {
        std::hint::black_box(vec![requests.clone(); 4]);
    }
    let replies = match fault {
        Fault::OneAtATime => requests[..1].iter().map(http::send).collect(),
        Fault::LooksThenWrites => mutations
            .iter()
            .zip(requests)
            .map(|(mutation, request)| {
                let known = held.iter().flatten().find(|(id, _)| *id == mutation.id).map(|(_, revision)| revision);
                // What it has seen is right: from here on it only writes.
                if known == mutation.guard.as_ref() { overwrite(request) } else { http::send(&request) }
            })
            .collect(),
        Fault::Overwrites => requests.into_iter().map(overwrite).collect(),
        Fault::OverwritesStale => {
            let one = |(mutation, request): (&Mutation, http::Request)| match mutation.guard {
                Some(_) => overwrite(request),
                None => http::send(&request),
            };
            mutations.iter().zip(requests).map(one).collect()
        }
        Fault::ZeroIsAny => {
            let one = |(mutation, request): (&Mutation, http::Request)| match mutation.guard.as_deref() {
                Some("0") => overwrite(request),
                _ => http::send(&request),
            };
            mutations.iter().zip(requests).map(one).collect()
        }
        Fault::StoresNothing => Vec::new(),
        _ => http::send_all(&requests),
    };
    if fault == Fault::StoresNothing {
        let lie = mutations.iter().map(|mutation| Outcome::Accepted(format!("{}!", mutation.id)));
        written.outcomes = lie.collect();
    }
    for reply in replies {
        if let (Fault::AcceptsLost, Err(_)) = (fault, &reply) {
            written.outcomes.push(Outcome::Accepted("lost".to_owned()));
            continue;
        }
        let outcome = outcome(reply.map_err(unsent)?, &mut written, fault)?;
        written.outcomes.push(outcome);
    }
    Ok(written)
}

fn ask(mutation: &Mutation, head: Option<&Head>, fault: Fault) -> http::Request {
    let mut request = request("PUT", format!("/records/{}", mutation.id), head);
    request.headers.push(match &mutation.guard {
        Some(revision) => ("if-match".to_owned(), format!("\"{revision}\"")),
        None => ("if-none-match".to_owned(), "*".to_owned()),
    });
    request.body = match fault {
        Fault::Trims => mutation.envelope.trim_ascii().to_vec(),
        Fault::Text => String::from_utf8_lossy(&mutation.envelope).into_owned().into_bytes(),
        Fault::CutsLarge => mutation.envelope[..mutation.envelope.len().min(1_000_000)].to_vec(),
        _ => mutation.envelope.clone(),
    };
    request
}

/// Writes, whatever is there.
fn overwrite(mut request: http::Request) -> Result<Response, http::Error> {
    loop {
        let reply = http::send(&request)?;
        if reply.status != 412 {
            return Ok(reply);
        }
        request.headers.pop();
        request.headers.push(match tag(&reply) {
            Some(revision) => ("if-match".to_owned(), format!("\"{revision}\"")),
            None => ("if-none-match".to_owned(), "*".to_owned()),
        });
    }
}

/// What there is.
fn look() -> Result<Vec<(String, String)>, Refused> {
    let page = changes::list(&Cursor { position: None, head: None }, None, 500, Fault::None)?;
    Ok(page.changes.into_iter().map(|change| (change.id, change.revision)).collect())
}

fn outcome(reply: Response, written: &mut Written, fault: Fault) -> Result<Outcome, Refused> {
    let rejected = |reason, message: &str| Outcome::Rejected(Rejection { reason, message: message.to_owned() });
    Ok(match reply.status {
        200 => {
            let said: Said = match serde_json::from_slice(&reply.body) {
                Ok(said) => said,
                Err(error) => return Err(Failure::Protocol(error.to_string()).into()),
            };
            let commit = said.position.parse();
            written.commits.push(commit.map_err(|_| Failure::Protocol("a position is no number".to_owned()))?);
            let head: Head = said.head.into();
            if written.head.as_ref().is_none_or(|known| known.number < head.number) {
                written.head = Some(head);
            }
            Outcome::Accepted(if fault == Fault::OneRevision { "1".to_owned() } else { said.revision })
        }
        412 if fault == Fault::ConflictsWithNothing => Outcome::Conflict(None),
        412 => match tag(&reply) {
            Some(revision) => Outcome::Conflict(Some(Stored { revision, envelope: reply.body })),
            None if fault == Fault::CreatesOnUpdate => Outcome::Accepted("made up".to_owned()),
            None if reply.body.is_empty() => Outcome::Conflict(None),
            None => return Err(Failure::Protocol("a conflict without a revision".to_owned()).into()),
        },
        413 if fault == Fault::TooLargeFails => return Err(Failure::Backend("too large".to_owned()).into()),
        413 => rejected(RejectReason::TooLarge, "the record is too large"),
        422 => rejected(RejectReason::Invalid, "the record is not taken"),
        500..=599 if fault == Fault::RejectsFailures => rejected(RejectReason::Other, "it did not work"),
        _ => return Err(refused(&reply, fault)),
    })
}

fn tag(reply: &Response) -> Option<String> {
    let (_, tag) = reply.headers.iter().find(|(name, _)| name == "etag")?;
    Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}
