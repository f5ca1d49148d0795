//! Running a sync for `sync` and `restore`: lock, retries, deadline, what the person sees, what the log keeps.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::event::NewEvent;
use orkee_core::id;
use orkee_core::net::TrafficCount;
use orkee_core::seal::keys::{Keys, Standing};
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome, Durability, Point, Store};
use orkee_core::sync::provider::Failure as ProviderFailure;
use orkee_core::sync::{self, Event, Options, Parked, Push, Summary, SyncError, SyncLock, What, retry};
use serde::Serialize;
use thiserror::Error;

use super::automatic;
use super::connection::Connection;
use super::key::{self, Desk};
use super::places;
use super::progress::Progress;
use super::report;
use super::surroundings::{self, Cloud};
use super::sync::exit;
use super::team_mode;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Failure};

/// A sync that nobody typed waits so long for one that is under way: it has nothing else to do, and nobody waits for it.
const BEHIND_OTHERS: Duration = Duration::from_secs(600);

/// One run.
pub(super) struct Run {
    /// For the log: `sync` or `restore`.
    pub(super) operation: &'static str,
    pub(super) options: Options,
    pub(super) patience: Patience,
    /// The command, for the restore point of what overwrites something knowingly.
    pub(super) keeps: Option<String>,
    /// The person agrees beforehand to where the store's projects go.
    pub(super) yes: bool,
    /// Nobody typed it.
    pub(super) automatic: bool,
}

/// How long to try.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    /// Repetitions after a failure that may pass.
    pub(super) retry: u32,
    /// For the whole run.
    pub(super) timeout: Option<Duration>,
}

/// What a run did, over all its attempts. Changes were told as they happened; here are their numbers.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Whose sign-in it was done with.
    pub(super) who: Option<String>,
    pub(super) changes: Summary,
    /// The first projects that came, for [`places`].
    pub(super) came: Vec<Event>,
    pub(super) traffic: TrafficCount,
    pub(super) duration: Duration,
    /// Conflicts that stand in the store now.
    pub(super) unsettled: usize,
    /// The way back to what was overwritten.
    pub(super) point: Option<Point>,
}

/// `orkee cloud sync --json`
#[derive(Debug, Serialize)]
struct Document<'a> {
    pushed: u64,
    pulled: u64,
    merged: u64,
    conflicts: u64,
    deleted: u64,
    parked: Vec<ParkedView<'a>>,
    round_trips: u64,
    bytes_up: u64,
    bytes_down: u64,
    duration_ms: u128,
    request_id: Option<&'a str>,
    dry_run: bool,
    mended: u64,
    /// Projects that the cloud still holds in a form that is to be changed; none: no change is under way.
    left_to_reseal: Option<u64>,
    restore_point: Option<u64>,
    /// Projects that were fetched and whose folders are not on this device.
    missing_folders: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct ParkedView<'a> {
    id: &'a str,
    reason: &'a str,
}

/// A run that came to its end.
pub(super) struct Ended {
    pub(super) done: Done,
    /// How the account is sealed.
    pub(super) standing: Standing,
    backend: String,
}

/// Syncs the store's space, shows what happened, and says how it ended.
pub(super) fn run(cx: &Context, store: &mut Store, run: &Run) -> CommandResult {
    let Ended { done, backend, standing } = work(cx, store, run)?;
    if cx.out.is_json() {
        cx.out.document(&document(run, &done, &places::without_folder(store, run, &done)))?;
    } else {
        report::summary(cx, run, &backend, &done)?;
        places::tell(cx, store, run, &done)?;
        if let Some(left @ 1..) = done.changes.left_to_reseal.filter(|_| standing.seals) {
            cx.out.note(format_args!(
                "the cloud still holds {left} in another form, and is believed in that, too: orkee cloud key show"
            ));
        }
    }
    Ok(exit(done.changes.parked.len(), done.unsettled as u64))
}

/// The same, without the summary at the end.
pub(super) fn work(cx: &Context, store: &mut Store, run: &Run) -> Result<Ended, Failure> {
    let ended = attempt(cx, store, run);
    if !run.options.dry_run {
        automatic::note(cx, run.automatic, ended.as_ref().err());
    }
    ended
}

