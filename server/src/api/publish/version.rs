//! What a sent project changes in the one that is there.
//!
//! A script says what it wants, not what it saw: it has no base to merge from. So each field that it sends with another
//! value than the one there is written *and* told as a conflict, with the value that it replaces. Fields that it leaves
//! out stay; of the two times the later and the earlier stand, as in any merge.

use jiff::Timestamp;
use orkee_core::clock::rfc3339;
use orkee_core::project::{FIELDS, Payload, Project, RawObject};
use orkee_wire::{Envelope, KEYS_ID};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::super::sync::describe;

/// A project from a request's body, checked.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) payload: Payload,
    /// Known fields that were sent to say nothing: `null`, an empty list.
    cleared: Vec<&'static str>,
}

/// A field whose value was replaced. The keys are those of `orkee cloud conflicts`: `local` is what was sent.
#[derive(Debug, Serialize)]
pub(super) struct Conflict {
    id: String,
    project: String,
    field: String,
    local: Option<Box<RawValue>>,
    cloud: Option<Box<RawValue>>,
    /// When the replaced value was written, and by which device.
    at: String,
    device: String,
}

impl Conflict {
    /// The project's id, and the field.
    pub(super) fn place(&self) -> (&str, &str) {
        (&self.id, &self.field)
    }
}

/// A payload to be written, and what it replaces.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) payload: String,
    pub(super) conflicts: Vec<Conflict>,
}

type Change = (String, Option<Box<RawValue>>);

impl Sent {
    /// Reads and checks a project; an error is a sentence for whoever sent it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let object = RawObject::parse(text).map_err(|error| describe(&error))?;
        let named: Vec<&'static str> =
            FIELDS.into_iter().filter(|field| object.get(field).is_some()).collect();
        let payload = Payload::from_object(object).map_err(|error| describe(&error))?;
        if payload.id().as_str() == KEYS_ID {
            return Err("the id is for the space's key document".to_owned());
        }
        let project = Project::from(&payload);
        for (field, value) in payload.iter() {
            project.check_written(field, Some(value)).map_err(|error| error.to_string())?;
        }
        let cleared = named.into_iter().filter(|field| payload.get(field).is_none()).collect();
        Ok(Self { payload, cleared })
    }
}

/// What to write on top of `before`; none where it says all that was sent.
pub(super) fn decide(
    sent: &Sent,
    before: Option<&Envelope<'_>>,
    now: Timestamp,
) -> Result<Option<Decision>, String> {
    match before {
        None => Ok(Some(Decision { payload: dated(&sent.payload, now)?.to_json(), conflicts: Vec::new() })),
        Some(Envelope { head, payload: None }) => {
            let deleted = |is: bool| to_raw_value(&is).ok();
            let conflict = conflict(sent, "deleted", deleted(false), deleted(true), head);
            Ok(Some(Decision { payload: dated(&sent.payload, now)?.to_json(), conflicts: vec![conflict] }))
        }
        Some(Envelope { head, payload: Some(payload) }) => {
            let there = std::str::from_utf8(payload).map_err(|error| error.to_string())?;
            let there = Payload::parse(there).map_err(|error| describe(&error))?;
            Ok(merge(sent, &there, head, now)?
                .map(|(payload, conflicts)| Decision { payload: payload.to_json(), conflicts }))
        }
    }
}

/// A new project, with the times that its sender left out.
fn dated(payload: &Payload, now: Timestamp) -> Result<Payload, String> {
    let now = to_raw_value(&rfc3339(now)).ok();
    let missing = ["createdAt", "updatedAt"].into_iter().filter(|field| payload.get(field).is_none());
    payload.with(missing.map(|field| (field, now.clone()))).map_err(|error| describe(&error))
}

fn merge(
    sent: &Sent,
    there: &Payload,
    head: &orkee_wire::EnvelopeHead,
    now: Timestamp,
) -> Result<Option<(Payload, Vec<Conflict>)>, String> {
    let differing = there.differences(&sent.payload).into_iter().filter(|d| match d.there {
        None => sent.cleared.contains(&d.field),
        Some(sent) => !d.here.is_some_and(|here| same(here, sent)),
    });
    let (times, fields): (Vec<_>, Vec<_>) =
        differing.partition(|d| matches!(d.field, "createdAt" | "updatedAt"));
    let mut changes: Vec<Change> =
        fields.iter().map(|d| (d.field.to_owned(), d.there.map(RawValue::to_owned))).collect();
    let owned = |value: Option<&RawValue>| value.map(RawValue::to_owned);
    let conflicts =
        fields.iter().map(|d| conflict(sent, d.field, owned(d.there), owned(d.here), head)).collect();
    for time in &times {
        if stands(time.field, time.here, time.there) {
            changes.push((time.field.to_owned(), owned(time.there)));
        }
    }
    if changes.is_empty() {
        return Ok(None);
    }
    if !changes.iter().any(|(field, _)| field == "updatedAt") {
        changes.push(("updatedAt".to_owned(), to_raw_value(&rfc3339(now)).ok()));
    }
    let merged = there.with(changes).map_err(|error| describe(&error))?;
    Ok(Some((merged, conflicts)))
}

