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
    if run.operation == "restore" {
        missing(cx, store, done.came.iter())?;
    }
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

fn missing<'a>(cx: &Context, store: &Store, fetched: impl Iterator<Item = &'a Event>) -> Result<(), Failure> {
    let (mut named, mut count, mut looked_at) = (Vec::new(), 0, 0);
    let mut fetched = fetched.peekable();
    while looked_at < LOOKED_AT
        && let Some(event) = fetched.next()
    {
        looked_at += 1;
        let Ok(id) = event.id.parse::<ProjectId>() else { continue };
        // One that came and was deleted in the same run is in no folder.
        if !store.get(id).is_ok_and(|stored| stored.is_missing()) {
            continue;
        }
        count += 1;
        if count <= TOLD {
            named.push(format!("{} {id}", text::line(&event.name)));
        }
    }
    if count == 0 {
        return Ok(());
    }
    if count > TOLD {
        named.push("…".to_owned());
    }
    let whose = match fetched.peek() {
        Some(_) => format!("Of the first {looked_at} projects, {count} have"),
        None if count == 1 => "1 project has".to_owned(),
        None => format!("{count} projects have"),
    };
    cx.out.note(format_args!("{whose} no folder on this device: {}", named.join(", ")));
    cx.out.note("Say where one is: orkee projects locate ID PATH. Find git repositories: orkee projects scan DIR. See all: orkee projects list --missing");
    Ok(())
}

fn joined(ids: &[ProjectId]) -> String {
    ids.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(", ")
}
