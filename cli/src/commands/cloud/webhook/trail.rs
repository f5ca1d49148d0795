//! What is done with webhooks leaves a row in the audit trail: which webhook and whose host, and never a secret or a path.

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};

use super::place::Place;
use super::view;
use crate::context::Context;
use crate::failure::Failure;

/// Notes how something with a webhook ended.
pub(super) fn note(
    cx: &Context,
    place: &dyn Place,
    action: AuditAction,
    (id, url): (&str, &str),
    failure: Option<&Failure>,
) -> Result<(), Failure> {
    let error = failure.map(Failure::diagnostic);
    let outcome = match error.map(Diagnostic::kind) {
        None => AuditOutcome::Done,
        Some(Kind::Auth | Kind::Usage) => AuditOutcome::Denied,
        Some(_) => AuditOutcome::Failed,
    };
    let (who, provider) = place.asking();
    let host = view::host(url);
    let subject = if id.is_empty() { host } else { format!("{id} {host}") };
    cx.note(AuditEntry {
        who,
        subject: Some(subject),
        code: error.map(|error| error.code().to_owned()),
        provider,
        request_id: error.and_then(|error| error.request_id()).map(str::to_owned),
        ..AuditEntry::new("", action, outcome)
    })
}

/// Notes that something was done, or that it was not, and hands on which.
pub(super) fn ended<T>(
    cx: &Context,
    place: &dyn Place,
    action: AuditAction,
    about: (&str, &str),
    done: Result<T, Failure>,
) -> Result<T, Failure> {
    note(cx, place, action, about, done.as_ref().err())?;
    done
}