/// Whether the sent time replaces the one there: the earlier creation, the later change.
fn stands(field: &str, here: Option<&RawValue>, sent: Option<&RawValue>) -> bool {
    let read = |value: Option<&RawValue>| -> Option<Timestamp> {
        serde_json::from_str::<String>(value?.get()).ok()?.parse().ok()
    };
    match (read(here), read(sent)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(here), Some(sent)) => {
            if field == "createdAt" {
                sent < here
            } else {
                sent > here
            }
        }
    }
}

/// Whether two values say the same, whatever the order of their keys.
fn same(one: &RawValue, other: &RawValue) -> bool {
    let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
    one.get() == other.get() || value(one).is_some_and(|one| value(other) == Some(one))
}

fn conflict(
    sent: &Sent,
    field: &str,
    local: Option<Box<RawValue>>,
    cloud: Option<Box<RawValue>>,
    head: &orkee_wire::EnvelopeHead,
) -> Conflict {
    Conflict {
        id: sent.payload.id().to_string(),
        project: sent.payload.name(),
        field: field.to_owned(),
        local,
        cloud,
        at: head.at.clone(),
        device: head.device.clone(),
    }
}

#[cfg(test)]
mod tests {
    use orkee_wire::EnvelopeHead;

    use super::*;

    fn head(deleted: bool) -> EnvelopeHead {
        EnvelopeHead {
            v: 1,
            ancestry: [("w".to_owned(), 1)].into(),
            device: "d".to_owned(),
            at: "t".to_owned(),
            author: None,
            deleted,
            seal: None,
        }
    }

    fn decided(there: Option<&str>, sent: &str) -> Option<Decision> {
        let envelope = Envelope { head: head(there.is_none()), payload: there.map(str::as_bytes) };
        decide(&Sent::parse(sent).unwrap(), Some(&envelope), Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_differing_field_is_written_and_told_with_what_it_replaced() {
        let decision = decided(
            Some(r#"{"id":"abcdefgh","name":"old","description":"kept","new":[1]}"#),
            r#"{"id":"abcdefgh","name":"new","tags":["a"]}"#,
        );
        let decision = decision.unwrap();
        let expected = r#"{"id":"abcdefgh","name":"new","description":"kept","tags":["a"],"updatedAt":"1970-01-01T00:00:00.000Z","new":[1]}"#;
        assert_eq!(decision.payload, expected);
        let told: Vec<_> = decision
            .conflicts
            .iter()
            .map(|c| (c.field.as_str(), c.local.as_ref().map(|v| v.get()), c.cloud.as_ref().map(|v| v.get())))
            .collect();
        assert_eq!(told, [("name", Some("\"new\""), Some("\"old\"")), ("tags", Some("[\"a\"]"), None)]);
    }

    #[test]
    fn what_says_the_same_in_other_words_changes_nothing() {
        let there = r#"{"id":"abcdefgh","name":"n","gitRepository":{"owner":"o","repo":"r","url":"u"},"updatedAt":"2026-01-02T00:00:00Z"}"#;
        let sent = r#"{ "id": "abcdefgh", "name": "\u006e", "description": null,
                        "gitRepository": {"url": "u", "repo": "r", "owner": "o"}, "updatedAt": "2026-01-01T00:00:00Z" }"#;
        assert!(decided(Some(there), sent).is_none());
    }

    #[test]
    fn a_field_sent_empty_is_cleared_and_one_left_out_stays() {
        let there = r#"{"id":"abcdefgh","name":"n","description":"d","tags":["a"]}"#;
        let decision = decided(Some(there), r#"{"id":"abcdefgh","name":"n","tags":[]}"#).unwrap();
        assert!(
            !decision.payload.contains("tags") && decision.payload.contains("\"d\""),
            "{}",
            decision.payload
        );
        assert_eq!(decision.conflicts.len(), 1);
    }

    #[test]
    fn a_deleted_project_comes_back_and_the_deletion_is_told() {
        let decision = decided(None, r#"{"id":"abcdefgh","name":"n"}"#).unwrap();
        assert_eq!(decision.conflicts[0].field, "deleted");
    }

    #[test]
    fn a_value_of_the_wrong_form_is_refused_with_its_field() {
        for (sent, field) in [
            (r#"{"id":"abcdefgh","name":""}"#, "name"),
            (r#"{"id":"abcdefgh","name":"n","tags":"a"}"#, "tags"),
            (r#"{"id":"abcdefgh","name":"n","status":"odd"}"#, "status"),
            (r#"{"id":"short","name":"n"}"#, "id"),
            (r#"[]"#, "map"),
        ] {
            let problem = Sent::parse(sent).unwrap_err();
            assert!(problem.contains(field) || field == "map", "{sent}: {problem}");
        }
    }
}
