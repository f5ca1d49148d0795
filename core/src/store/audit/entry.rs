//! What a row of the trail says.

/// Of a text, the part that is kept.
const MAX_TEXT: usize = 200;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// Somebody signed in, or tried to.
    Login,
    /// A refresh token was spent.
    Refresh,
    /// A sign-in was ended and removed.
    Logout,
    /// A device's sign-in was ended from here.
    RevokeDevice,
    /// A provider asked for something that it may not.
    Request,
    /// A provider was installed.
    Install,
    /// A provider was replaced by another version.
    Update,
    /// A provider went back to its earlier version.
    Rollback,
    /// A provider was taken away.
    Remove,
    /// A provider was granted more.
    Grant,
    /// A grant was taken away.
    Revoke,
    /// Projects were sent and fetched.
    Sync,
    /// Projects were fetched, or taken back to an earlier time.
    Restore,
    /// What an operation overwrote was given back.
    Undo,
    /// A record of the cloud that could not be read was given up.
    DropRecord,
    /// `doctor --fix` made something right.
    Mend,
    /// A webhook was added.
    AddWebhook,
    /// A webhook was taken away.
    RemoveWebhook,
    /// A webhook was switched on.
    EnableWebhook,
    /// A webhook was switched off by a person.
    DisableWebhook,
    /// A webhook was switched off because of what its receiver did.
    AutoDisableWebhook,
    /// A webhook was given another secret.
    RotateWebhook,
    /// A webhook was let into a private network.
    AllowPrivate,
    /// An account's key was made.
    InitKey,
    /// A device was given the account's key by its recovery phrase, a passphrase or an exported file.
    RecoverKey,
    /// This device was locked: chosen fields are sealed on its disk.
    LockDevice,
    /// This device was opened with its passphrase, for a while or for good.
    UnlockDevice,
    /// An account was given another key, or another recovery phrase.
    RotateKey,
    /// The account's key was written into a file.
    ExportKey,
    /// An account was changed back to plain records.
    UnsealAccount,
    /// A setting was changed in `config.toml`.
    ChangeConfig,
    /// Automatic sync was switched on.
    EnableAutoSync,
    /// Automatic sync was switched off.
    DisableAutoSync,
}

impl AuditAction {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Login,
        Self::Refresh,
        Self::Logout,
        Self::RevokeDevice,
        Self::Request,
        Self::Install,
        Self::Update,
        Self::Rollback,
        Self::Remove,
        Self::Grant,
        Self::Revoke,
        Self::Sync,
        Self::Restore,
        Self::Undo,
        Self::DropRecord,
        Self::Mend,
        Self::AddWebhook,
        Self::RemoveWebhook,
        Self::EnableWebhook,
        Self::DisableWebhook,
        Self::AutoDisableWebhook,
        Self::RotateWebhook,
        Self::AllowPrivate,
        Self::InitKey,
        Self::RecoverKey,
        Self::LockDevice,
        Self::UnlockDevice,
        Self::RotateKey,
        Self::ExportKey,
        Self::UnsealAccount,
        Self::ChangeConfig,
        Self::EnableAutoSync,
        Self::DisableAutoSync,
    ];

    /// The word for it, for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Logout => "logout",
            Self::RevokeDevice => "device-revoke",
            Self::Request => "provider-request",
            Self::Install => "provider-install",
            Self::Update => "provider-update",
            Self::Rollback => "provider-rollback",
            Self::Remove => "provider-remove",
            Self::Grant => "provider-grant",
            Self::Revoke => "provider-revoke",
            Self::Sync => "sync",
            Self::Restore => "restore",
            Self::Undo => "undo",
            Self::DropRecord => "drop-record",
            Self::Mend => "doctor-fix",
            Self::AddWebhook => "webhook-add",
            Self::RemoveWebhook => "webhook-remove",
            Self::EnableWebhook => "webhook-enable",
            Self::DisableWebhook => "webhook-disable",
            Self::AutoDisableWebhook => "webhook-auto-disable",
            Self::RotateWebhook => "webhook-rotate-secret",
            Self::AllowPrivate => "webhook-allow-private",
            Self::InitKey => "key-init",
            Self::RecoverKey => "key-recover",
            Self::LockDevice => "key-lock",
            Self::UnlockDevice => "key-unlock",
            Self::RotateKey => "key-rotate",
            Self::ExportKey => "key-export",
            Self::UnsealAccount => "key-unseal",
            Self::ChangeConfig => "config-change",
            Self::EnableAutoSync => "auto-sync-enable",
            Self::DisableAutoSync => "auto-sync-disable",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// As it should.
    Done,
    /// In part.
    Partial,
    /// It was refused: by the server, by the person, or by this device.
    Denied,
    /// It failed.
    Failed,
}

impl AuditOutcome {
    /// The word for it, for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// What is to be written. When, and the number, are the store's to add.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Whose trail; empty: the personal one.
    pub tenant: String,
    /// What was done.
    pub action: AuditAction,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The account, or the section of the token file; none: whoever uses this device.
    pub who: Option<String>,
    /// What it was done to: a host, a version, how many projects.
    pub subject: Option<String>,
    /// The code of the error.
    pub code: Option<String>,
    /// The provider, where one is concerned.
    pub provider: Option<String>,
    /// The name of the request in the server's log.
    pub request_id: Option<String>,
}

impl AuditEntry {
    /// An entry that says no more than this.
    pub fn new(tenant: impl Into<String>, action: AuditAction, outcome: AuditOutcome) -> Self {
        let tenant = tenant.into();
        Self {
            tenant,
            action,
            outcome,
            who: None,
            subject: None,
            code: None,
            provider: None,
            request_id: None,
        }
    }
}

/// A row of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number in its tenant's trail, from 1.
    pub number: u64,
    /// RFC 3339.
    pub at: String,
    /// The account, or the section of the token file.
    pub who: Option<String>,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// The code of the error.
    pub code: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The name of the request in the server's log.
    pub request_id: Option<String>,
    /// Of the row and of the hash before it.
    pub(super) hash: [u8; 32],
}

impl AuditRow {
    pub(super) fn of(entry: &AuditEntry, number: u64, at: &str) -> Self {
        let AuditEntry { action, outcome, who, subject, code, provider, request_id, .. } = entry;
        let fit = |text: &Option<String>| text.as_deref().map(fit);
        Self {
            number,
            at: at.to_owned(),
            who: fit(who),
            action: action.as_str().to_owned(),
            subject: fit(subject),
            outcome: outcome.as_str().to_owned(),
            code: fit(code),
            provider: fit(provider),
            request_id: fit(request_id),
            hash: [0; 32],
        }
    }
}

/// A text without control characters, and not long.
fn fit(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::AuditAction;

    #[test]
    fn every_action_is_listed_once_and_has_a_word_of_its_own() {
        // One arm of `as_str` each.
        let arms = include_str!("entry.rs").lines().filter(|line| line.contains(" => \"")).count();
        let outcomes = 4;
        let words: BTreeSet<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), arms - outcomes, "an action is missing in ALL: {words:?}");
        assert_eq!(words.len(), AuditAction::ALL.len());
    }
}
