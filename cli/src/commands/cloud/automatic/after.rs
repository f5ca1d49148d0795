//! At the end of a command: whether it leaves something that is to be synced by itself, and the process that does it.
//!
//! Nothing of it is what the command was asked for, and nothing of it waits: a few small files are read, one process may be started.

use jiff::Timestamp;
use orkee_core::auth;
use orkee_core::auto::{AutoSync, Changes, Look, Pause, WatchLock};
use orkee_core::home::Home;
use orkee_core::lock::Note;
use orkee_core::settings::{Key, Settings, SettingsError};

use super::error::AutoError;
use super::{LONGEST, pause};
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
    if !auto.is_any() || !is_wanted(cx, &settings, &auto)? {
        return Ok(());
    }
    let home = cx.home()?;
    if is_cared_for(home, &settings)? || !may_be_signed_in(home, &settings)? {
        return Ok(());
    }
    if pause(cx, &settings)?.until(Timestamp::now()).is_some() {
        return Ok(());
    }
    let args = ["cloud", "sync", "--unasked", "--detached", "--no-input", "--timeout", LONGEST];
    Ok(background::start(home, &args).map_err(AutoError::NotStarted)?)
}

/// Whether the command made something that is to be sent at once, or came when a sync was due.
fn is_wanted(cx: &Context, settings: &Settings, auto: &AutoSync) -> Result<bool, Failure> {
    let made = cx.take_made();
    let by_kind = [
        (auto.enabled.value, made.is_any()),
        (auto.on_create.value, made.created > 0),
        (auto.on_update.value, made.updated > 0),
        (auto.on_delete.value, made.deleted > 0),
    ];
    if by_kind.iter().any(|(wants, has)| *wants && *has) {
        return Ok(true);
    }
    Ok(auto.enabled.value && is_due(cx.home()?, settings, auto, &pause(cx, settings)?)?)
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

/// Whether a watcher sees it anyway, or a sync in the background that has not looked yet.
fn is_cared_for(home: &Home, settings: &Settings) -> Result<bool, SettingsError> {
    let tenant = settings.tenant()?.value;
    let watched = WatchLock::holder(home).is_some_and(|watcher| watcher.purpose == tenant);
    Ok(watched || Note::of(&home.background_next_lock()).is_some())
}

/// Whether there is anything that a sync could sign in with. Asks neither a keyring nor a server.
pub(super) fn may_be_signed_in(home: &Home, settings: &Settings) -> Result<bool, SettingsError> {
    let given = settings.text(Key::Token)?.is_some() || settings.text(Key::TokenFile)?.is_some();
    let tenant = settings.tenant()?.value;
    // Of a provider that the person chose, only the provider knows whether it needs a sign-in.
    Ok(given || auth::has_login(home) || settings.tenant_settings(&tenant)?.provider.is_some())
}
