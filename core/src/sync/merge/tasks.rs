//! Merging lists of tasks by number, each task by field, its subtasks in the same way.
//!
//! Two sides that each make a task give it the same number. They are two tasks: theirs, which reached the backend first,
//! keeps the number; ours takes the next free one, and what refers to it follows. They are one task where they were made at the
//! same time or, without times, have the same title.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::order::Orders;
use super::references::{Level, Moved, Renumbered};
use super::value::{Fields, Kind, Values, merge_fields};
use super::{MovedTask, Side, Told};
use crate::project::{RawObject, is_one_task, raw};

/// The merged list; none where one of the three is no list of tasks with a number each.
pub(super) fn merge_tasks(
    values: &Values<'_>,
    level: Level,
    path: &str,
    told: &mut Told,
) -> Option<Box<RawValue>> {
    let (base, mut ours, theirs) =
        (List::read(values.base)?, List::read(values.ours)?, List::read(values.theirs)?);
    let in_order = ours.is_ascending() && theirs.is_ascending();
    let renumbered = ours.make_way(&base, &theirs, level)?;
    told.moved.extend(moved_tasks(&renumbered, path));
    let order = Orders {
        base: &base.numbers(),
        ours: &ours.numbers(),
        theirs: &theirs.numbers(),
        winner: values.winner,
    };
    let mut merged = Vec::new();
    for number in order.merged() {
        let sides = [base.get(number), ours.get(number), theirs.get(number)];
        if let Some(task) = merge_task(sides, values.winner, &format!("{path}.{number}."), told) {
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
    told: &mut Told,
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
    let base = base.filter(|base| is_one_task(base, ours) && is_one_task(base, theirs)).unwrap_or(&none);
    Some(merge_fields(&Fields { base, ours, theirs, winner }, task_field, path, told))
}

fn task_field(field: &str) -> Kind {
    match field {
        "dependencies" | "tags" => Kind::Set,
        "subtasks" => Kind::Tasks(Level::Task),
        "updatedAt" => Kind::Later,
        "createdAt" => Kind::Earlier,
        _ => Kind::Whole,
    }
}

/// The paths of tasks and subtasks that have another number now. `path` is the list's.
fn moved_tasks(renumbered: &Renumbered, path: &str) -> Vec<MovedTask> {
    let moved = |path: &str, moved: &Moved| -> Vec<MovedTask> {
        let one = |(from, to)| MovedTask { from: format!("{path}.{from}"), to: format!("{path}.{to}") };
        moved.iter().map(one).collect()
    };
    let below = renumbered.subtasks.iter().flat_map(|(number, below)| {
        // A task that moved is new here: what is below it met nothing.
        moved(&format!("{path}.{number}.subtasks"), below)
    });
    moved(path, &renumbered.tasks).into_iter().chain(below).collect()
}

/// Our numbers that name another task than theirs, each with a free one, or with the number that theirs has the same task under.
/// None where there is no free number.
fn collisions(base: &List, ours: &List, theirs: &List) -> Option<Moved> {
    let all = [base, ours, theirs].into_iter().flat_map(List::numbers);
    let mut last = all.max().unwrap_or(0);
    let mut moved = BTreeMap::new();
    let mut met = BTreeSet::new();
    for (number, our) in &ours.tasks {
        let Some(their) = theirs.get(*number) else { continue };
        if is_one(base.get(*number), our, their) {
            continue;
        }
        let there = theirs.tasks.iter().find(|(other, their)| {
            let is_new = base.get(*other).is_none() && ours.get(*other).is_none();
            is_new && !met.contains(other) && is_known_twin(our, their)
        });
        let to = match there {
            Some((other, _)) => *other,
            None => {
                last = last.checked_add(1)?;
                last
            }
        };
        met.insert(to);
        moved.insert(*number, to);
    }
    Some(moved)
}

/// Whether what both sides have under one number is one task, or where only one side did anything, so that the other gives way.
fn is_one(base: Option<&RawObject>, our: &RawObject, their: &RawObject) -> bool {
    match base {
        Some(base) if base == our || base == their => true,
        Some(base) => match (is_one_task(base, our), is_one_task(base, their)) {
            (true, true) => true,
            (false, false) => is_same(our, their),
            _ => false,
        },
        None => is_same(our, their),
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

/// Whether a task is this one under another number, which it was given when it made way before.
fn is_known_twin(our: &RawObject, their: &RawObject) -> bool {
    let same = |field| our.get(field).map(RawValue::get) == their.get(field).map(RawValue::get);
    same("createdAt") && same("title") && (our.get("createdAt").is_some() || same("description"))
}

/// Tasks in their order, each with its number.
struct List {
    tasks: Vec<(u64, RawObject)>,
    places: BTreeMap<u64, usize>,
}

impl List {
    fn read(value: Option<&RawValue>) -> Option<Self> {
        let tasks: Vec<RawObject> = match value {
            Some(value) => serde_json::from_str(value.get()).ok()?,
            None => Vec::new(),
        };
        let tasks: Vec<(u64, RawObject)> =
            tasks.into_iter().map(|task| Some((task.read::<u64>("id")?, task))).collect::<Option<_>>()?;
        let list = Self { places: places(&tasks), tasks };
        (list.places.len() == list.tasks.len()).then_some(list)
    }

    fn get(&self, number: u64) -> Option<&RawObject> {
        self.places.get(&number).and_then(|at| self.tasks.get(*at)).map(|(_, task)| task)
    }

    fn numbers(&self) -> Vec<u64> {
        self.tasks.iter().map(|(number, _)| *number).collect()
    }

    fn is_ascending(&self) -> bool {
        self.tasks.is_sorted_by_key(|(number, _)| *number)
    }

    /// Gives tasks that have a number which theirs gave to another one a new number, in the project's list their subtasks too. What
    /// refers to them follows.
    fn make_way(&mut self, base: &Self, theirs: &Self, level: Level) -> Option<Renumbered> {
        let mut renumbered = Renumbered { tasks: collisions(base, self, theirs)?, ..Renumbered::default() };
        for (number, task) in &mut self.tasks {
            if let Some(to) = renumbered.tasks.get(number) {
                *number = *to;
                task.set("id", raw(to));
            } else if level == Level::Project
                && let Some(moved) = make_way_below(base.get(*number), task, theirs.get(*number))
            {
                renumbered.subtasks.insert(*number, moved);
            }
        }
        if !renumbered.tasks.is_empty() || !renumbered.subtasks.is_empty() {
            self.places = places(&self.tasks);
            for (number, task) in &mut self.tasks {
                renumbered.redirect(task, base.get(*number), level);
            }
        }
        Some(renumbered)
    }
}

fn places(tasks: &[(u64, RawObject)]) -> BTreeMap<u64, usize> {
    tasks.iter().enumerate().map(|(at, (number, _))| (*number, at)).collect()
}

/// As [`List::make_way`], for the subtasks of a task. None where none of them has to.
fn make_way_below(
    base: Option<&RawObject>,
    ours: &mut RawObject,
    theirs: Option<&RawObject>,
) -> Option<Moved> {
    let theirs = theirs.filter(|theirs| *theirs != ours && base != Some(theirs) && base != Some(ours))?;
    let base = base.filter(|base| is_one_task(base, ours) && is_one_task(base, theirs));
    let base = List::read(base.and_then(|base| base.get("subtasks")))?;
    let (mut list, theirs) = (List::read(ours.get("subtasks"))?, List::read(theirs.get("subtasks"))?);
    let moved = list.make_way(&base, &theirs, Level::Task)?.tasks;
    if moved.is_empty() {
        return None;
    }
    ours.set("subtasks", raw(&list.tasks.iter().map(|(_, task)| task).collect::<Vec<_>>()));
    Some(moved)
}
