//! People: they create, change and delete projects on any device, and know what they saw when they did.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::rngs::SmallRng;

use crate::project::{Payload, Project, ProjectId, RawObject, Task, raw};
use crate::store::{Choice, Durability, Store, StoreError};
use crate::transfer::{Action, ImportOptions, OnConflict, import};

/// What people did so far. A value is a word that occurs nowhere else.
#[derive(Default)]
pub(super) struct Deeds {
    pub(super) written: BTreeSet<String>,
    /// Replaced, or deleted with its project, by a person who saw it.
    pub(super) known: BTreeSet<String>,
    /// Replaced by a person who saw it.
    pub(super) replaced: BTreeSet<String>,
    /// Taken out of a conflict by a person: it may come back.
    pub(super) wanted: BTreeSet<String>,
    last: u64,
}

/// The words in a text that people wrote.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let is_word = |part: &&str| {
        part.starts_with("zq") && part.len() > 2 && part[2..].bytes().all(|b| b.is_ascii_digit())
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_word).map(ToOwned::to_owned)
}

impl Deeds {
    fn word(&mut self) -> String {
        self.last += 1;
        let word = format!("zq{}", self.last);
        self.written.insert(word.clone());
        word
    }

    fn replaces(&mut self, old: &str) {
        self.known.extend(words(old));
        self.replaced.extend(words(old));
    }

    /// One thing that a person does on a device.
    pub(super) fn act(&mut self, store: &mut Store, id: ProjectId, deletes: bool, rng: &mut SmallRng) {
        if rng.random_bool(0.2) && self.choose(store, id, rng) {
            return;
        }
        if rng.random_bool(0.06) {
            return self.go_back(store, id, rng);
        }
        match store.get(id) {
            Ok(stored) if deletes && rng.random_bool(0.15) => {
                self.known.extend(words(&stored.payload.to_json()));
                store.delete(id).unwrap();
            }
            Ok(stored) => self.edit(store, &stored.payload, rng),
            Err(StoreError::Deleted { .. }) if rng.random_bool(0.3) => {
                // A tombstone that came without ever having been a project here has nothing to go back to.
                let restored = store.restore(id);
                assert!(matches!(restored, Ok(_) | Err(StoreError::NotFound { .. })), "{restored:?}");
            }
            Err(_) => {
                let name = self.word();
                store.add(Project::new(id, name)).unwrap();
            }
        }
    }

    /// Goes back: to an older version of a project, before an operation, to an earlier time; or takes in a file.
    fn go_back(&mut self, store: &mut Store, id: ProjectId, rng: &mut SmallRng) {
        let before = store.live_payloads().unwrap();
        match rng.random_range(0..4) {
            3 => self.take_in(store, id, rng),
            0 => {
                let n = rng.random_range(1..5);
                let reverted = store.revert(id, n).map(drop);
                let refused = matches!(
                    reverted,
                    Err(StoreError::NoVersion { .. }
                        | StoreError::NotFound { .. }
                        | StoreError::Deleted { .. })
                );
                assert!(reverted.is_ok() || refused, "{reverted:?}");
            }
            1 => {
                let undone = store.undo(None);
                assert!(matches!(undone, Ok(_) | Err(StoreError::NoPoint { .. })), "{undone:?}");
            }
            _ => {
                let now = store.write::<_, StoreError>(Durability::Full, |tx| Ok(tx.now())).unwrap();
                let then = now - jiff::SignedDuration::from_secs(rng.random_range(1..60));
                store.put_back(then, None, "earlier", false).unwrap();
            }
        }
        let after = store.live_payloads().unwrap();
        let all = |live: &BTreeMap<String, String>| -> BTreeSet<String> {
            live.values().flat_map(|text| words(text).collect::<Vec<_>>()).collect()
        };
        let (before, after) = (all(&before), all(&after));
        self.known.extend(before.difference(&after).cloned());
        self.replaced.extend(before.difference(&after).cloned());
        // Who goes back wants all that is there then, be it under the number that a task had before.
        self.wanted.extend(after);
    }

