//! Syncs that nobody typed: after a command, in the background; by a watcher; by a service.
//!
//! Each is `orkee cloud sync --unasked` in a process of its own, so that neither a command nor a watcher carries what it takes. What
//! all of them know of the last one stands in [`Pause`]: every sync writes it, a typed one too.

mod after;
mod disable;
mod enable;
mod error;
mod service;
mod standing;
mod watch;

use std::time::Duration;

use jiff::Timestamp;
use orkee_core::auto::{Ended, NextLock, Pause, Place};
use orkee_core::diagnostic::Diagnostic;
use orkee_core::lock::FileLock;
use orkee_core::settings::{Key, Settings, SettingsError};
use orkee_core::sync::SyncError;
use orkee_core::sync::provider::{Failure as ProviderFailure, ProviderError};

use super::running;
use crate::background;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) use after::after;
pub(crate) use disable::Disable;
pub(crate) use enable::Enable;
use error::AutoError;
pub(super) use standing::AutomaticView;
pub(in crate::commands) use standing::{Automatic, Brief};
pub(crate) use watch::Watch;

/// A sync in the background is given up after so long.
const LONGEST: &str = "600";

/// Whose projects these settings mean, where to, and as whom.
fn place(settings: &Settings) -> Result<Place, SettingsError> {
    let (tenant, api) = (settings.tenant()?.value, settings.api_url(None)?.value);
    let has_token = settings.text(Key::Token)?.is_some() || settings.text(Key::TokenFile)?.is_some();
    Ok(Place { tenant, api, has_token })
}

/// The pause of the projects that these settings mean.
pub(super) fn pause(cx: &Context, settings: &Settings) -> Result<Pause, Failure> {
    Ok(Pause::new(cx.home()?, place(settings)?))
}

/// Notes how a sync ended. That it cannot be noted costs no more than a try too many.
pub(super) fn note(cx: &Context, automatic: bool, failure: Option<&Failure>) {
    let noted = (|| {
        let pause = pause(cx, cx.settings()?)?;
        let written = match failure {
            None => pause.clear(),
            Some(failure) => pause.note(&ended(failure, automatic), Timestamp::now(), running::random()),
        };
        Ok::<_, Failure>(written.map_err(AutoError::Unusable)?)
    })();
    if let Err(failure) = noted {
        tracing::debug!(target: "orkee::cloud", "how the sync ended is not noted: {}", failure.diagnostic());
    }
}

/// Whether the sync before failed in the same way.
pub(super) fn is_known(cx: &Context, failure: &Failure) -> bool {
    let pause = cx.settings().and_then(|settings| pause(cx, settings));
    let before = pause.ok().and_then(|pause| pause.failure());
    before.is_some_and(|before| before.code == failure.diagnostic().code())
}

fn ended(failure: &Failure, automatic: bool) -> Ended {
    let error = failure.diagnostic();
    Ended {
        code: error.code().to_owned(),
        kind: error.kind(),
        message: error.to_string(),
        hint: error.hint(),
        asked: asked(error),
        automatic,
    }
}

/// How long the server asked to be left alone.
fn asked(error: &(dyn Diagnostic + Send + Sync + 'static)) -> Option<Duration> {
    let error: &(dyn std::error::Error + 'static) = error;
    let of_sync = error.downcast_ref::<SyncError>().and_then(|error| match error {
        SyncError::Provider(error) => Some(error),
        _ => None,
    });
    match of_sync.or_else(|| error.downcast_ref::<ProviderError>())?.failure {
        ProviderFailure::Busy(asked) => asked,
        _ => None,
    }
}

/// The person did what a sync may have waited for. A server that wants to be left alone still does.
pub(super) fn lift(cx: &Context) {
    let pause = cx.settings().and_then(|settings| pause(cx, settings));
    let failure = pause.ok().and_then(|pause| pause.failure());
    if failure.is_some_and(|failed| failed.needs_answer) {
        note(cx, false, None);
    }
}

/// The turn of a sync in the background: one is at work, and one waits behind it, which sends what was written meanwhile. None: one
/// waits already, and has not looked yet.
pub(super) fn take_turn(cx: &Context) -> Result<Option<FileLock>, Failure> {
    background::leave_terminal();
    let home = cx.home()?;
    let next = NextLock::take(home, &place(cx.settings()?)?).map_err(AutoError::Unusable)?;
    let Some(next) = next else { return Ok(None) };
    let turn = FileLock::wait(&home.background_lock(), "").map_err(AutoError::Unusable)?;
    // Whoever comes from here on waits behind this one, which has not looked at the store yet.
    drop(next);
    Ok(Some(turn))
}

/// An interval, as `cloud.sync_interval` takes it.
fn seconds(text: &str) -> Result<u64, String> {
    let seconds = text.trim().parse().ok().filter(|seconds| (1..=31_536_000).contains(seconds));
    seconds.ok_or_else(|| "it takes a number of seconds from 1 to 31536000".to_owned())
}
