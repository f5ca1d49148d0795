//! Values named as conflicts name them: `name`, `mcpServers.NAME`, `manualTasks.3.subtasks.1.title`.

use serde_json::value::RawValue;

use super::StoreError;
use super::at_rest::damaged::Damaged;
use super::at_rest::is_damaged;
use super::record::bad_record;
use crate::project::{Payload, RawObject, is_one_task, raw};

/// The value at `path`; none where there is nothing.
pub(super) fn value_of(payload: &Payload, path: &str) -> Option<Box<RawValue>> {
    let (field, rest) = split(path);
    value_at(payload.get(field)?, rest)
}

/// Whether the field that `path` leads into is damaged: nobody knows what is at `path`.
pub(super) fn is_damaged_at(payload: &Payload, path: &str) -> bool {
    payload.get(split(path).0).is_some_and(is_damaged)
}

/// The payload with another value at `path`. A task that is gone meanwhile stays gone. Refused where the value is damaged, or is
/// to go into one that is.
pub(super) fn with_value(
    payload: &Payload,
    path: &str,
    value: Option<Box<RawValue>>,
) -> Result<Payload, StoreError> {
    let (field, rest) = split(path);
    if value.as_deref().is_some_and(is_damaged) || (rest.is_some() && is_damaged_at(payload, path)) {
        return Err(bad_record(payload.id(), Damaged(field.to_owned())));
    }
    let new = match rest {
        None => value,
        Some(rest) => changed(payload.get(field), rest, value),
    };
    Ok(payload.with([(field, new)])?)
}

/// Whether the tasks that `path` leads through are there in `now`, and are those that they were in `before`. Where it leads through
/// none, they are.
pub(super) fn is_of_same_task(before: Option<&Payload>, now: &Payload, path: &str) -> bool {
    match path.strip_prefix("manualTasks.") {
        Some(rest) => {
            let before = before.and_then(|before| before.get("manualTasks"));
            has_same_task(before, now.get("manualTasks"), rest)
        }
        None => true,
    }
}

fn has_same_task(before: Option<&RawValue>, now: Option<&RawValue>, rest: &str) -> bool {
    let Some((number, field)) = rest.split_once('.') else { return true };
    let Some(task) = now.and_then(|list| task(list, number)) else { return false };
    let was = before.and_then(|list| self::task(list, number));
    if was.as_ref().is_some_and(|was| !is_one_task(was, &task)) {
        return false;
    }
    let below = |task: &RawObject| task.get("subtasks").map(ToOwned::to_owned);
    match field.strip_prefix("subtasks.") {
        Some(rest) => has_same_task(was.as_ref().and_then(below).as_deref(), below(&task).as_deref(), rest),
        None => true,
    }
}

/// The task of this number.
fn task(list: &RawValue, number: &str) -> Option<RawObject> {
    let number: u64 = number.parse().ok()?;
    let tasks: Vec<RawObject> = serde_json::from_str(list.get()).ok()?;
    tasks.into_iter().find(|task| task.read::<u64>("id") == Some(number))
}

fn split(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        // Other fields, the unknown ones too, are merged whole: their dots belong to the name.
        Some((field @ ("mcpServers" | "manualTasks"), rest)) => (field, Some(rest)),
        _ => (path, None),
    }
}

fn value_at(value: &RawValue, rest: Option<&str>) -> Option<Box<RawValue>> {
    let Some(rest) = rest else {
        return Some(value.to_owned());
    };
    if let Ok(object) = RawObject::parse(value.get()) {
        return object.get(rest).map(ToOwned::to_owned);
    }
    let (number, field) = rest.split_once('.')?;
    let task = task(value, number)?;
    match field.strip_prefix("subtasks.") {
        Some(below) => value_at(task.get("subtasks")?, Some(below)),
        None => task.get(field).map(ToOwned::to_owned),
    }
}

fn changed(old: Option<&RawValue>, rest: &str, value: Option<Box<RawValue>>) -> Option<Box<RawValue>> {
    let Some(old) = old else {
        // Nothing is there: only a map can grow a member out of nothing.
        let mut object = RawObject::default();
        object.set(rest, value);
        return if rest.contains('.') { None } else { raw(&object) };
    };
    if let Ok(mut object) = RawObject::parse(old.get()) {
        object.set(rest, value);
        return raw(&object);
    }
    let unchanged = Some(old.to_owned());
    let Ok(mut tasks) = serde_json::from_str::<Vec<RawObject>>(old.get()) else {
        return unchanged;
    };
    let Some((number, field)) = rest.split_once('.') else {
        return unchanged;
    };
    let Some(task) = tasks.iter_mut().find(|task| task.read::<u64>("id") == number.parse().ok()) else {
        return unchanged;
    };
    match field.strip_prefix("subtasks.") {
        Some(below) => {
            let subtasks = changed(task.get("subtasks"), below, value);
            task.set("subtasks", subtasks);
        }
        None => task.set(field, value),
    }
    raw(&tasks)
}
