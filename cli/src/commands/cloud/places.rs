//! What to say, after a run that brought projects, of those that have no folder here, or another's name.
//!
//! Only projects that the run brought are looked at, and no more than a bounded number: a sync must not cost what is stored.

use std::collections::BTreeSet;

use orkee_core::project::{GitRepository, ProjectId};
use orkee_core::store::{Store, StoreError};
use orkee_core::sync::{Event, What};

use super::running::{Done, Run};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::text;

/// Projects that are looked at.
const LOOKED_AT: usize = 1_000;

/// Projects that came, of which a run takes note: those that are looked at, and one more, to tell that there were more.
pub(super) const NOTED: usize = LOOKED_AT + 1;

/// Projects, or names, that are told of.
const TOLD: usize = 5;

/// Says which names two projects have now, and after a restore whose folders are not on this device.
pub(super) fn tell(cx: &Context, store: &Store, run: &Run, done: &Done) -> Result<(), Failure> {
    if run.options.dry_run {
        return Ok(());
    }
    let added = done.came.iter().filter(|event| matches!(event.what, What::Added)).take(LOOKED_AT);
    twins(cx, store, added)?;
    missing(cx, store, run, done);
    Ok(())
}

/// Two devices may have made a project each of one thing. Both are kept, since only a person can say.
fn twins<'a>(cx: &Context, store: &Store, added: impl Iterator<Item = &'a Event>) -> Result<(), Failure> {
    let names: BTreeSet<&str> = added.map(|event| event.name.as_str()).collect();
    let mut told = 0;
    for name in names {
        let Err(StoreError::Ambiguous { ids, .. }) = store.find(name) else { continue };
        told += 1;
        if told > TOLD {
            cx.out.note("note: more names are shared by several projects: orkee projects list");
            break;
        }
        let of_one = if of_one_repository(store, &ids)? { ", of the same repository" } else { "" };
        cx.out.note(format_args!(
            "note: {} projects are called {}{of_one}: {}",
            ids.len(),
            text::line(name),
            joined(&ids)
        ));
    }
    Ok(())
}

fn of_one_repository(store: &Store, ids: &[ProjectId]) -> Result<bool, Failure> {
    let mut places = BTreeSet::new();
    for id in ids {
        let repository = store.get(*id)?.project().git_repository;
        places.insert(repository.as_ref().and_then(GitRepository::place));
    }
    Ok(places.len() == 1 && !places.contains(&None))
}

/// Of the first projects that a restore fetched, those whose folders are not on this device.
pub(super) fn without_folder<'a>(store: &Store, run: &Run, done: &'a Done) -> Vec<&'a Event> {
    if run.options.dry_run || run.operation != "restore" {
        return Vec::new();
    }
    // One that came and was deleted in the same run is in no folder.
    let is_missing = |id: ProjectId| store.get(id).is_ok_and(|stored| stored.is_missing());
    let looked_at = done.came.iter().take(LOOKED_AT);
    looked_at.filter(|event| event.id.parse().is_ok_and(is_missing)).collect()
}

fn missing(cx: &Context, store: &Store, run: &Run, done: &Done) {
    let missing = without_folder(store, run, done);
    let count = missing.len();
    if count == 0 {
        return;
    }
    let mut named: Vec<String> =
        missing.iter().take(TOLD).map(|event| format!("{} {}", text::line(&event.name), event.id)).collect();
    if count > TOLD {
        named.push("…".to_owned());
    }
    let whose = match count {
        _ if done.came.len() > LOOKED_AT => format!("Of the first {LOOKED_AT} projects, {count} have"),
        1 => "1 project has".to_owned(),
        _ => format!("{count} projects have"),
    };
    cx.out.note(format_args!("{whose} no folder on this device: {}", named.join(", ")));
    cx.out.note("Say where one is: orkee projects locate ID PATH. Find git repositories: orkee projects scan DIR. See all: orkee projects list --missing");
}

fn joined(ids: &[ProjectId]) -> String {
    ids.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(", ")
}
