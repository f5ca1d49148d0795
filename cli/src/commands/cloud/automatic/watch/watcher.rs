//! A watcher: notices, decides, and has others do it.
//!
//! It looks four times a second whether somebody wrote, by one number of SQLite's, and otherwise sleeps. Syncing and listening are
//! done by processes of their own, so that what they take goes with them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};
use orkee_core::auto::{
    AutoSync, Because, Changes, Ended, Look, Pause, Place, Plan, Started, Starts, Waiting, Wake, WatchLock,
};
use orkee_core::clock::rfc3339;
use orkee_core::diagnostic::Kind;
use orkee_core::settings::Settings;
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::super::super::running::random;
use super::super::error::AutoError;
use super::super::{ended, place};
use super::child::{AtWork, Errand, Said};
use super::listening::Ear;
use super::told::{Moved, Told};
use crate::context::Context;
use crate::failure::Failure;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// Between two looks at the files of settings, and at the pause where there is one.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// A sync that is under way at the end is waited for so long.
const LAST_SYNC: Duration = Duration::from_secs(10);
/// Failures that say nothing once the machine has slept.
const UNREACHABLE: [&str; 2] = ["E-NET-001", "E-NET-002"];
/// The longest that a watcher waits for what only it knows of.
const OWN_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// What is noted is cut to milliseconds.
const SLACK: SignedDuration = SignedDuration::from_millis(2);

/// Why a watcher came to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stopped {
    Interrupted,
    Terminated,
}

/// What the settings say.
struct Wanted {
    interval: Duration,
    tenant: String,
    place: Place,
    pause: Pause,
    starts: Starts,
}

pub(super) struct Watcher<'a> {
    cx: &'a Context,
    lock: WatchLock,
    /// `--interval`
    interval: Option<Duration>,
    wanted: Wanted,
    files: BTreeMap<PathBuf, (i64, i64, u64)>,
    database: PathBuf,
    changes: Changes,
    newest: Waiting,
    is_gone: bool,
    is_unreadable: bool,
    plan: Plan,
    wake: Wake,
    began: Instant,
    looked_around: Option<Duration>,
    /// No automatic sync before; looked up now and then.
    is_paused: bool,
    /// The same of failures that could not be noted for others, or were not, and how many came one after the other.
    own_pause: Duration,
    unnoted: u32,
    program: PathBuf,
    said: UnboundedSender<Said>,
    hears: UnboundedReceiver<Said>,
    children: u64,
    sync: Option<(AtWork, Because, Timestamp)>,
    ear: Ear,
    told: Told<'a>,
}

#[derive(Deserialize)]
struct Refused {
    error: Reported,
}

#[derive(Deserialize)]
struct Reported {
    code: String,
    message: String,
    hint: Option<String>,
}

/// What an exit code says, see [`Kind::exit_code`].
fn kind_of(code: Option<i32>) -> Kind {
    let all = [Kind::Usage, Kind::Auth, Kind::Conflict, Kind::Network, Kind::Timeout, Kind::Interrupted];
    let is = |kind: &Kind| code == Some(i32::from(kind.exit_code()));
    all.into_iter().find(is).unwrap_or(Kind::Failed)
}

impl<'a> Watcher<'a> {
    pub(super) fn new(cx: &'a Context, lock: WatchLock, interval: Option<Duration>) -> Result<Self, Failure> {
        let home = cx.home()?;
        let wanted = Wanted::of(cx, cx.settings()?, interval)?;
        let database = home.database();
        let (said, hears) = unbounded_channel();
        let mut watcher = Self {
            cx,
            lock,
            interval,
            changes: Changes::new(&database, &wanted.tenant),
            database,
            plan: Plan::new(wanted.interval, Duration::ZERO),
            wanted,
            files: BTreeMap::new(),
            newest: Waiting::default(),
            is_gone: false,
            is_unreadable: false,
            wake: Wake::new(day(), Duration::ZERO),
            began: Instant::now(),
            looked_around: None,
            is_paused: false,
            own_pause: Duration::ZERO,
            unnoted: 0,
            // As it is now: an update puts another file in its place, which is then the one to run.
            program: std::env::current_exe().map_err(AutoError::NotStarted)?,
            said,
            hears,
            children: 0,
            sync: None,
            ear: Ear::default(),
            told: Told::new(cx),
        };
        watcher.files = watcher.files_now();
        Ok(watcher)
    }

