//! Values named as conflicts name them: `name`, `mcpServers.NAME`, `manualTasks.3.subtasks.1.title`.

use serde_json::value::RawValue;

use crate::project::{Payload, PayloadError, RawObject, raw};

/// The value at `path`; none where there is nothing.
pub(super) fn value_of(payload: &Payload, path: &str) -> Option<Box<RawValue>> {
    let (field, rest) = split(path);
    value_at(payload.get(field)?, rest)
}

/// The payload with another value at `path`. A task that is gone meanwhile stays gone.
pub(super) fn with_value(
    payload: &Payload,
    path: &str,
    value: Option<Box<RawValue>>,
) -> Result<Payload, PayloadError> {
    let (field, rest) = split(path);
    let new = match rest {
        None => value,
        Some(rest) => changed(payload.get(field), rest, value),
    };
    payload.with([(field, new)])
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
    let tasks: Vec<RawObject> = serde_json::from_str(value.get()).ok()?;
    let (number, field) = rest.split_once('.')?;
    let task = tasks.iter().find(|task| task.read::<u64>("id") == number.parse().ok())?;
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
