//! The whole provider on this machine, against a bucket in memory that speaks as a store does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use orkee_provider_sdk::rehearsal::{Error, Rehearsal, Sent};
use orkee_provider_sdk::{
    Answer, Cursor, Exchange, Failure, Mutation, Outcome, Page, Provider, Response, percent_decoded,
};

use super::S3;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Paths with ETag and body, and what was asked for.
#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, (String, Vec<u8>)>,
    writes: usize,
    sent: Vec<Sent>,
    /// Replies to several requests at once are too large together.
    crowded: usize,
}

impl Bucket {
    fn answer(&mut self, sent: &Sent) -> Result<Response, Error> {
        self.sent.push(sent.clone());
        assert_eq!(sent.credential.as_deref(), Some("login"));
        let path = sent.url.split('?').next().unwrap();
        let held = self.objects.get(path).cloned();
        let header =
            |name: &str| sent.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        match sent.method.as_str() {
            "GET" if path == "/b" => Ok(reply(200, None, self.list(&sent.url))),
            "GET" if self.crowded > 0 => {
                self.crowded -= 1;
                Err(Error::TooLarge(1))
            }
            "GET" => Ok(held.map_or_else(no_such_key, |(etag, body)| reply(200, Some(etag), body))),
            "PUT" => {
                let etag = held.map(|(etag, _)| etag);
                let holds = match (header("if-match"), header("if-none-match")) {
                    (Some(wanted), None) => etag.as_deref() == Some(wanted),
                    (None, Some("*")) => etag.is_none(),
                    other => panic!("{other:?}"),
                };
                if !holds {
                    return Ok(reply(412, None, Vec::new()));
                }
                self.writes += 1;
                let etag = format!("\"{}\"", self.writes);
                self.objects.insert(path.to_owned(), (etag.clone(), sent.body.clone()));
                Ok(reply(200, Some(etag), Vec::new()))
            }
            "DELETE" => {
                self.objects.remove(path);
                Ok(reply(204, None, Vec::new()))
            }
            other => panic!("{other}"),
        }
    }

    fn list(&self, url: &str) -> Vec<u8> {
        let query = |name: &str| {
            let pair = url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            percent_decoded(pair.unwrap_or_default()).unwrap()
        };
        let (prefix, after) = (query("prefix"), query("start-after"));
        let keys = self
            .objects
            .iter()
            .map(|(path, object)| (percent_decoded(path.strip_prefix("/b/").unwrap()).unwrap(), object));
        let found = keys.filter(|(key, _)| key.starts_with(&prefix) && *key > after).map(|(key, (etag, body))| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>1994-11-06T08:49:37.000Z</LastModified><ETag>{}</ETag>\
                 <Size>{}</Size></Contents>",
                etag.replace('"', "&quot;"),
                body.len()
            )
        });
        let found: String = found.collect();
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>").into_bytes()
    }
}

fn reply(status: u16, etag: Option<String>, body: Vec<u8>) -> Response {
    let mut headers = vec![("date".to_owned(), DATE.to_owned())];
    headers.extend(etag.map(|etag| ("etag".to_owned(), etag)));
    Response { status, headers, body }
}

fn no_such_key() -> Response {
    reply(404, None, b"<Error><Code>NoSuchKey</Code></Error>".to_vec())
}

fn exchange(bucket: &Rc<RefCell<Bucket>>, cursor: &Cursor, records: &[(&str, Option<&str>, &[u8])]) -> Page {
    let mutation = |(id, guard, envelope): &(&str, Option<&str>, &[u8])| Mutation {
        id: (*id).to_owned(),
        guard: guard.map(str::to_owned),
        envelope: envelope.to_vec(),
        tombstone: false,
    };
    let request =
        Exchange { cursor: cursor.clone(), mutations: records.iter().map(mutation).collect(), limit: 10 };
    let shared = Rc::clone(bucket);
    let rehearsal = Rehearsal::new()
        .option("bucket", "b")
        .option("prefix", "team a")
        .backend(move |sent| shared.borrow_mut().answer(sent));
    match rehearsal.run(|| S3::exchange(request)) {
        Ok(Answer::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

const START: Cursor = Cursor { position: None, head: None };

#[test]
fn what_one_device_writes_another_lists_byte_for_byte() {
    let bucket = Rc::default();
    let bytes: Vec<u8> = (0..=255).collect();
    let written = exchange(&bucket, &START, &[("aaaaaaaa", None, &bytes), ("bbbbbbbb", None, b"b")]);
    let [Outcome::Accepted(a), Outcome::Accepted(_)] = written.outcomes.as_slice() else {
        panic!("{written:?}")
    };
    let listed = exchange(&bucket, &START, &[]);
    assert_eq!(listed.changes.len(), 2);
    assert_eq!((&listed.changes[0].revision, &listed.changes[0].envelope), (a, &bytes));
    let stale = exchange(&bucket, &listed.cursor, &[("aaaaaaaa", Some("\"stale\""), b"new")]);
    let [Outcome::Conflict(Some(held))] = stale.outcomes.as_slice() else { panic!("{stale:?}") };
    assert_eq!((&held.revision, &held.envelope), (a, &bytes));
    let bucket = bucket.borrow();
    assert!(
        bucket.objects.keys().all(|path| path.starts_with("/b/team%20a/")),
        "{:?}",
        bucket.objects.keys()
    );
    assert!(bucket.objects.keys().all(|path| !path.contains("probe")));
}

#[test]
fn replies_that_are_too_large_together_are_asked_for_one_by_one() {
    let bucket = Rc::default();
    exchange(&bucket, &START, &[("aaaaaaaa", None, b"a"), ("bbbbbbbb", None, b"b")]);
    bucket.borrow_mut().crowded = 2;
    // Both fail together, so each is asked for alone.
    assert_eq!(exchange(&bucket, &START, &[]).changes.len(), 2);
}

#[test]
fn a_reply_without_etag_or_date_is_a_protocol_failure() {
    for reply in [
        reply(200, None, Vec::new()),
        Response { headers: vec![], ..reply(200, Some("\"1\"".into()), vec![]) },
    ] {
        let rehearsal = Rehearsal::new().option("bucket", "b").backend(move |_| Ok(reply.clone()));
        let request = Exchange { cursor: START, mutations: Vec::new(), limit: 1 };
        let answer = rehearsal.run(|| S3::exchange(request));
        assert!(matches!(answer, Err(Failure::Protocol(_))), "{answer:?}");
    }
}
