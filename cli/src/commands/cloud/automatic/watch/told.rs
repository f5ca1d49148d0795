//! What a watcher says: to a person a line for what matters, once; to a script an object a line for each thing that happens.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orkee_core::auto::{Because, Failed};
use orkee_core::clock::rfc3339;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::text;

/// What a sync said of itself, as far as it is told on.
#[derive(Debug, Default, Clone, Deserialize)]
pub(super) struct Moved {
    pub(super) pushed: u64,
    pub(super) pulled: u64,
    merged: u64,
    conflicts: u64,
    deleted: u64,
    parked: Vec<serde::de::IgnoredAny>,
    duration_ms: u64,
    request_id: Option<String>,
}

impl Moved {
    pub(super) fn is_any(&self) -> bool {
        self.pushed + self.pulled + self.merged + self.deleted + self.conflicts > 0
    }
}

/// One thing that happened.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Happened<'a> {
    Started {
        pid: u32,
        interval_seconds: u64,
        tenant: Option<&'a str>,
    },
    Synced {
        because: &'static str,
        pushed: u64,
        pulled: u64,
        merged: u64,
        conflicts: u64,
        deleted: u64,
        parked: usize,
        duration_ms: u64,
        request_id: Option<&'a str>,
    },
    Failed {
        code: &'a str,
        message: &'a str,
        hint: Option<&'a str>,
        /// None: somebody has to do something first.
        again_at: Option<String>,
    },
    Trouble {
        message: &'a str,
    },
    DatabaseGone {
        path: String,
    },
    DatabaseBack,
    Settings {
        interval_seconds: u64,
        tenant: Option<&'a str>,
    },
    Woke,
    Stopped,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    #[serde(flatten)]
    happened: Happened<'a>,
}

/// Where a watcher speaks, and what it has said.
pub(super) struct Told<'a> {
    cx: &'a Context,
    /// The failure that was told last, until something succeeds.
    failed: Option<(String, String)>,
    parked: usize,
}

impl<'a> Told<'a> {
    pub(super) fn new(cx: &'a Context) -> Self {
        Self { cx, failed: None, parked: 0 }
    }

    fn script(&self, happened: Happened<'_>) -> Result<(), Failure> {
        if self.cx.out.is_json() {
            self.cx.out.document(&Line { at: rfc3339(Timestamp::now()), happened })?;
            self.cx.out.finish()?;
        }
        Ok(())
    }

    fn person(&self, line: &str) -> Result<(), Failure> {
        self.cx.out.done(format_args!("{} {line}", time()))?;
        Ok(self.cx.out.finish()?)
    }

    fn warn(&self, line: &str) {
        if !self.cx.out.is_json() {
            self.cx.out.warn(format_args!("{} {line}", time()));
        }
    }

    pub(super) fn started(&self, interval: u64, tenant: &str) -> Result<(), Failure> {
        if !self.cx.out.is_json() {
            self.cx.out.note(format_args!("Watching, and looking every {interval} s; Ctrl-C ends it."));
        }
        let tenant = Some(tenant).filter(|tenant| !tenant.is_empty());
        self.script(Happened::Started { pid: std::process::id(), interval_seconds: interval, tenant })
    }

    pub(super) fn synced(&mut self, because: Because, moved: &Moved) -> Result<(), Failure> {
        let Moved { pushed, pulled, merged, conflicts, deleted, parked, duration_ms, request_id } = moved;
        if self.failed.take().is_some() && !moved.is_any() {
            self.person("in step again")?;
        }
        if moved.is_any() {
            let counts = [
                (pushed, "sent"),
                (pulled, "fetched"),
                (merged, "merged"),
                (deleted, "deleted"),
                (conflicts, "in conflict"),
            ];
            let counts = counts.iter().filter(|(count, _)| **count > 0);
            let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
            self.person(&counts.join(", "))?;
        }
        if *conflicts > 0 {
            self.warn("a conflict is to be settled: `orkee cloud conflicts`");
        }
        let parked = parked.len();
        if parked > 0 && parked != self.parked {
            self.warn(&format!("{parked} set aside: `orkee cloud parked`"));
        }
        self.parked = parked;
        self.script(Happened::Synced {
            because: because.as_str(),
            pushed: *pushed,
            pulled: *pulled,
            merged: *merged,
            conflicts: *conflicts,
            deleted: *deleted,
            parked,
            duration_ms: *duration_ms,
            request_id: request_id.as_deref(),
        })
    }

    /// A failure is told when it begins and when it becomes another one, and to a script each time.
    pub(super) fn failed(&mut self, failed: &Failed) -> Result<(), Failure> {
        let what = (failed.code.clone(), failed.message.clone());
        if self.failed.as_ref() != Some(&what) {
            let message = text::line(&failed.message);
            let hint =
                failed.hint.as_deref().map(|hint| format!("; {}", text::line(hint))).unwrap_or_default();
            let again =
                if failed.needs_answer { "not tried again before that" } else { "tried again by itself" };
            self.warn(&format!("{message}{hint} ({again})"));
            self.failed = Some(what);
        }
        self.script(Happened::Failed {
            code: &failed.code,
            message: &failed.message,
            hint: failed.hint.as_deref(),
            again_at: (!failed.needs_answer).then(|| rfc3339(failed.not_before)),
        })
    }

    pub(super) fn trouble(&self, what: &str) -> Result<(), Failure> {
        self.warn(what);
        self.script(Happened::Trouble { message: what })
    }

    pub(super) fn gone(&self, path: &Path) -> Result<(), Failure> {
        let path = path.display().to_string();
        self.warn(&format!("the database {path} is gone; waiting for it, and none is made"));
        self.script(Happened::DatabaseGone { path })
    }

    pub(super) fn back(&self) -> Result<(), Failure> {
        self.person("the database is there again")?;
        self.script(Happened::DatabaseBack)
    }

    pub(super) fn settings(&self, interval: u64, tenant: &str) -> Result<(), Failure> {
        self.person(&format!("read the settings anew; every {interval} s"))?;
        let tenant = Some(tenant).filter(|tenant| !tenant.is_empty());
        self.script(Happened::Settings { interval_seconds: interval, tenant })
    }

    pub(super) fn woke(&self) -> Result<(), Failure> {
        self.script(Happened::Woke)
    }

    pub(super) fn stopped(&self) -> Result<(), Failure> {
        self.script(Happened::Stopped)
    }
}

fn time() -> String {
    Timestamp::now().to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}