fn attempt(cx: &Context, store: &mut Store, run: &Run) -> Result<Ended, Failure> {
    store.must_be_open()?;
    let started = Instant::now();
    let cloud = Cloud::open(cx, None)?;
    let _lock = match run.automatic {
        true => SyncLock::acquire_unasked(cx.home()?, BEHIND_OTHERS)?,
        false => SyncLock::acquire(cx.home()?)?,
    };
    // Told now: at the end, a sign-in that the server no longer takes is nobody's.
    let mut done = Done { who: cloud.who(), ..Done::default() };
    let mut options = run.options.clone();
    if let Some(command) = run.keeps.as_ref().filter(|_| !options.dry_run) {
        options.point = Some(store.open_point(command)?);
    }
    let result = surroundings::run(in_time(run.patience.timeout, async {
        let mut connection = Connection::open(cx, &cloud).await?;
        connection.enter_team().await?;
        let remote = connection.remote().await?;
        let desk = Desk::at(cx, &cloud, &connection, &remote).await?;
        let keys = Arc::new(desk.keys()?);
        cloud.choice.check_encryption(keys.standing())?;
        let mut options = team_mode::enter(cx, store, &connection, &remote, options.clone(), run.yes).await?;
        options.keys = Arc::clone(&keys);
        options.looks_first = !cloud.choice.refuses_plain();
        options.must_seal = cloud.choice.requires_encryption();
        begin_change_over(store, &keys, &options)?;
        let retry = run.patience.retry;
        with_retries(cx, store, &connection, &remote, &options, retry, &mut done).await?;
        if !options.dry_run {
            if done.changes.document_behind {
                desk.put_back(&keys).await?;
                // What the backend refused without it waits still.
                with_retries(cx, store, &connection, &remote, &options, retry, &mut done).await?;
            }
            if done.changes.left_to_reseal == Some(0) {
                desk.end_change_over(store, &keys).await?;
            }
        }
        Ok((connection.name().to_owned(), keys.standing()))
    }));
    if let Some(point) = options.point {
        done.point = store.close_point(point)?;
    }
    done.traffic = cloud.http.traffic();
    done.duration = started.elapsed();
    done.changes.parked = each_once(std::mem::take(&mut done.changes.parked));
    let (backend, standing) = match result {
        Ok(ended) => ended,
        Err(failure) => {
            report::way_back(cx, &done);
            log_failed(run, &done, &cloud, &failure);
            note(cx, store, &cloud, run, &done, Some(&failure));
            return Err(failure);
        }
    };
    done.unsettled = store.conflicts(None)?.len();
    log_completed(run, &done, &cloud);
    note(cx, store, &cloud, run, &done, None);
    Ok(Ended { done, standing, backend })
}

/// Marks what the other side still holds in another form than the account has now, to be sent again.
fn begin_change_over(store: &mut Store, keys: &Keys, options: &Options) -> Result<(), Failure> {
    if options.dry_run || options.push != Push::All {
        return Ok(());
    }
    match key::change_over(keys)? {
        None => {}
        Some(0) => {
            store.write(Durability::Full, |tx| tx.unseal_all())?;
        }
        Some(epoch) => {
            store.write(Durability::Full, |tx| tx.reseal_below(epoch))?;
        }
    }
    Ok(())
}

