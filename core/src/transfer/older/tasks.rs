//! Tasks of earlier versions: other names of their fields, other words, numbers that were texts. Fields that nobody knows are kept.

use serde_json::value::RawValue;

use super::{camel_case, drop_nulls, rename, times, words};
use crate::project::{Priority, RawObject, TaskStatus, raw};

/// Subtasks of subtasks are followed so far. A payload may not be nested deeper anyhow.
const MAX_DEPTH: usize = 50;

/// Fields of a task that today's version knows.
const FIELDS: [&str; 11] = [
    "id",
    "title",
    "description",
    "details",
    "testStrategy",
    "priority",
    "status",
    "dependencies",
    "subtasks",
    "createdAt",
    "updatedAt",
];

/// A list of tasks, or an object that has it as `tasks`.
pub(super) fn list(value: &RawValue) -> Option<Box<RawValue>> {
    let inner = RawObject::parse(value.get()).ok();
    let list = inner.as_ref().and_then(|object| object.get("tasks")).unwrap_or(value);
    tasks(list, MAX_DEPTH)
}

fn tasks(value: &RawValue, depth: usize) -> Option<Box<RawValue>> {
    let depth = depth.checked_sub(1)?;
    let list: Vec<RawObject> = serde_json::from_str(value.get()).ok()?;
    raw(&list.into_iter().map(|object| task(object, depth)).collect::<Option<Vec<_>>>()?)
}

fn task(mut object: RawObject, depth: usize) -> Option<RawObject> {
    for (from, to) in [
        ("name", "title"),
        ("sub_tasks", "subtasks"),
        ("subTasks", "subtasks"),
        ("depends_on", "dependencies"),
        ("dependsOn", "dependencies"),
    ] {
        rename(&mut object, from, to);
    }
    camel_case(&mut object, &FIELDS);
    drop_nulls(&mut object, &FIELDS);
    if let Some(id) = object.get("id").and_then(number) {
        object.set("id", raw(&id));
    }
    if let Some(list) = object.read::<Vec<Box<RawValue>>>("dependencies")
        && let Some(numbers) = list.iter().map(|value| number(value)).collect::<Option<Vec<u64>>>()
    {
        object.set("dependencies", raw(&numbers));
    }
    if let Some(status) = object.read::<String>("status") {
        object.set("status", raw(&words::of_today::<TaskStatus>(&status, words::TASK_STATUSES)));
    }
    if let Some(priority) = object.read::<String>("priority") {
        object.set("priority", raw(&words::of_today::<Priority>(&priority, words::PRIORITIES)));
    }
    for field in ["createdAt", "updatedAt"] {
        if let Some(at) = object.get(field).and_then(times::of_today) {
            object.set(field, raw(&at));
        }
    }
    if let Some(subtasks) = object.get("subtasks") {
        let subtasks = tasks(subtasks, depth)?;
        object.set("subtasks", Some(subtasks));
    }
    Some(object)
}

/// A number, which may stand as text.
fn number(value: &RawValue) -> Option<u64> {
    value.get().trim_matches('"').parse().ok()
}
