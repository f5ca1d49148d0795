//! What `status` says of automatic sync: whether and how, when the next one is, what waits and why.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orkee_core::auto::{AutoSync, Changes, Failed, Look, Started, Starts, WatchLock};
use orkee_core::clock::rfc3339;
use serde::Serialize;

use super::{after, pause, place};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::text;

/// How automatic sync stands.
pub(in crate::commands) struct Automatic {
    settings: AutoSync,
    watcher: Option<u32>,
    is_watched: bool,
    signed_in: bool,
    last_sync_at: Option<Timestamp>,
    waiting: u64,
    since: Option<Timestamp>,
    failure: Option<Failed>,
    started: Option<Started>,
}

/// The same in the few words that are shown all the time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::commands) struct Brief {
    /// A watcher is at work.
    pub(in crate::commands) is_watched: bool,
    /// It is on, with or without a watcher.
    pub(in crate::commands) is_on: bool,
    /// Nobody is signed in.
    pub(in crate::commands) signed_out: bool,
    /// When the next one is; none: there is none, or somebody has to do something first.
    pub(in crate::commands) next: Option<Timestamp>,
    /// How the last sync failed; none: it did not.
    pub(in crate::commands) failure: Option<String>,
}

/// Of automatic sync, what `status --json` holds.
#[derive(Serialize)]
pub(in crate::commands::cloud) struct AutomaticView {
    automatic: SettingsView,
    next_automatic_sync_at: Option<String>,
    waiting_since: Option<String>,
    last_failure: Option<FailureView>,
}

#[derive(Serialize)]
struct SettingsView {
    enabled: bool,
    interval_seconds: u64,
    on_create: bool,
    on_update: bool,
    on_delete: bool,
    /// A watcher is at work.
    watched: bool,
    /// Its process.
    watcher: Option<u32>,
    /// What began the last sync that nobody typed; none: there was none.
    last_started_by: Option<Started>,
}

#[derive(Serialize)]
struct FailureView {
    code: String,
    message: String,
    hint: Option<String>,
    at: String,
    /// Somebody has to do something before it is tried again.
    needs_answer: bool,
}

impl Automatic {
    /// Reads it. The store has been opened, and so is there.
    pub(in crate::commands) fn of(cx: &Context) -> Result<Self, Failure> {
        let (settings, home) = (cx.settings()?, cx.home()?);
        let tenant = settings.tenant()?.value;
        let mut changes = Changes::new(&home.database(), &tenant);
        let last_sync_at = match changes.look()? {
            Look::Changed(waiting) => waiting.last_sync_at,
            Look::Same | Look::Gone => None,
        };
        let (waiting, since) = changes.waiting_since()?;
        let watcher = WatchLock::holder(home).filter(|watcher| watcher.watches(&tenant));
        Ok(Self {
            settings: AutoSync::of(settings)?,
            is_watched: watcher.is_some(),
            watcher: watcher.and_then(|watcher| watcher.pid),
            signed_in: after::may_be_signed_in(home, settings)?,
            last_sync_at,
            waiting,
            since,
            failure: pause(cx, settings)?.failure(),
            started: Starts::new(home, place(settings)?).last(),
        })
    }

    /// In a few words.
    pub(in crate::commands) fn in_brief(&self, now: Timestamp) -> Brief {
        Brief {
            is_watched: self.is_watched,
            is_on: self.is_watched || self.settings.enabled.value,
            signed_out: !self.signed_in,
            next: self.next(now),
            failure: self.failure.as_ref().map(|failed| failed.message.clone()),
        }
    }

