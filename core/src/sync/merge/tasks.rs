//! Merging lists of tasks by number, each task by field, its subtasks in the same way.
//!
//! Two sides that each make a task give it the same number. They are two tasks: theirs, which reached the backend first,
//! keeps the number; ours takes the next free one, and what refers to it follows. They are one task where they were made at the
//! same time or, without times, have the same title.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::value::{Fields, Kind, Values, merge_fields};
use super::{FieldConflict, Side};
use crate::project::{RawObject, raw};

/// The merged list; none where one of the three is no list of tasks with a number each.
pub(super) fn merge_tasks(
    values: &Values<'_>,
    path: &str,
    conflicts: &mut Vec<FieldConflict>,
) -> Option<Box<RawValue>> {
    let (base, mut ours, theirs) =
        (List::read(values.base)?, List::read(values.ours)?, List::read(values.theirs)?);
    let in_order = ours.is_ascending() && theirs.is_ascending();
    ours.renumber(&collisions(&base, &ours, &theirs));
    let mut merged = Vec::new();
    for number in order(&ours, &theirs, values.winner) {
        let sides = [base.get(number), ours.get(number), theirs.get(number)];
        if let Some(task) = merge_task(sides, values.winner, &format!("{path}.{number}."), conflicts) {
            merged.push((number, task));
        }
    }
    if in_order {
        merged.sort_by_key(|(number, _)| *number);
    }
    raw(&merged.into_iter().map(|(_, task)| task).collect::<Vec<_>>())
}

fn merge_task(
    [base, ours, theirs]: [Option<&RawObject>; 3],
    winner: Side,
    path: &str,
    conflicts: &mut Vec<FieldConflict>,
) -> Option<RawObject> {
    let (ours, theirs) = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours, theirs),
        // Taken out on one side: it stays if the other made or changed it, or made another of that number.
        (Some(one), None) | (None, Some(one)) => return (base != Some(one)).then(|| one.clone()),
        (None, None) => return None,
    };
    if ours == theirs || base == Some(theirs) {
        return Some(ours.clone());
    }
    if base == Some(ours) {
        return Some(theirs.clone());
    }
    let none = RawObject::default();
    let base = base.filter(|base| is_still(base, ours) && is_still(base, theirs)).unwrap_or(&none);
    Some(merge_fields(&Fields { base, ours, theirs, winner }, task_field, path, conflicts))
}

fn task_field(field: &str) -> Kind {
    match field {
        "dependencies" | "tags" => Kind::Set,
        "subtasks" => Kind::Tasks,
        "updatedAt" => Kind::Later,
        "createdAt" => Kind::Earlier,
        _ => Kind::Whole,
    }
}

/// Our numbers that name another task than theirs, each with a free one.
fn collisions(base: &List, ours: &List, theirs: &List) -> BTreeMap<u64, u64> {
    let taken =
        [base, ours, theirs].into_iter().flat_map(|list| list.tasks.iter().map(|(number, _)| *number));
    let mut free = taken.max().unwrap_or(0);
    let mut moved = BTreeMap::new();
    for (number, our) in &ours.tasks {
        let Some(their) = theirs.get(*number) else {
            continue;
        };
        let one_task = match base.get(*number) {
            Some(base) => {
                is_still(base, our) == is_still(base, their) && (is_still(base, our) || is_same(our, their))
            }
            None => is_same(our, their),
        };
        if !one_task && let Some(next) = free.checked_add(1) {
            free = next;
            moved.insert(*number, next);
        }
    }
    moved
}

/// Whether a task of the base is the one that has its number now, and not a later one.
fn is_still(base: &RawObject, now: &RawObject) -> bool {
    match (base.get("createdAt"), now.get("createdAt")) {
        (Some(then), Some(now)) => then.get() == now.get(),
        _ => true,
    }
}

/// Whether two tasks that no base knows are one.
fn is_same(a: &RawObject, b: &RawObject) -> bool {
    let text = |task: &RawObject, field: &str| task.get(field).map(|value| value.get().to_owned());
    match (text(a, "createdAt"), text(b, "createdAt")) {
        (Some(a), Some(b)) => a == b,
        _ => text(a, "title") == text(b, "title"),
    }
}

/// All numbers, the winner's first.
fn order(ours: &List, theirs: &List, winner: Side) -> Vec<u64> {
    let (first, second) = if winner == Side::Ours { (ours, theirs) } else { (theirs, ours) };
    let rest = second.tasks.iter().filter(|(number, _)| first.get(*number).is_none());
    first.tasks.iter().chain(rest).map(|(number, _)| *number).collect()
}

/// Tasks in their order, each with its number.
struct List {
    tasks: Vec<(u64, RawObject)>,
}

impl List {
    fn read(value: Option<&RawValue>) -> Option<Self> {
        let Some(value) = value else {
            return Some(Self { tasks: Vec::new() });
        };
        let tasks: Vec<RawObject> = serde_json::from_str(value.get()).ok()?;
        let tasks: Vec<(u64, RawObject)> =
            tasks.into_iter().map(|task| Some((task.read::<u64>("id")?, task))).collect::<Option<_>>()?;
        let numbers: BTreeSet<u64> = tasks.iter().map(|(number, _)| *number).collect();
        (numbers.len() == tasks.len()).then_some(Self { tasks })
    }

    fn get(&self, number: u64) -> Option<&RawObject> {
        self.tasks.iter().find(|(n, _)| *n == number).map(|(_, task)| task)
    }

    fn is_ascending(&self) -> bool {
        self.tasks.is_sorted_by_key(|(number, _)| *number)
    }

    /// Gives tasks other numbers; what depends on them follows.
    fn renumber(&mut self, moved: &BTreeMap<u64, u64>) {
        if moved.is_empty() {
            return;
        }
        for (number, task) in &mut self.tasks {
            if let Some(to) = moved.get(number) {
                *number = *to;
                task.set("id", raw(to));
            }
            redirect(task, moved, Reach::List);
        }
    }
}

/// Which references of a task mean the list that was renumbered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Numbers, and `3.1` for a subtask of 3.
    List,
    /// A task below the list: its plain numbers mean its siblings.
    Below,
}

fn redirect(task: &mut RawObject, moved: &BTreeMap<u64, u64>, reach: Reach) {
    if let Some(old) = task.read::<Vec<Box<RawValue>>>("dependencies") {
        let new: Vec<Box<RawValue>> = old.into_iter().map(|one| redirected(one, moved, reach)).collect();
        task.set("dependencies", raw(&new));
    }
    if let Some(mut subtasks) = task.read::<Vec<RawObject>>("subtasks") {
        subtasks.iter_mut().for_each(|subtask| redirect(subtask, moved, Reach::Below));
        task.set("subtasks", raw(&subtasks));
    }
}

fn redirected(reference: Box<RawValue>, moved: &BTreeMap<u64, u64>, reach: Reach) -> Box<RawValue> {
    let text = serde_json::from_str::<String>(reference.get()).ok();
    let (number, rest) = match text.as_deref().map_or((reference.get(), None), |text| {
        text.split_once('.').map_or((text, None), |(number, rest)| (number, Some(rest)))
    }) {
        (_, None) if reach == Reach::Below => return reference,
        (number, rest) => (number.parse::<u64>().ok().and_then(|number| moved.get(&number)), rest),
    };
    let Some(to) = number else { return reference };
    let new = match (text.is_some(), rest) {
        (false, _) => raw(to),
        (true, None) => raw(&to.to_string()),
        (true, Some(rest)) => raw(&format!("{to}.{rest}")),
    };
    new.unwrap_or(reference)
}
