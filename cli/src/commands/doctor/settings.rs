//! Whether the settings can be read, each of them.

use orkee_core::settings::{Key, Settings, SettingsError};

use super::check::Check;
use crate::context::Context;

const NAME: &str = "settings";

/// Reads the files, then each setting.
pub(super) fn examine(cx: &Context) -> Vec<Check> {
    let settings = match cx.settings() {
        Ok(settings) => settings,
        Err(failure) => return vec![Check::error(NAME, failure.diagnostic())],
    };
    let refused: Vec<Check> = refused(settings).iter().map(|error| Check::error(NAME, error)).collect();
    if !refused.is_empty() {
        return refused;
    }
    let is_set = |key: &&Key| settings.text(**key).is_ok_and(|set| set.is_some());
    let set = Key::ALL.iter().filter(is_set).count();
    vec![Check::ok(NAME, format!("The settings make sense: {set} of {} are set", Key::ALL.len()))]
}

/// What each setting that makes no sense is told with.
fn refused(settings: &Settings) -> Vec<SettingsError> {
    let mut errors: Vec<SettingsError> = Vec::new();
    let asked = [
        settings.tenant().err(),
        settings.sync_interval().err(),
        settings.history().err(),
        settings.webhook_drain().err(),
        settings.lock_fields().err(),
        settings.api_url(None).err(),
    ];
    let flags = [Key::TeamMode, Key::AutoSync, Key::SyncOnCreate, Key::SyncOnUpdate, Key::SyncOnDelete];
    let flags = flags.into_iter().filter_map(|key| settings.flag(key).err());
    let texts = Key::ALL.iter().filter_map(|key| settings.text(*key).err());
    for error in asked.into_iter().flatten().chain(flags).chain(texts) {
        let is_told = errors.iter().any(|told| told.to_string() == error.to_string());
        if !is_told {
            errors.push(error);
        }
    }
    errors
}
