//! What the user wants to happen without being asked.

use std::time::Duration;

use crate::settings::{Key, Setting, Settings, SettingsError};

/// The settings of automatic sync, each with where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoSync {
    /// Sync runs by itself.
    pub enabled: Setting<bool>,
    /// Between two automatic syncs.
    pub interval: Setting<Duration>,
    /// Sync when a project was made.
    pub on_create: Setting<bool>,
    /// Sync when a project was changed.
    pub on_update: Setting<bool>,
    /// Sync when a project was deleted.
    pub on_delete: Setting<bool>,
}

impl AutoSync {
    /// As the settings have it. Each is looked at, so that a wrong one is named whatever the others say.
    pub fn of(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            enabled: settings.flag(Key::AutoSync)?,
            interval: settings.sync_interval()?,
            on_create: settings.flag(Key::SyncOnCreate)?,
            on_update: settings.flag(Key::SyncOnUpdate)?,
            on_delete: settings.flag(Key::SyncOnDelete)?,
        })
    }

    /// Whether a command may ever start a sync.
    pub fn is_any(&self) -> bool {
        let Self { enabled, on_create, on_update, on_delete, .. } = self;
        [enabled, on_create, on_update, on_delete].iter().any(|setting| setting.value)
    }
}
