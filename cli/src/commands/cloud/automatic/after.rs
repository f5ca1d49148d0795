//! At the end of a command: whether it leaves something that is to be synced by itself, and the process that does it.
//!
//! Nothing of it is what the command was asked for, and nothing of it waits: a few small files are read, one process may be started.

use jiff::Timestamp;
use orkee_core::auth;
use orkee_core::auto::{AutoSync, Changes, Look, NextLock, Pause, Place, Started, Starts, WatchLock};
use orkee_core::clock::rfc3339;
use orkee_core::home::Home;
use orkee_core::settings::{Key, Setting, Settings, SettingsError};

use super::error::AutoError;
use super::{LONGEST, pause, place};
use crate::background;
use crate::context::Context;
use crate::failure::Failure;

/// Starts a sync in the background where the settings want one. What goes wrong here is told or logged, and fails nothing.
pub(crate) fn after(cx: &Context) {
    if !cx.used_database() {
        return;
    }
    if let Err(failure) = look_around(cx) {
        tracing::debug!(target: "orkee::cloud", "nothing is synced in the background: {}", failure.diagnostic());
    }
}

fn look_around(cx: &Context) -> Result<(), Failure> {
    let settings = cx.read_settings()?;
    let auto = match AutoSync::of(&settings) {
        Ok(auto) => auto,
        Err(error) => {
            cx.out.warn(format_args!("nothing is synced by itself: {error}"));
            return Ok(());
        }
    };
    if !auto.is_any() {
        return Ok(());
    }
    let Some(wanted) = wanted(cx, &settings, &auto)? else { return Ok(()) };
    let (home, place) = (cx.home()?, place(&settings)?);
    if is_cared_for(home, &place) || !may_be_signed_in(home, &settings)? {
        return Ok(());
    }
    if pause(cx, &settings)?.until(Timestamp::now()).is_some() {
        return Ok(());
    }
    let args = ["cloud", "sync", "--unasked", "--detached", "--no-input", "--timeout", LONGEST];
    background::start(home, &args).map_err(AutoError::NotStarted)?;
    Ok(Starts::new(home, place).note(wanted.started()).map_err(AutoError::Unusable)?)
}

/// Why a command starts a sync.
struct Wanted<'a> {
    because: &'static str,
    key: Key,
    setting: &'a Setting<bool>,
}

impl Wanted<'_> {
    fn started(&self) -> Started {
        Started {
            at: rfc3339(Timestamp::now()),
            by: "command".to_owned(),
            because: self.because.to_owned(),
            setting: self.key.config_name(),
            origin: Some(self.setting.origin.to_string()),
        }
    }
}

/// Whether the command made something that is to be sent at once, or came when a sync was due.
fn wanted<'a>(cx: &Context, settings: &Settings, auto: &'a AutoSync) -> Result<Option<Wanted<'a>>, Failure> {
    let made = cx.take_made();
    let kinds = [
        ("created", made.created, (Key::SyncOnCreate, &auto.on_create)),
        ("updated", made.updated, (Key::SyncOnUpdate, &auto.on_update)),
        ("deleted", made.deleted, (Key::SyncOnDelete, &auto.on_delete)),
    ];
    for (because, count, of_kind) in kinds {
        let asks = [(Key::AutoSync, &auto.enabled), of_kind].into_iter().find(|(_, setting)| setting.value);
        if let Some((key, setting)) = asks.filter(|_| count > 0) {
            return Ok(Some(Wanted { because, key, setting }));
        }
    }
    let is_due = auto.enabled.value && is_due(cx.home()?, settings, auto, &pause(cx, settings)?)?;
    Ok(is_due.then_some(Wanted { because: "due", key: Key::AutoSync, setting: &auto.enabled }))
}

/// Whether the last attempt is longer ago than the interval.
fn is_due(home: &Home, settings: &Settings, auto: &AutoSync, pause: &Pause) -> Result<bool, Failure> {
    let tenant = settings.tenant()?.value;
    let Look::Changed(waiting) = Changes::new(&home.database(), &tenant).look()? else { return Ok(false) };
    let last = waiting.last_sync_at.max(pause.failure().map(|failed| failed.at));
    let now = Timestamp::now();
    // A time that is yet to come is that of another clock.
    Ok(last.is_none_or(|last| last > now || last + auto.interval.value <= now))
}

/// Whether a watcher sees it anyway that goes to the same place, or a sync in the background that has not looked yet. One that was
/// given another backend, or has no token where the command has one, does not send it.
fn is_cared_for(home: &Home, place: &Place) -> bool {
    WatchLock::holder(home).is_some_and(|watcher| watcher.is_of(place)) || NextLock::is_held(home, place)
}

/// Whether there is anything that a sync could sign in with. Asks neither a keyring nor a server.
pub(super) fn may_be_signed_in(home: &Home, settings: &Settings) -> Result<bool, SettingsError> {
    let given = settings.text(Key::Token)?.is_some() || settings.text(Key::TokenFile)?.is_some();
    let tenant = settings.tenant()?.value;
    // Of a provider that the person chose, only the provider knows whether it needs a sign-in.
    Ok(given || auth::has_login(home) || settings.tenant_settings(&tenant)?.provider.is_some())
}
