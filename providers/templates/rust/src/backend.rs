//! One exchange, as requests to the practice backend and back. To be replaced by what your backend speaks.
//!
//! It lists first, for only the listing can say that this device was away for too long (`expired`), and after that nothing
//! may have been written. Then it sends a PUT for each record; the guard in its header makes check and write one step.

use orkee_provider_sdk::{
    Answer, Changes, Cursor, Exchange, Failure, Head, Mutation, Outcome, OwnCommits, Page, RejectReason,
    Rejection, Request, Response, Stored, base64_decoded, send_all,
};
use serde::Deserialize;

/// The changes since the cursor, and what became of each mutation.
pub fn exchange(exchange: &Exchange) -> Result<Answer, Failure> {
    let reply = listing(exchange).send()?;
    match reply.status {
        410 if says(&reply, "expired") => return Ok(Answer::Expired),
        409 if says(&reply, "new-epoch") => return Ok(Answer::NewEpoch),
        _ => {}
    }
    let listed: Listed = reply.expect(&[200])?.json()?;

    let puts = send_all(exchange.mutations.iter().map(|mutation| put(mutation, &exchange.cursor)));
    let mut results = Vec::new();
    for reply in puts {
        let reply = reply?;
        if reply.status == 409 && says(&reply, "new-epoch") {
            return Ok(Answer::NewEpoch);
        }
        results.push(result(reply)?);
    }
    page(exchange, listed, results).map(Answer::Page)
}

fn listing(exchange: &Exchange) -> Request {
    // A push alone (limit 0) wants no page, but has to hear of `expired` all the same.
    let mut request = ask("GET", "/changes".to_owned(), &exchange.cursor);
    if let Some(position) = &exchange.cursor.position {
        request = request.query("after", position);
    }
    request.query("limit", &exchange.limit.to_string())
}

fn put(mutation: &Mutation, cursor: &Cursor) -> Request {
    let request = ask("PUT", format!("/records/{}", mutation.id), cursor)
        .header("content-type", "application/octet-stream")
        .body(mutation.envelope.clone());
    match &mutation.guard {
        Some(revision) => request.header("if-match", format!("\"{revision}\"")),
        None => request.header("if-none-match", "*"),
    }
}

/// Every request names the newest commit that this device knows, so that a backend out of a backup notices.
fn ask(method: &str, url: String, cursor: &Cursor) -> Request {
    let head = cursor.head.as_ref().map(|head| format!("{}.{}", head.number, head.tag));
    Request::new(method, url).login().header_if("x-practice-head", head)
}

/// Whether there is something after the cursor, as soon as there is; `false` when the time is over.
pub fn wait(cursor: &Cursor, wait_ms: u32) -> Result<bool, Failure> {
    // Before the first listing there is all to ask for.
    let Some(position) = &cursor.position else { return Ok(true) };
    let request = ask("GET", "/changes/wait".to_owned(), cursor);
    let reply = request.query("after", position).query("wait", &(wait_ms / 1000).to_string()).send()?;
    match reply.status {
        // The next exchange says what it is.
        410 if says(&reply, "expired") => Ok(true),
        409 if says(&reply, "new-epoch") => Ok(true),
        _ => Ok(reply.expect(&[200])?.json::<Waited>()?.changed),
    }
}

/// What became of one PUT: its outcome, and its commit if there was one.
fn result(reply: Response) -> Result<(Outcome, Option<Commit>), Failure> {
    match reply.status {
        200 => {
            let Put { revision, position, head } = reply.json()?;
            let number = position.parse().map_err(|_| protocol("a commit has no number"))?;
            Ok((Outcome::Accepted(revision), Some(Commit { number, head: head.into() })))
        }
        412 => Ok((Outcome::Conflict(held(reply)?), None)),
        // These are for one record, if the backend itself says so: a proxy has the same numbers.
        413 if says(&reply, "too-large") => {
            Ok((rejected(RejectReason::TooLarge, "the server takes no record of this size"), None))
        }
        422 if says(&reply, "invalid") => {
            Ok((rejected(RejectReason::Invalid, "the server does not take this record"), None))
        }
        413 => Err(protocol("the way to the server takes no record of this size")),
        _ => Err(reply.failure()),
    }
}

