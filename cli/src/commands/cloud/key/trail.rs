//! The rows of the audit trail that key commands leave. None has a secret, nor the key's check value.

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};

use crate::commands::cloud::surroundings::Cloud;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// Notes how locking or unlocking this device ended. It is nobody's account, and no server hears of it.
pub(super) fn of_device(
    cx: &Context,
    action: AuditAction,
    subject: &str,
    done: CommandResult,
) -> CommandResult {
    let error = done.as_ref().err().map(Failure::diagnostic);
    let outcome = match error.map(Diagnostic::kind) {
        None => AuditOutcome::Done,
        Some(Kind::Interrupted) => return done,
        Some(Kind::Auth) => AuditOutcome::Denied,
        Some(_) => AuditOutcome::Failed,
    };
    cx.note(AuditEntry {
        subject: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
        code: error.map(|error| error.code().to_owned()),
        ..AuditEntry::new("", action, outcome)
    })?;
    done
}

/// Notes how it ended, and hands it back. What the person broke off is no event.
pub(super) fn ended<T>(
    cx: &Context,
    cloud: &Cloud,
    action: AuditAction,
    subject: &str,
    done: Result<T, Failure>,
) -> Result<T, Failure> {
    let error = done.as_ref().err().map(Failure::diagnostic);
    let outcome = match error.map(Diagnostic::kind) {
        None => AuditOutcome::Done,
        Some(Kind::Interrupted) => return done,
        Some(Kind::Auth | Kind::Conflict) => AuditOutcome::Denied,
        Some(_) => AuditOutcome::Failed,
    };
    let entry = AuditEntry {
        who: cloud.who(),
        subject: Some(subject.to_owned()).filter(|subject| !subject.is_empty()),
        code: error.map(|error| error.code().to_owned()),
        provider: Some(cloud.choice.name().to_owned()),
        request_id: cloud.http.newest_request_id(),
        ..AuditEntry::new("", action, outcome)
    };
    cx.note(entry)?;
    done
}
