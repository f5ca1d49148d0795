//! References from task to task: `3` names a task of the same list, `"3.1"` the first subtask of task 3 of the project's list.
//!
//! One to a task that the other side took out stays. Taking it out would be an edit that nobody made, and an edit beats a delete.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::project::{RawObject, raw};

/// Numbers of a list that change: from, to.
pub(super) type Moved = BTreeMap<u64, u64>;

/// Whose list it is. Only the project's own is meant by `"3.1"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Project,
    Task,
}

/// Which references are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// To siblings: `3`.
    Plain,
    /// To subtasks of a task of the project: `"3.1"`.
    Dotted,
    Both,
}

/// What changed its number: tasks of the project's list, and subtasks below such tasks, these named by their new number.
#[derive(Debug, Default)]
pub(super) struct Renumbered {
    pub(super) tasks: Moved,
    pub(super) subtasks: BTreeMap<u64, Moved>,
}

/// A reference, taken apart.
struct Reference {
    is_text: bool,
    task: u64,
    subtask: Option<u64>,
}

impl Reference {
    /// None: it names no task in a way that is known here, and stays as it is.
    fn read(value: &RawValue) -> Option<Self> {
        let text = serde_json::from_str::<String>(value.get()).ok();
        let is_text = text.is_some();
        let text = text.as_deref().unwrap_or(value.get());
        let (task, subtask) = match text.split_once('.') {
            // As a number, `1.10` would be `1.1`.
            Some((task, subtask)) if is_text => (task, Some(subtask.parse().ok()?)),
            Some(_) => return None,
            None => (text, None),
        };
        Some(Self { is_text, task: task.parse().ok()?, subtask })
    }

    fn write(&self) -> Option<Box<RawValue>> {
        match (self.subtask, self.is_text) {
            (Some(subtask), _) => raw(&format!("{}.{subtask}", self.task)),
            (None, true) => raw(&self.task.to_string()),
            (None, false) => raw(&self.task),
        }
    }
}

impl Renumbered {
    /// Makes the references of a task of the list follow, and with the project's list those of what is below it. References that
    /// `base` has already, the task as both sides knew it, mean what they meant then.
    pub(super) fn redirect(&self, task: &mut RawObject, base: Option<&RawObject>, level: Level) {
        match level {
            Level::Task => self.redirect_own(task, base, Reach::Plain),
            Level::Project => {
                self.redirect_own(task, base, Reach::Both);
                self.redirect_below(task, base);
            }
        }
    }

    fn redirect_below(&self, task: &mut RawObject, base: Option<&RawObject>) {
        let Some(list) = task.read::<Vec<RawObject>>("subtasks") else { return };
        let before = base.and_then(|base| base.read::<Vec<RawObject>>("subtasks")).unwrap_or_default();
        let mut followed = list.clone();
        for subtask in &mut followed {
            let number = subtask.read::<u64>("id");
            let base = before.iter().find(|one| number.is_some() && one.read::<u64>("id") == number);
            self.redirect_own(subtask, base, Reach::Dotted);
            self.redirect_below(subtask, base);
        }
        if followed != list {
            task.set("subtasks", raw(&followed));
        }
    }

    fn redirect_own(&self, task: &mut RawObject, base: Option<&RawObject>, reach: Reach) {
        let Some(old) = dependencies(Some(task)) else { return };
        let before = dependencies(base).unwrap_or_default();
        let mut is_changed = false;
        let new: Vec<Box<RawValue>> = old
            .into_iter()
            .map(|one| {
                let followed = if has(&before, &one) { None } else { self.followed(&one, reach) };
                is_changed |= followed.is_some();
                followed.unwrap_or(one)
            })
            .collect();
        if is_changed {
            task.set("dependencies", raw(&new));
        }
    }

    /// The reference under the number that its task has now; none where that is the one that it had.
    fn followed(&self, reference: &RawValue, reach: Reach) -> Option<Box<RawValue>> {
        let mut reference = Reference::read(reference)?;
        match (reach, reference.subtask) {
            (Reach::Plain, Some(_)) | (Reach::Dotted, None) => return None,
            _ => {}
        }
        let task = self.tasks.get(&reference.task).copied();
        reference.task = task.unwrap_or(reference.task);
        let moved = self.subtasks.get(&reference.task);
        let subtask = reference.subtask.and_then(|subtask| moved?.get(&subtask).copied());
        reference.subtask = subtask.or(reference.subtask);
        (task.is_some() || subtask.is_some()).then(|| reference.write())?
    }
}

fn dependencies(task: Option<&RawObject>) -> Option<Vec<Box<RawValue>>> {
    task?.read("dependencies")
}

fn has(list: &[Box<RawValue>], one: &RawValue) -> bool {
    list.iter().any(|other| other.get() == one.get())
}
