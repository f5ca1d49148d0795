//! The table of settings.

use crate::store::LOCKABLE;

/// Seconds between two automatic syncs, where nothing is set.
pub(super) const DEFAULT_INTERVAL: u64 = 300;
/// The API, where nothing is set.
pub const DEFAULT_API_URL: &str = "https://api.orkee.ai";

/// A setting, by what it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Orkee Cloud's base URL.
    ApiUrl,
    /// A token that stands for a sign-in. Secret.
    Token,
    /// A file that holds such a token.
    TokenFile,
    /// Where sign-ins are kept: `file` or `keyring`.
    AuthStore,
    /// Whose projects are meant.
    Tenant,
    /// Which identity provider a tenant signs in with.
    SsoProvider,
    /// Whether projects are shared with a team.
    TeamMode,
    /// Whether sync runs by itself.
    AutoSync,
    /// Seconds between two automatic syncs.
    SyncInterval,
    /// Whether a new project is synced at once.
    SyncOnCreate,
    /// Whether a changed project is synced at once.
    SyncOnUpdate,
    /// Whether a deleted project is synced at once.
    SyncOnDelete,
    /// How many older versions of a project are kept.
    HistoryVersions,
    /// For how many days a version is kept that was overwritten.
    HistoryDays,
    /// The proxy that webhooks go out through. Secret, for it may hold a password.
    WebhookProxy,
    /// Whether a command that leaves webhook deliveries starts sending them in the background.
    WebhookDrain,
    /// Which fields of projects are sealed on this device while it is locked.
    LockFields,
}

enum Form {
    Text,
    Store,
    Truth,
    Seconds,
    /// 0 or more.
    Count,
    /// Fields that can be sealed, with commas.
    Fields,
}