async fn with_retries(
    cx: &Context,
    store: &mut Store,
    connection: &Connection<'_>,
    remote: &str,
    options: &Options,
    retry: u32,
    done: &mut Done,
) -> Result<(), Failure> {
    let progress = Progress::begin(cx);
    let mut attempt = 0;
    loop {
        let mut told = Ok(());
        let tell = |events: &[Event]| {
            events.iter().for_each(|event| done.take(event));
            progress.count(events.len());
            if told.is_ok() {
                told = show(cx, &progress, events);
            }
        };
        let ended = sync::sync(store, &connection.provider, remote, options.clone(), tell).await;
        match ended {
            Ok(last) => {
                done.changes.request_id = last.request_id;
                done.changes.was_a_copy |= last.was_a_copy;
                done.changes.new_epoch |= last.new_epoch;
                done.changes.mended += last.mended;
                done.changes.left_to_reseal = last.left_to_reseal;
                done.changes.document_behind = last.document_behind;
                return Ok(told?);
            }
            Err(error) => {
                let Some(asked) = may_pass(&error).filter(|_| attempt < retry) else {
                    return Err(error.into());
                };
                let pause = retry::pause(attempt, asked, random());
                let seconds = pause.as_secs_f64();
                progress.above(|| cx.out.note(format_args!("{error}; trying again in {seconds:.1} s")));
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
        }
    }
}

/// Shows changes to a person as they happen; where a progress line moves, above it.
fn show(cx: &Context, progress: &Progress, events: &[Event]) -> Result<(), CliError> {
    if events.is_empty() || !cx.out.tells() || cx.out.is_closed() {
        return Ok(());
    }
    progress.above(|| report::changes(cx, events).and_then(|()| cx.out.finish()))
}

/// Whether the same may succeed later, and how long the server asked to wait.
fn may_pass(error: &SyncError) -> Option<Option<Duration>> {
    match error {
        SyncError::Provider(error) if error.failure.is_transient() => Some(match error.failure {
            ProviderFailure::Busy(asked) => asked,
            _ => None,
        }),
        _ => None,
    }
}

/// Between 0 and 1, to spread clients that failed together; nothing secret depends on it.
pub(super) fn random() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

/// The whole run took longer than the person allowed.
#[derive(Debug, Error)]
#[error("the sync did not end within {} seconds", .0.as_secs())]
struct TookTooLong(Duration);

impl Diagnostic for TookTooLong {
    fn code(&self) -> &'static str {
        "E-SYNC-006"
    }

    fn kind(&self) -> Kind {
        Kind::Timeout
    }

    fn hint(&self) -> Option<String> {
        Some(
            "what was done is kept: run `orkee cloud sync` again to go on, or give it a longer --timeout"
                .to_owned(),
        )
    }
}

async fn in_time<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(limit) = limit else { return work.await };
    let ended = surroundings::until(work, tokio::time::sleep(limit)).await;
    ended.unwrap_or_else(|()| Err(TookTooLong(limit).into()))
}

/// What all attempts set aside, each record once, as it was told last.
fn each_once(parked: Vec<Parked>) -> Vec<Parked> {
    let by_id: BTreeMap<String, Parked> = parked.into_iter().map(|one| (one.id.clone(), one)).collect();
    by_id.into_values().collect()
}

impl Done {
    fn take(&mut self, event: &Event) {
        self.changes.count(event);
        if matches!(event.what, What::Added | What::Pulled) && self.came.len() < places::NOTED {
            self.came.push(event.clone());
        }
    }

    /// Projects that came to be the same on both sides.
    fn synced(&self) -> u64 {
        let Summary { pushed, pulled, merged, deleted, .. } = self.changes;
        pushed + pulled + merged + deleted
    }
}

