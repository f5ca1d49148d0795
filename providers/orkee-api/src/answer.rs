//! The server's reply to an exchange, taken apart. The server may be wrong, cut off or hostile.

use std::vec::IntoIter;

use orkee_provider_sdk::{
    Change, Cursor, Failure, Head, Outcome, Page, RejectReason, Rejection, Span, Stored,
};
use orkee_wire as wire;

/// A framed reply to a request with this many mutations.
pub(crate) fn page(body: &[u8], request_id: Option<&str>, mutations: usize) -> Result<Page, Failure> {
    let split = wire::split::<wire::SyncReply>(body, wire::SyncReply::blob_lengths);
    let (head, blobs) =
        split.map_err(|error| Failure::Protocol(format!("the server's reply is damaged: {error}")))?;
    if head.outcomes.len() != mutations {
        let found = head.outcomes.len();
        return Err(Failure::Protocol(format!("the server gave {found} outcomes for {mutations} records")));
    }
    let mut envelopes = Envelopes(blobs.into_iter());
    let outcomes = head.outcomes.into_iter().map(|outcome| self::outcome(outcome, &mut envelopes)).collect();
    let changes = head.changes.into_iter().map(|change| self::change(change, &mut envelopes));
    Ok(Page {
        outcomes,
        changes: changes.collect::<Result<_, _>>()?,
        cursor: Cursor {
            position: head.cursor.position,
            head: head.cursor.head.map(|head| Head { number: head.number, tag: head.tag }),
        },
        more: head.more,
        written: head.written.map(|span| Span { after: span.after, until: span.until }),
        request_id: request_id.map(str::to_owned),
    })
}

/// The envelopes that follow the head, in its order. There are as many as it announces: the frame has been checked.
struct Envelopes<'a>(IntoIter<&'a [u8]>);

impl Envelopes<'_> {
    fn next(&mut self) -> Vec<u8> {
        self.0.next().unwrap_or_default().to_vec()
    }
}

fn outcome(outcome: wire::Outcome, envelopes: &mut Envelopes<'_>) -> Outcome {
    match outcome {
        wire::Outcome::Accepted { revision } => Outcome::Accepted(revision),
        wire::Outcome::Conflict { revision, .. } => {
            Outcome::Conflict(revision.map(|revision| Stored { revision, envelope: envelopes.next() }))
        }
        wire::Outcome::Rejected { reason, message } => {
            let reason = match reason.as_str() {
                "too-large" => RejectReason::TooLarge,
                "invalid" => RejectReason::Invalid,
                "forbidden" => RejectReason::Forbidden,
                _ => RejectReason::Other,
            };
            Outcome::Rejected(Rejection { reason, message })
        }
    }
}

fn change(change: wire::Change, envelopes: &mut Envelopes<'_>) -> Result<Change, Failure> {
    if change.id.len() != 8 || !change.id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        let shown: String = change.id.chars().take(20).collect();
        return Err(Failure::Protocol(format!(
            "the server listed a record with the id `{shown}`, which is none"
        )));
    }
    Ok(Change { id: change.id, revision: change.revision, envelope: envelopes.next() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(head: &str, blobs: &str) -> Vec<u8> {
        format!("{head}\n{blobs}").into_bytes()
    }

    fn protocol(body: &[u8], mutations: usize) -> String {
        match page(body, None, mutations) {
            Err(Failure::Protocol(words)) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn envelopes_of_conflicts_and_changes_find_their_places() {
        let head = r#"{"outcomes":[{"status":"conflict","revision":"r1","len":3},{"status":"conflict","revision":null},
            {"status":"accepted","revision":"r2"},{"status":"rejected","reason":"odd","message":"m"}],
            "changes":[{"id":"aaaaaaaa","revision":"r3","len":2}],
            "cursor":{"position":"9","head":{"number":9,"tag":"t"}},"more":true,"written":{"after":"8","until":"9"}}"#;
        let reply = page(&body(&head.replace('\n', " "), "onetw"), Some("req_1"), 4).unwrap();
        assert!(
            matches!(&reply.outcomes[0], Outcome::Conflict(Some(s)) if s.revision == "r1" && s.envelope == b"one")
        );
        assert!(matches!(&reply.outcomes[1], Outcome::Conflict(None)));
        assert!(matches!(&reply.outcomes[2], Outcome::Accepted(r) if r == "r2"));
        assert!(
            matches!(&reply.outcomes[3], Outcome::Rejected(r) if matches!(r.reason, RejectReason::Other))
        );
        assert!(reply.changes[0].id == "aaaaaaaa" && reply.changes[0].envelope == b"tw");
        assert!(reply.more && reply.request_id.as_deref() == Some("req_1"));
    }

    #[test]
    fn a_reply_that_is_cut_off_or_no_reply_is_a_protocol_failure() {
        let head = r#"{"outcomes":[],"changes":[{"id":"aaaaaaaa","revision":"r","len":9}],"cursor":{},"more":false}"#;
        assert!(protocol(&body(head, "short"), 0).contains("announces 9 bytes, 5 follow"));
        assert!(protocol(b"<html>", 0).contains("damaged"));
        assert!(protocol(b"<html>\n", 0).contains("damaged"));
        assert!(protocol(b"", 0).contains("damaged"));
    }

    #[test]
    fn a_record_with_a_wrong_id_is_a_protocol_failure() {
        let head = r#"{"outcomes":[],"changes":[{"id":"../../etc","revision":"r","len":0}],"cursor":{},"more":false}"#;
        assert!(protocol(&body(head, ""), 0).contains("`../../etc`"));
    }

    #[test]
    fn a_wrong_number_of_outcomes_is_a_protocol_failure() {
        let head = r#"{"outcomes":[],"changes":[],"cursor":{},"more":false}"#;
        assert!(protocol(&body(head, ""), 2).contains("0 outcomes for 2 records"));
    }
}
