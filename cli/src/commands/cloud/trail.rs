//! Rows of the audit trail that commands write themselves: how a sign-in ended, what became of a provider.

use orkee_core::auth::{Client, Device, Section};
use orkee_core::diagnostic::Kind;
use orkee_core::event::{EventKind, NewEvent};
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};

use super::surroundings::Cloud;
use crate::context::Context;
use crate::failure::Failure;

/// Notes how a sign-in ended. One that the person broke off is none.
pub(super) fn login(
    cx: &Context,
    cloud: &Cloud,
    section: &Section,
    client: Option<&Client>,
    failure: Option<&Failure>,
) -> Result<(), Failure> {
    let error = failure.map(Failure::diagnostic);
    let outcome = match error.map(|error| (error.kind(), error.code())) {
        Some((Kind::Interrupted, _)) => return Ok(()),
        None => AuditOutcome::Done,
        // Nobody was there to sign in, or what is signed in cannot be read.
        Some((Kind::Auth, "E-AUTH-014" | "E-AUTH-020" | "E-AUTH-021")) => AuditOutcome::Failed,
        Some((Kind::Auth, _)) => AuditOutcome::Denied,
        Some(_) => AuditOutcome::Failed,
    };
    let login = cloud.login().ok().filter(|_| failure.is_none());
    let asked = client.map(|client| client.request_id.clone());
    let entry = AuditEntry {
        who: Some(login.map_or_else(|| section.to_string(), |(section, login)| login.who(&section))),
        subject: Some(cloud.host()),
        code: error.map(|error| error.code().to_owned()),
        provider: Some(cloud.choice.name().to_owned()),
        request_id: asked.or_else(|| cloud.http.newest_request_id()),
        ..AuditEntry::new(section.tenant(), AuditAction::Login, outcome)
    };
    if error.is_some() {
        cx.trail()?.note(&entry);
        return Ok(());
    }
    let Device { name, platform } = Device::this();
    let event = NewEvent::of_device(EventKind::DeviceAdded, None, &name, Some(&platform));
    cx.trail()?.note_and_tell(&entry, &event);
    Ok(())
}

/// Notes what was done with a provider.
pub(super) fn provider(
    cx: &Context,
    action: AuditAction,
    name: &str,
    subject: impl Into<String>,
) -> Result<(), Failure> {
    ended(cx, action, name, subject.into(), None)
}

/// Notes that a provider was not put in place, and why.
pub(super) fn provider_refused(
    cx: &Context,
    action: AuditAction,
    name: &str,
    subject: impl Into<String>,
    failure: &Failure,
) -> Result<(), Failure> {
    ended(cx, action, name, subject.into(), Some(failure))
}

fn ended(
    cx: &Context,
    action: AuditAction,
    name: &str,
    subject: String,
    failure: Option<&Failure>,
) -> Result<(), Failure> {
    let outcome = failure.map_or(AuditOutcome::Done, |_| AuditOutcome::Denied);
    cx.note(AuditEntry {
        subject: Some(subject),
        code: failure.map(|failure| failure.diagnostic().code().to_owned()),
        provider: Some(name.to_owned()),
        ..AuditEntry::new("", action, outcome)
    })
}
