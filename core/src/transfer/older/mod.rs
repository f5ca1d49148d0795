//! What earlier versions of Orkee kept, put into today's form.
//!
//! Their database and their JSON file had the same fields; what became of each is known here alone. The outcome depends on the
//! source and nothing else, so that two devices which import the same source have the same projects. Words, times and forms that
//! are known are put into today's; what is not known is kept as it is, and told.

mod structures;
mod tasks;
mod times;
mod words;

use serde_json::value::RawValue;

use super::given::{Change, Given};
use crate::project::check::wrong_shape;
use crate::project::{FIELDS, InvalidField, Priority, ProjectId, RawObject, Rule, Status, TaskSource, raw};

/// A project of an earlier version.
pub(super) fn project(mut object: RawObject) -> Result<Given, InvalidField> {
    camel_case(&mut object, &FIELDS);
    let mut changes = Vec::new();
    let label = identify(&mut object, &mut changes);
    let is_deleted = object.read::<String>("status").as_deref() == Some("deleted");
    word::<Status>(&mut object, "status", words::STATUSES, &mut changes);
    word::<Priority>(&mut object, "priority", words::PRIORITIES, &mut changes);
    word::<TaskSource>(&mut object, "taskSource", &[], &mut changes);
    rank(&mut object);
    time(&mut object, "createdAt")?;
    time(&mut object, "updatedAt")?;
    structure(&mut object, "tags", structures::tags);
    structure(&mut object, "gitRepository", structures::repository);
    structure(&mut object, "manualTasks", tasks::list);
    let mut loses_settings = false;
    structure(&mut object, "mcpServers", |value| structures::servers(value, &mut loses_settings));
    if loses_settings {
        changes.push(Change::Left { field: "mcpServers" });
    }
    let known = object.iter().filter(|(field, value)| FIELDS.contains(field) && value.get() != "null");
    let unreadable = known.filter(|(field, value)| wrong_shape(field, value).is_some());
    changes.extend(unreadable.map(|(field, _)| Change::Unreadable { field: field.to_owned() }));
    Ok(Given { object, changes, label, is_deleted })
}

/// `project_root` is `projectRoot`, where that is not there, too.
fn camel_case(object: &mut RawObject, names: &[&str]) {
    for name in names {
        rename(object, &snake_case(name), name);
    }
}

fn snake_case(name: &str) -> String {
    let lower =
        |c: char| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.into() };
    name.chars().map(lower).collect()
}

/// Gives the value of `from` the name `to`, unless something has that name.
fn rename(object: &mut RawObject, from: &str, to: &str) {
    if from != to
        && object.get(to).is_none_or(|value| value.get() == "null")
        && let Some(value) = object.get(from).map(ToOwned::to_owned)
    {
        object.set(from, None);
        object.set(to, Some(value));
    }
}

/// Takes out what says nothing: `null` is how earlier versions wrote that there is none.
fn drop_nulls(object: &mut RawObject, names: &[&str]) {
    for name in names {
        if object.get(name).is_some_and(|value| value.get() == "null") {
            object.set(name, None);
        }
    }
}

/// Gives the project an id of today's form; returns the one that it had.
fn identify(object: &mut RawObject, changes: &mut Vec<Change>) -> Option<String> {
    let value = object.get("id")?.get();
    let older = match serde_json::from_str::<String>(value) {
        Ok(text) => text,
        // A number, where the column was one.
        Err(_) => value.parse::<u64>().ok()?.to_string(),
    };
    let id = ProjectId::from_older(&older);
    if older.is_empty() {
        return Some(older);
    }
    if id.as_str() != older {
        changes.push(Change::Id { from: older.clone() });
    }
    object.set("id", raw(&id));
    Some(older)
}

/// Puts a word into today's vocabulary. One that is known in neither is kept, as a newer version's would be.
fn word<T: std::str::FromStr>(
    object: &mut RawObject,
    field: &'static str,
    older: &[(&str, &str)],
    changes: &mut Vec<Change>,
) {
    let Some(from) = object.read::<String>(field) else { return };
    let to = words::of_today::<T>(&from, older);
    if to.is_empty() {
        object.set(field, None);
    } else if to != from {
        object.set(field, raw(&to));
        changes.push(Change::Word { field, from, to });
    } else if to.parse::<T>().is_err() {
        changes.push(Change::Unknown { field, word: from });
    }
}

/// A whole number, however it was written.
fn rank(object: &mut RawObject) {
    let Some(text) = object.get("rank").map(|value| value.get().trim_matches('"').trim()) else { return };
    let whole = text.parse::<i64>().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
    });
    if text.is_empty() || whole.is_some() {
        object.set("rank", whole.and_then(|number| raw(&number)));
    }
}

fn time(object: &mut RawObject, field: &'static str) -> Result<(), InvalidField> {
    let Some(value) = object.get(field).filter(|value| value.get() != "null") else { return Ok(()) };
    if serde_json::from_str::<String>(value.get()).is_ok_and(|text| text.trim().is_empty()) {
        object.set(field, None);
        return Ok(());
    }
    let at = times::of_today(value)
        .ok_or_else(|| InvalidField::new(field, Rule::Shape("a time such as 2026-01-31T12:00:00Z")))?;
    object.set(field, raw(&at));
    Ok(())
}

/// Puts the value of a field into today's form; one of no known form is left.
fn structure(object: &mut RawObject, field: &str, of_today: impl FnOnce(&RawValue) -> Option<Box<RawValue>>) {
    if let Some(value) = object.get(field).and_then(of_today) {
        object.set(field, Some(value));
    }
}

#[cfg(test)]
mod tests;