fn document<'a>(run: &Run, done: &'a Done, missing: &[&'a Event]) -> Document<'a> {
    let Summary { pushed, pulled, merged, conflicts, deleted, parked, request_id, .. } = &done.changes;
    Document {
        pushed: *pushed,
        pulled: *pulled,
        merged: *merged,
        conflicts: *conflicts,
        deleted: *deleted,
        parked: parked.iter().map(|p| ParkedView { id: &p.id, reason: &p.reason }).collect(),
        round_trips: done.traffic.round_trips,
        bytes_up: done.traffic.bytes_up,
        bytes_down: done.traffic.bytes_down,
        duration_ms: done.duration.as_millis(),
        request_id: request_id.as_deref(),
        dry_run: run.options.dry_run,
        mended: done.changes.mended,
        left_to_reseal: done.changes.left_to_reseal,
        restore_point: done.point.as_ref().map(|point| point.number),
        missing_folders: missing.iter().map(|event| event.id.as_str()).collect(),
    }
}

/// The run's row in the audit trail, and the event of its failure. The next run will leave one, too: losing the power may cost it.
fn note(cx: &Context, store: &mut Store, cloud: &Cloud, run: &Run, done: &Done, failure: Option<&Failure>) {
    if run.options.dry_run || (run.automatic && is_nothing_new(cx, done, failure)) {
        return;
    }
    let Summary { pushed, pulled, merged, conflicts, deleted, parked, request_id, .. } = &done.changes;
    let parked = parked.len();
    let error = failure.map(Failure::diagnostic);
    let outcome = match error.map(Diagnostic::kind) {
        None if parked == 0 => AuditOutcome::Done,
        None => AuditOutcome::Partial,
        Some(Kind::Auth) => AuditOutcome::Denied,
        Some(_) => AuditOutcome::Failed,
    };
    let action = if run.operation == "restore" { AuditAction::Restore } else { AuditAction::Sync };
    let entry = AuditEntry {
        who: done.who.clone(),
        subject: Some(format!(
            "{pushed} pushed, {pulled} pulled, {merged} merged, {deleted} deleted, {conflicts} in conflict, {parked} parked"
        )),
        code: error.map(|error| error.code().to_owned()),
        provider: Some(cloud.choice.name().to_owned()),
        request_id: request_id.clone().filter(|_| error.is_none()).or_else(|| cloud.http.newest_request_id()),
        ..AuditEntry::new(cloud.tenant.clone().unwrap_or_default(), action, outcome)
    };
    // One that the person broke off is no failure to tell of.
    let told = error.filter(|error| error.kind() != Kind::Interrupted);
    let told = told.map(|error| NewEvent::sync_failed(error.code(), &error.to_string()));
    let noted = match &told {
        Some(event) => store.note_and_tell(&entry, event, Durability::Refetchable),
        None => store.note(&entry, Durability::Refetchable),
    };
    if let Err(error) = noted {
        cx.out.warn(format_args!("not written into the audit trail: {error}"));
    }
}

/// Whether a sync that nobody typed moved nothing, or failed as the one before it: such ones come all day, and nobody would find the
/// others among them.
fn is_nothing_new(cx: &Context, done: &Done, failure: Option<&Failure>) -> bool {
    let Summary { conflicts, parked, .. } = &done.changes;
    match failure {
        None => done.synced() == 0 && *conflicts == 0 && parked.is_empty(),
        Some(failure) => automatic::is_known(cx, failure),
    }
}

/// What the log calls a sync: as the server does, where that is the name of one, else by a name of its own.
fn log_name(said: Option<&str>, cloud: &Cloud) -> String {
    const OF_SYNC: &str = "sync_";
    let newest = cloud.http.newest_request_id();
    let named = [said, newest.as_deref()].into_iter().flatten().find(|name| name.starts_with(OF_SYNC));
    named.map_or_else(|| format!("{OF_SYNC}{}", id::random(16)), str::to_owned)
}

/// The published line of the log, one for each sync. One that only showed what it would do is none.
fn log_completed(run: &Run, done: &Done, cloud: &Cloud) {
    if run.options.dry_run {
        return;
    }
    let request_id = log_name(done.changes.request_id.as_deref(), cloud);
    tracing::info!(
        target: "orkee::cloud",
        operation = run.operation,
        automatic = run.automatic,
        projects_synced = done.synced(),
        conflicts_resolved = done.changes.merged,
        duration_ms = done.duration.as_millis() as u64,
        request_id,
        "Cloud sync completed"
    );
}

fn log_failed(run: &Run, done: &Done, cloud: &Cloud, failure: &Failure) {
    let error = failure.diagnostic();
    let request_id = log_name(error.request_id(), cloud);
    tracing::error!(
        target: "orkee::cloud",
        operation = run.operation,
        automatic = run.automatic,
        projects_synced = done.synced(),
        conflicts_resolved = done.changes.merged,
        duration_ms = done.duration.as_millis() as u64,
        request_id,
        code = error.code(),
        error = %error,
        "Cloud sync failed"
    );
}