    /// When the next one is, at the earliest. None: there is none, or it waits for somebody.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.signed_in || !(self.is_watched || self.settings.enabled.value) {
            return None;
        }
        match &self.failure {
            Some(failed) if failed.needs_answer => None,
            Some(failed) => Some(failed.not_before.max(now)),
            None => {
                let due =
                    self.last_sync_at.filter(|at| *at <= now).map(|at| at + self.settings.interval.value);
                Some(due.map_or(now, |due| due.max(now)))
            }
        }
    }

    /// The lines of it. `told`: what to do that is told anyway.
    pub(in crate::commands::cloud) fn print(&self, cx: &Context, told: Option<&str>) -> Result<(), Failure> {
        cx.out.line(format_args!("Automatic sync: {}", self.how()))?;
        let now = Timestamp::now();
        if self.is_watched || self.settings.enabled.value {
            let next = match self.next(now) {
                Some(at) if at > now => utc(at),
                Some(_) if self.is_watched => "now".to_owned(),
                Some(_) => "with the next command".to_owned(),
                None if !self.signed_in => "once you are signed in".to_owned(),
                None => "once that is settled which stopped the last one".to_owned(),
            };
            cx.out.line(format_args!("Next automatic sync: {next}"))?;
        }
        if let Some(started) = &self.started {
            cx.out.line(format_args!("Last automatic sync: {}", began(started)))?;
        }
        if self.waiting > 0
            && let Some(since) = self.since
        {
            let why = self.failure.as_ref().map(|failed| format!(": {}", text::line(&failed.message)));
            let why = why.unwrap_or_default();
            let many = if self.waiting == 1 { "project" } else { "projects" };
            let (waiting, since) = (self.waiting, utc(since));
            cx.out.line(format_args!("Not sent yet: {waiting} {many}, since {since}{why}"))?;
        } else if let Some(failed) = &self.failure {
            let (at, message) = (utc(failed.at), text::line(&failed.message));
            cx.out.line(format_args!("{} Last failure: {at}: {message}", cx.out.mark(false)))?;
        }
        let hint = self.failure.as_ref().and_then(|failed| failed.hint.as_deref());
        if let Some(hint) = hint.filter(|hint| told != Some(*hint)) {
            cx.out.note(format_args!("hint: {}", text::line(hint)));
        }
        Ok(())
    }

    fn how(&self) -> String {
        let every = format!("every {} s", self.settings.interval.value.as_secs());
        if self.is_watched {
            let process = self.watcher.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            return format!("on, {every}, watcher running{process}");
        }
        if self.settings.enabled.value {
            return format!("on, with each command that changes something, and {every}");
        }
        let AutoSync { on_create, on_update, on_delete, .. } = &self.settings;
        let kinds = [(on_create, "added"), (on_update, "changed"), (on_delete, "deleted")];
        let kinds: Vec<&str> = kinds.into_iter().filter(|(on, _)| on.value).map(|(_, word)| word).collect();
        match kinds.as_slice() {
            [] => "off".to_owned(),
            kinds => format!("when a project is {}", kinds.join(" or ")),
        }
    }

    pub(in crate::commands::cloud) fn view(&self) -> AutomaticView {
        let AutoSync { enabled, interval, on_create, on_update, on_delete } = &self.settings;
        AutomaticView {
            automatic: SettingsView {
                enabled: enabled.value,
                interval_seconds: interval.value.as_secs(),
                on_create: on_create.value,
                on_update: on_update.value,
                on_delete: on_delete.value,
                watched: self.is_watched,
                watcher: self.watcher,
                last_started_by: self.started.clone(),
            },
            next_automatic_sync_at: self.next(Timestamp::now()).map(rfc3339),
            waiting_since: self.since.map(rfc3339),
            last_failure: self.failure.as_ref().map(|failed| FailureView {
                code: failed.code.clone(),
                message: failed.message.clone(),
                hint: failed.hint.clone(),
                at: rfc3339(failed.at),
                needs_answer: failed.needs_answer,
            }),
        }
    }
}

/// What began a sync, in words. A word that another release wrote is told as it is.
fn began(started: &Started) -> String {
    let at = started.at.parse().map_or_else(|_| text::line(&started.at), utc);
    let other = text::line(&started.because);
    let because = match started.because.as_str() {
        "created" => "a project was added",
        "updated" => "a project was changed",
        "deleted" => "a project was deleted",
        "due" => "it was due",
        "began" => "it began",
        "wrote" => "something was changed here",
        "told" => "something was changed elsewhere",
        "again" => "the one before had failed",
        "woke" => "the machine had slept",
        _ => &other,
    };
    let asked = match (&started.setting, &started.origin) {
        (Some(setting), Some(origin)) => {
            format!(" ({}, set by {})", text::line(setting), text::line(origin))
        }
        _ => String::new(),
    };
    let by = if started.by == "watcher" { "by the watcher" } else { "after a command" };
    format!("{at}, {by}: {because}{asked}")
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