    /// Imports a file with one project.
    fn take_in(&mut self, store: &mut Store, id: ProjectId, rng: &mut SmallRng) {
        let file = format!(r#"{{"projects":[{{"id":"{id}","name":"{}"}}]}}"#, self.word());
        let on_conflict = match rng.random_range(0..3) {
            0 => OnConflict::Replace,
            1 => OnConflict::Merge,
            _ => OnConflict::Skip,
        };
        let options = ImportOptions { on_conflict, ..ImportOptions::default() };
        let done = import(store, file.as_bytes(), options).unwrap();
        if done.count(|action| action == Action::Skipped) > 0 {
            // Nobody wrote it after all.
            for word in words(&file) {
                self.written.remove(&word);
            }
        }
    }

    /// Settles one of a project's conflicts. False: it has none.
    fn choose(&mut self, store: &mut Store, id: ProjectId, rng: &mut SmallRng) -> bool {
        let waiting = store.conflicts(Some(id)).unwrap();
        let Some(shown) = waiting.get(rng.random_range(0..waiting.len().max(1))) else {
            return false;
        };
        let choice = if rng.random_bool(0.5) { Choice::Local } else { Choice::Cloud };
        if choice == Choice::Cloud {
            self.replaces(shown.local.as_ref().map_or("", |value| value.get()));
            self.wanted.extend(words(shown.cloud.as_ref().map_or("", |value| value.get())));
        }
        assert!(store.settle(shown, choice).unwrap(), "what is shown is what waits");
        true
    }

    fn edit(&mut self, store: &mut Store, payload: &Payload, rng: &mut SmallRng) {
        if rng.random_bool(0.2) {
            return self.edit_unknown(store, payload);
        }
        let choice = rng.random_range(0..10);
        store
            .update(payload.id(), |project| {
                match choice {
                    0 | 1 => self.rename(project),
                    2 => self.describe(project),
                    3 => project.tags.push(self.word()),
                    4 => self.untag(project),
                    5 => drop(project.mcp_servers.insert(self.word(), true)),
                    6 | 7 => self.add_task(project, rng),
                    8 => self.retitle(project, rng),
                    _ => self.drop_task(project, rng),
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    fn rename(&mut self, project: &mut Project) {
        self.replaces(&project.name);
        project.name = self.word();
    }

    fn describe(&mut self, project: &mut Project) {
        self.replaces(project.description.as_deref().unwrap_or_default());
        project.description = Some(self.word());
    }

    fn untag(&mut self, project: &mut Project) {
        if !project.tags.is_empty() {
            let tag = project.tags.remove(0);
            self.replaces(&tag);
        }
    }

    fn add_task(&mut self, project: &mut Project, rng: &mut SmallRng) {
        let id = project.manual_tasks.iter().map(|task| task.id).max().unwrap_or(0) + 1;
        let dependencies = if id > 1 && rng.random_bool(0.5) { vec![id - 1] } else { Vec::new() };
        project.manual_tasks.push(Task { id, title: self.word(), dependencies, ..Task::default() });
    }

    fn retitle(&mut self, project: &mut Project, rng: &mut SmallRng) {
        if !project.manual_tasks.is_empty() {
            let n = rng.random_range(0..project.manual_tasks.len());
            self.replaces(&project.manual_tasks[n].title);
            project.manual_tasks[n].title = self.word();
        }
    }

    fn drop_task(&mut self, project: &mut Project, rng: &mut SmallRng) {
        if !project.manual_tasks.is_empty() {
            let n = rng.random_range(0..project.manual_tasks.len());
            self.replaces(&project.manual_tasks.remove(n).title);
        }
    }

    /// A newer version's field.
    fn edit_unknown(&mut self, store: &mut Store, payload: &Payload) {
        let old = payload.get("xNote").map(|value| value.get().to_owned()).unwrap_or_default();
        self.replaces(&old);
        let mut note = RawObject::default();
        note.set("text", raw(&self.word()));
        let edited = payload.with([("xNote", raw(&note))]).unwrap();
        store.apply_edit(payload, &edited).unwrap();
    }
}
