//! What the audit trail is told of sign-ins.

use super::Auth;
use super::error::AuthError;
use super::exchange::Device;
use super::host_of;
use super::section::{Login, Section};
use crate::diagnostic::Diagnostic;
use crate::event::{EventKind, NewEvent};
use crate::store::{AuditAction, AuditEntry, AuditOutcome};

impl Section {
    /// The tenant whose login it is; empty: the personal account's.
    pub fn tenant(&self) -> &str {
        match self {
            Self::Tenant(name) => name,
            Self::Default | Self::Environment(_) => "",
        }
    }
}

impl Login {
    /// Whose login it is: the account, or what the sign-in itself says, or else the section.
    pub fn who(&self, section: &Section) -> String {
        let account = self.account.as_ref().map(|account| account.email.as_str());
        account.or(self.holder()).map_or_else(|| section.to_string(), str::to_owned)
    }
}

impl Auth {
    /// Notes what became of a login. That this device is signed out is told, too.
    pub(super) fn note(
        &self,
        action: AuditAction,
        (section, login): (&Section, &Login),
        (outcome, error): (AuditOutcome, Option<&AuthError>),
        request_id: Option<String>,
    ) {
        let entry = AuditEntry {
            who: Some(login.who(section)),
            subject: Some(host_of(&login.issuer)),
            code: error.map(|error| error.code().to_owned()),
            provider: login.provider.clone(),
            request_id,
            ..AuditEntry::new(section.tenant(), action, outcome)
        };
        if action != AuditAction::Logout {
            return self.trail.note(&entry);
        }
        let Device { name, platform } = Device::this();
        let event = NewEvent::of_device(EventKind::DeviceRevoked, None, &name, Some(&platform));
        self.trail.note_and_tell(&entry, &event);
    }
}

/// Why a row could not be written, with its causes.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |reason, cause| format!("{reason}: {cause}"))
}