/// The version that the backend holds; none: it has no such record.
fn held(reply: Response) -> Result<Option<Stored>, Failure> {
    let Some(etag) = reply.header("etag") else {
        let is_empty = reply.body.is_empty();
        return if is_empty { Ok(None) } else { Err(protocol("a conflict came without its revision")) };
    };
    let revision = etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"'));
    let revision = revision.ok_or_else(|| protocol("a conflict came without its revision"))?.to_owned();
    Ok(Some(Stored { revision, envelope: reply.body }))
}

fn page(
    exchange: &Exchange,
    listed: Listed,
    results: Vec<(Outcome, Option<Commit>)>,
) -> Result<Page, Failure> {
    let (outcomes, commits): (Vec<_>, Vec<_>) = results.into_iter().unzip();
    let mut changes = Changes::of(exchange, &outcomes);
    for Change { id, revision, envelope } in listed.changes {
        let written =
            |(mutation, commit): (&Mutation, &Option<Commit>)| commit.is_some() && mutation.id == id;
        // What was just written is newer than what the listing has of it.
        if !exchange.mutations.iter().zip(&commits).any(written) {
            let envelope = base64_decoded(&envelope).ok_or_else(|| protocol("an envelope is no base64"))?;
            changes.add(id, revision, envelope);
        }
    }
    let mut commits: Vec<Commit> = commits.into_iter().flatten().collect();
    commits.sort_by_key(|commit| commit.number);
    let head = commits.last().map_or_else(|| listed.head.into(), |newest| newest.head.clone());
    let mut page = match exchange.is_push_alone() {
        true => Changes::push_alone(exchange, outcomes, Some(head)),
        false => changes.page(outcomes, Some(listed.position), Some(head), listed.more),
    };
    // A position is the number of a commit. As far as ours have no gap, nobody else's are among them.
    if let Some(first) = commits.first() {
        let mut own = OwnCommits::after(first.number.saturating_sub(1));
        commits.iter().for_each(|commit| own.add(commit.number));
        page.written = own.span();
    }
    Ok(page)
}

/// Whether it is the backend that gives this reason.
fn says(reply: &Response, reason: &str) -> bool {
    reply.json::<Said>().is_ok_and(|said| said.error == reason)
}

fn rejected(reason: RejectReason, message: &str) -> Outcome {
    Outcome::Rejected(Rejection { reason, message: message.to_owned() })
}

fn protocol(why: &str) -> Failure {
    Failure::Protocol(why.to_owned())
}

/// A write of ours, in the backend's order.
struct Commit {
    number: u64,
    head: Head,
}

#[derive(Deserialize)]
struct Listed {
    changes: Vec<Change>,
    position: String,
    more: bool,
    head: Newest,
}

#[derive(Deserialize)]
struct Change {
    id: String,
    revision: String,
    envelope: String,
}

#[derive(Deserialize)]
struct Put {
    revision: String,
    position: String,
    head: Newest,
}

#[derive(Deserialize)]
struct Waited {
    changed: bool,
}

/// The backend's newest commit.
#[derive(Deserialize)]
struct Newest {
    number: u64,
    tag: String,
}

impl From<Newest> for Head {
    fn from(newest: Newest) -> Self {
        Self { number: newest.number, tag: newest.tag }
    }
}

#[derive(Deserialize)]
struct Said {
    error: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use orkee_provider_sdk::rehearsal::{Rehearsal, Sent};

    fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Response { status, headers, body: body.to_vec() }
    }

    fn mutation(id: &str, guard: Option<&str>) -> Mutation {
        let (id, guard) = (id.to_owned(), guard.map(str::to_owned));
        Mutation { id, guard, envelope: vec![0, 255], tombstone: false }
    }

    /// What `exchange` answers if each PUT is answered so.
    fn answered(
        mutations: Vec<Mutation>,
        put: impl Fn(&Sent) -> Response + 'static,
    ) -> Result<Answer, Failure> {
        let listed = br#"{"changes":[{"id":"aaaaaaaa","revision":"1.x","envelope":"AP8="}],
            "position":"1","more":false,"head":{"number":1,"tag":"x"}}"#;
        let head = Head { number: 1, tag: "x".to_owned() };
        let cursor = Cursor { position: Some("0".to_owned()), head: Some(head) };
        let rehearsal = Rehearsal::new().backend(move |sent| match sent.method.as_str() {
            "GET" => {
                assert_eq!(sent.url, "/changes?after=0&limit=10");
                Ok(reply(200, &[], listed))
            }
            _ => Ok(put(sent)),
        });
        rehearsal.run(|| exchange(&Exchange { cursor, mutations, limit: 10 }))
    }

    #[test]
    fn what_was_written_is_accepted_told_and_not_listed() {
        let taken = br#"{"revision":"2.y","position":"2","head":{"number":2,"tag":"y"}}"#;
        let answer = answered(vec![mutation("aaaaaaaa", Some("1.x"))], |sent| {
            assert!(sent.headers.contains(&("if-match".to_owned(), "\"1.x\"".to_owned())));
            assert!(sent.headers.contains(&("x-practice-head".to_owned(), "1.x".to_owned())));
            assert_eq!(sent.body, [0, 255]);
            reply(200, &[], taken)
        });
        let Ok(Answer::Page(page)) = answer else { panic!("{answer:?}") };
        assert!(matches!(&page.outcomes[..], [Outcome::Accepted(revision)] if revision == "2.y"));
        assert!(page.changes.is_empty());
        let span = page.written.unwrap();
        assert_eq!((span.after.as_str(), span.until.as_str()), ("1", "2"));
        assert_eq!(page.cursor.head.unwrap().number, 2);
    }

    #[test]
    fn a_conflict_brings_the_version_that_is_held() {
        let answer = answered(vec![mutation("aaaaaaaa", None)], |sent| {
            assert!(sent.headers.contains(&("if-none-match".to_owned(), "*".to_owned())));
            reply(412, &[("etag", "\"1.x\"")], b"theirs")
        });
        let Ok(Answer::Page(page)) = answer else { panic!("{answer:?}") };
        let [Outcome::Conflict(Some(stored))] = &page.outcomes[..] else { panic!("{:?}", page.outcomes) };
        assert_eq!((stored.revision.as_str(), stored.envelope.as_slice()), ("1.x", &b"theirs"[..]));
        assert_eq!(page.changes.len(), 1);
    }

    #[test]
    fn whoever_waits_is_told_by_the_backend_whether_there_is_something() {
        let waited = |status, body: &'static [u8]| {
            let rehearsal = Rehearsal::new().backend(move |sent| {
                assert_eq!(sent.url, "/changes/wait?after=7&wait=50");
                Ok(reply(status, &[], body))
            });
            let cursor = Cursor { position: Some("7".to_owned()), head: None };
            rehearsal.run(|| wait(&cursor, 50_000))
        };
        assert!(matches!(waited(200, br#"{"changed":false}"#), Ok(false)));
        assert!(matches!(waited(200, br#"{"changed":true}"#), Ok(true)));
        assert!(matches!(waited(410, br#"{"error":"expired"}"#), Ok(true)));
        assert!(matches!(waited(410, b"<html>"), Err(Failure::Protocol(_))));
    }

    #[test]
    fn a_reason_counts_in_the_backends_own_words_alone() {
        let rejected =
            answered(vec![mutation("bbbbbbbb", None)], |_| reply(413, &[], br#"{"error":"too-large"}"#));
        assert!(
            matches!(rejected, Ok(Answer::Page(page)) if matches!(page.outcomes[0], Outcome::Rejected(_)))
        );
        let proxy = answered(vec![mutation("bbbbbbbb", None)], |_| reply(413, &[], b"<html>"));
        assert!(matches!(proxy, Err(Failure::Protocol(_))));
        let epoch =
            answered(vec![mutation("bbbbbbbb", None)], |_| reply(409, &[], br#"{"error":"new-epoch"}"#));
        assert!(matches!(epoch, Ok(Answer::NewEpoch)));
    }
}