    pub(super) fn begin(&self) -> Result<(), Failure> {
        self.told.started(self.wanted.interval.as_secs(), &self.wanted.tenant)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// How long there is nothing to look at.
    pub(super) fn nap(&self) -> Duration {
        let is_blocked = self.is_paused || self.is_gone || self.is_unreadable || self.sync.is_some();
        nap(self.plan.wakes_at().saturating_sub(self.now()), is_blocked)
    }

    /// Nobody reads what a script asked for.
    pub(super) fn is_unheard(&self) -> bool {
        self.cx.out.is_json() && self.cx.out.is_closed()
    }

    /// Looks at everything once, and begins what is to be done.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        let now = self.now();
        if self.wake.look(day(), now) {
            self.told.woke()?;
            self.ear.forget(now);
            let failed = self.wanted.pause.failure();
            // That nobody could be reached before says nothing about now.
            if failed.is_none_or(|failed| UNREACHABLE.contains(&failed.code.as_str())) {
                self.plan.woke();
            }
        }
        if self.looked_around.is_none_or(|at| now >= at + LOOK_AROUND) {
            self.looked_around = Some(now);
            if self.files != self.files_now() {
                self.read_settings()?;
            }
            self.is_paused = now < self.own_pause || self.wanted.pause.until(Timestamp::now()).is_some();
        }
        self.look_for_changes(now)?;
        if self.is_gone || self.is_unreadable {
            return Ok(());
        }
        let next = self.plan.next(now).filter(|because| !self.is_paused || *because == Because::Woke);
        match next {
            Some(because) if self.sync.is_none() => self.begin_sync(because),
            None if self.sync.is_none() && !self.is_paused => {
                if self.ear.may_begin(now) {
                    let child = self.start(Errand::Listen).ok();
                    self.ear.begin(child, now);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn look_for_changes(&mut self, now: Duration) -> Result<(), Failure> {
        let look = match self.changes.look() {
            Ok(look) => look,
            Err(error) => {
                if !std::mem::replace(&mut self.is_unreadable, true) {
                    tracing::warn!(target: "orkee::cloud", %error, "the watcher cannot read the database");
                    self.told.trouble(&format!("{error}; waiting until it can be read"))?;
                }
                return Ok(());
            }
        };
        match look {
            Look::Gone if !self.is_gone => {
                self.is_gone = true;
                self.ear.dismiss();
                self.told.gone(&self.database)?;
            }
            Look::Changed(waiting) => {
                let was_gone = std::mem::take(&mut self.is_gone);
                if std::mem::take(&mut self.is_unreadable) || was_gone {
                    self.told.back()?;
                    self.plan.was_told();
                }
                if waiting.last_sync_at > self.newest.last_sync_at && self.sync.is_none() {
                    // Somebody else's sync counts as one, and has moved the mark that is listened after.
                    self.plan.ended(now, random());
                    self.ear.dismiss();
                }
                self.newest = waiting;
                self.plan.saw(&waiting, now);
            }
            Look::Gone | Look::Same => {}
        }
        Ok(())
    }

    fn begin_sync(&mut self, because: Because) -> Result<(), Failure> {
        self.ear.dismiss();
        self.plan.begins(self.newest.newest);
        match self.start(Errand::Sync) {
            Ok(child) => {
                self.sync = Some((child, because, Timestamp::now()));
                self.note_start(because);
            }
            Err(error) => {
                let failure = AutoError::NotStarted(error).into();
                self.sync_failed(&ended(&failure, true), Timestamp::now())?;
            }
        }
        Ok(())
    }

    /// For whoever asks what began it. That nobody can be told stops nothing.
    fn note_start(&self, because: Because) {
        let started = Started {
            at: rfc3339(Timestamp::now()),
            by: "watcher".to_owned(),
            because: because.as_str().to_owned(),
            setting: None,
            origin: None,
        };
        if let Err(error) = self.wanted.starts.note(started) {
            tracing::debug!(target: "orkee::cloud", %error, "what began a sync cannot be noted");
        }
    }

    fn start(&mut self, errand: Errand) -> std::io::Result<AtWork> {
        self.children += 1;
        let verbose = self.cx.global.verbose;
        AtWork::start(&self.program, errand, self.children, verbose, self.said.clone())
    }

    /// A child that has said all. The sender is held here, so that there is always another.
    pub(super) async fn child_ended(&mut self) -> Said {
        match self.hears.recv().await {
            Some(said) => said,
            None => std::future::pending().await,
        }
    }

    pub(super) fn ended(&mut self, said: Said) -> Result<(), Failure> {
        match said.errand {
            Errand::Listen => {
                let now = self.now();
                if self.ear.ended(&said, now) {
                    self.plan.was_told();
                }
                Ok(())
            }
            Errand::Sync => match self.sync.take() {
                Some((child, because, begun)) if child.number == said.number => {
                    let (code, how) = child.end();
                    self.synced(because, begun, &said.text, code, how)
                }
                other => {
                    self.sync = other;
                    Ok(())
                }
            },
        }
    }

    fn synced(
        &mut self,
        because: Because,
        begun: Timestamp,
        text: &[u8],
        code: Option<i32>,
        how: String,
    ) -> Result<(), Failure> {
        // At once: what others wrote meanwhile is not waited for until the next look.
        self.looked_around = None;
        let moved = serde_json::from_slice::<Moved>(text).ok();
        // It says by its exit code that it came to its end, however much it had to say.
        if let Some(moved) = moved
            .or_else(|| matches!(code, Some(0 | 3 | 5)).then(Moved::default).filter(|_| text.len() > 1024))
        {
            self.unnoted = 0;
            self.plan.ended(self.now(), random());
            self.ear.brought(because, &moved, self.now());
            return self.told.synced(because, &moved);
        }
        match serde_json::from_slice::<Refused>(text) {
            Ok(Refused { error: Reported { code: name, message, hint } }) => {
                let kind = kind_of(code);
                let refused = Ended { code: name, kind, message, hint, asked: None, automatic: true };
                self.sync_failed(&refused, begun)
            }
            Err(_) => {
                let failure = AutoError::Silent(how).into();
                self.sync_failed(&ended(&failure, true), begun)
            }
        }
    }

    /// The sync failed. It has noted that itself; where it could not, or died, it is noted here, and kept in mind in any case.
    fn sync_failed(&mut self, refused: &Ended, begun: Timestamp) -> Result<(), Failure> {
        let (now, at) = (self.now(), Timestamp::now());
        self.plan.failed(now, random());
        (self.is_paused, self.looked_around) = (true, Some(now));
        let noted = self.wanted.pause.failure().filter(|failed| failed.at >= begun - SLACK);
        if let Some(failed) = noted {
            return self.told.failed(&failed);
        }
        self.unnoted = self.unnoted.saturating_add(1);
        let failed = self.wanted.pause.judge(refused, self.unnoted, at, random());
        let wait = failed.not_before.duration_since(at).min(OWN_PAUSE);
        self.own_pause = now + wait.unsigned_abs();
        if !refused.is_failure() {
            return Ok(());
        }
        if let Err(error) = self.wanted.pause.note(refused, at, random()) {
            tracing::debug!(target: "orkee::cloud", %error, "a failed sync cannot be noted");
        }
        self.told.failed(&failed)
    }

    /// Reads the settings as they are now. Wrong ones are told, and the former ones stay.
    pub(super) fn read_settings(&mut self) -> Result<(), Failure> {
        self.files = self.files_now();
        let read = self.cx.read_settings().and_then(|settings| Wanted::of(self.cx, &settings, self.interval));
        let wanted = match read {
            Ok(wanted) => wanted,
            Err(failure) => {
                return self.told.trouble(&format!("{}; the former settings stay", failure.diagnostic()));
            }
        };
        let now = self.now();
        if wanted.place != self.wanted.place {
            self.lock.turn_to(&wanted.place);
        }
        if wanted.tenant != self.wanted.tenant {
            self.changes = Changes::new(&self.database, &wanted.tenant);
            self.newest = Waiting::default();
            self.plan = Plan::new(wanted.interval, now);
        } else if wanted.interval != self.wanted.interval {
            self.plan.set_interval(wanted.interval, now, random());
        }
        self.wanted = wanted;
        // Another backend may be meant by now.
        self.ear.turn(now);
        (self.own_pause, self.unnoted, self.looked_around) = (Duration::ZERO, 0, None);
        self.told.settings(self.wanted.interval.as_secs(), &self.wanted.tenant)
    }

    /// How the files of settings stand.
    fn files_now(&self) -> BTreeMap<PathBuf, (i64, i64, u64)> {
        let home = self.database.parent().map(|home| [home.join("config.toml"), home.join(".env")]);
        let folder = self.cx.folder().ok().map(|folder| folder.join(".env"));
        let stands = |path: PathBuf| {
            let meta = fs::metadata(&path).ok()?;
            Some((path, (meta.mtime(), meta.mtime_nsec(), meta.ino())))
        };
        home.into_iter().flatten().chain(folder).filter_map(stands).collect()
    }

    /// Ends: listening at once, a sync that is under way by itself.
    pub(super) async fn stop(&mut self) -> Result<(), Failure> {
        self.ear.dismiss();
        let given_up = tokio::time::sleep(LAST_SYNC);
        tokio::pin!(given_up);
        while self.sync.is_some() {
            tokio::select! {
                said = self.hears.recv() => match said {
                    Some(said) => self.ended(said)?,
                    None => break,
                },
                () = &mut given_up => break,
            }
        }
        self.told.stopped()
    }
}

/// How long to sleep where the next thing to do is so far away. What may not begin now is not waited for in small steps.
fn nap(next: Duration, is_blocked: bool) -> Duration {
    if is_blocked { LOOK } else { next.clamp(Duration::from_millis(10), LOOK) }
}

impl Wanted {
    fn of(cx: &Context, settings: &Settings, interval: Option<Duration>) -> Result<Self, Failure> {
        let (auto, place, home) = (AutoSync::of(settings)?, place(settings)?, cx.home()?);
        Ok(Self {
            interval: interval.unwrap_or(auto.interval.value),
            tenant: place.tenant.clone(),
            pause: Pause::new(home, place.clone()),
            starts: Starts::new(home, place.clone()),
            place,
        })
    }
}

/// The clock of the day.
fn day() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_begin_is_not_waited_for_in_small_steps() {
        assert_eq!(nap(Duration::ZERO, true), LOOK);
        assert_eq!(nap(Duration::ZERO, false), Duration::from_millis(10));
        assert_eq!(nap(Duration::from_secs(9), false), LOOK);
    }

    #[test]
    fn each_exit_code_is_that_of_its_kind() {
        for kind in [Kind::Failed, Kind::Usage, Kind::Auth, Kind::Conflict, Kind::Network, Kind::Timeout] {
            assert_eq!(kind_of(Some(kind.exit_code().into())), kind);
        }
        assert_eq!(kind_of(None), Kind::Failed);
    }
}