impl Key {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::ApiUrl,
        Self::Token,
        Self::TokenFile,
        Self::AuthStore,
        Self::Tenant,
        Self::SsoProvider,
        Self::TeamMode,
        Self::AutoSync,
        Self::SyncInterval,
        Self::SyncOnCreate,
        Self::SyncOnUpdate,
        Self::SyncOnDelete,
        Self::HistoryVersions,
        Self::HistoryDays,
        Self::WebhookProxy,
        Self::WebhookDrain,
        Self::LockFields,
    ];

    /// What decides whether, and at which changes, sync runs by itself.
    pub(super) const WHEN_TO_SYNC: [Self; 4] =
        [Self::AutoSync, Self::SyncOnCreate, Self::SyncOnUpdate, Self::SyncOnDelete];

    /// Its variable in the environment and in `.env`.
    pub fn variable(self) -> &'static str {
        match self {
            Self::ApiUrl => "ORKEE_CLOUD_API_URL",
            Self::Token => "ORKEE_CLOUD_TOKEN",
            Self::TokenFile => "ORKEE_CLOUD_TOKEN_FILE",
            Self::AuthStore => "ORKEE_AUTH_STORE",
            Self::Tenant => "ORKEE_CLOUD_TENANT",
            Self::SsoProvider => "ORKEE_CLOUD_SSO_PROVIDER",
            Self::TeamMode => "ORKEE_CLOUD_TEAM_MODE",
            Self::AutoSync => "ORKEE_CLOUD_AUTO_SYNC",
            Self::SyncInterval => "ORKEE_CLOUD_SYNC_INTERVAL",
            Self::SyncOnCreate => "ORKEE_CLOUD_SYNC_ON_CREATE",
            Self::SyncOnUpdate => "ORKEE_CLOUD_SYNC_ON_UPDATE",
            Self::SyncOnDelete => "ORKEE_CLOUD_SYNC_ON_DELETE",
            Self::HistoryVersions => "ORKEE_HISTORY_VERSIONS",
            Self::HistoryDays => "ORKEE_HISTORY_DAYS",
            Self::WebhookProxy => "ORKEE_WEBHOOK_PROXY",
            Self::WebhookDrain => "ORKEE_WEBHOOK_DRAIN",
            Self::LockFields => "ORKEE_LOCK_FIELDS",
        }
    }

    /// Its place in `config.toml`; a token has none.
    pub fn config(self) -> Option<&'static [&'static str]> {
        match self {
            Self::ApiUrl => Some(&["cloud", "api_url"]),
            Self::Token | Self::TokenFile => None,
            Self::AuthStore => Some(&["auth", "store"]),
            Self::Tenant => Some(&["cloud", "tenant"]),
            Self::SsoProvider => Some(&["cloud", "sso_provider"]),
            Self::TeamMode => Some(&["cloud", "team_mode"]),
            Self::AutoSync => Some(&["cloud", "auto_sync"]),
            Self::SyncInterval => Some(&["cloud", "sync_interval"]),
            Self::SyncOnCreate => Some(&["cloud", "sync_on_create"]),
            Self::SyncOnUpdate => Some(&["cloud", "sync_on_update"]),
            Self::SyncOnDelete => Some(&["cloud", "sync_on_delete"]),
            Self::HistoryVersions => Some(&["history", "versions"]),
            Self::HistoryDays => Some(&["history", "days"]),
            Self::WebhookProxy => Some(&["webhook", "proxy"]),
            Self::WebhookDrain => Some(&["webhook", "drain"]),
            Self::LockFields => Some(&["lock", "fields"]),
        }
    }

    /// Its place in `config.toml` as a person writes it.
    pub fn config_name(self) -> Option<String> {
        self.config().map(|path| path.join("."))
    }

    /// Whether its value must not be shown.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Token | Self::WebhookProxy)
    }

    /// Whether a `.env` in the current folder may decide it, where the user did not.
    pub fn is_for_folders(self) -> bool {
        matches!(
            self,
            Self::AutoSync
                | Self::SyncInterval
                | Self::SyncOnCreate
                | Self::SyncOnUpdate
                | Self::SyncOnDelete
        )
    }

    fn form(self) -> Form {
        match self {
            Self::ApiUrl
            | Self::Token
            | Self::TokenFile
            | Self::Tenant
            | Self::SsoProvider
            | Self::WebhookProxy => Form::Text,
            Self::AuthStore => Form::Store,
            Self::TeamMode
            | Self::AutoSync
            | Self::SyncOnCreate
            | Self::SyncOnUpdate
            | Self::SyncOnDelete
            | Self::WebhookDrain => Form::Truth,
            Self::SyncInterval => Form::Seconds,
            Self::HistoryVersions | Self::HistoryDays => Form::Count,
            Self::LockFields => Form::Fields,
        }
    }

    /// Whether it takes `value`; if not, what it takes.
    pub(super) fn check(self, value: &str) -> Result<(), &'static str> {
        match self.form() {
            Form::Store => match value {
                "file" | "keyring" => Ok(()),
                _ => Err("file or keyring"),
            },
            Form::Truth => truth(value).map(drop).ok_or("true or false"),
            Form::Seconds => match value.trim().parse::<u64>() {
                Ok(1..=31_536_000) => Ok(()),
                _ => Err("a number of seconds from 1 to 31536000"),
            },
            Form::Count => match value.trim().parse::<u32>() {
                Ok(0..=1_000_000) => Ok(()),
                _ => Err("a number up to 1000000; 0 for no limit"),
            },
            Form::Fields => {
                let all =
                    fields(value).all(|field| LOCKABLE.contains(&field)) && fields(value).next().is_some();
                all.then_some(()).ok_or(
                    "some of description, setupScript, devScript, cleanupScript and manualTasks, with commas",
                )
            }
            Form::Text if value.chars().any(char::is_control) => Err("one line of text"),
            Form::Text => Ok(()),
        }
    }
}

/// The fields that a text names.
pub(super) fn fields(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|field| !field.is_empty())
}

/// A value that was checked in the form that it has in `config.toml`; none where that is a text.
pub(super) fn as_toml(key: Key, text: &str) -> Option<toml_edit::Value> {
    match key.form() {
        Form::Truth => truth(text).map(Into::into),
        Form::Seconds | Form::Count => text.trim().parse::<i64>().ok().map(Into::into),
        Form::Text | Form::Store | Form::Fields => None,
    }
}

/// The words for on and off.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}
