//! Tasks that are kept in the project itself, each with subtasks of the same form.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json::RawObject;
use super::{Priority, TaskStatus};

/// A task, or a subtask of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// Its number within its list.
    pub id: u64,
    /// What is to be done.
    pub title: String,
    /// In a few sentences.
    pub description: Option<String>,
    /// At length.
    pub details: Option<String>,
    /// How to see that it is done.
    pub test_strategy: Option<String>,
    /// How much it matters.
    pub priority: Option<Priority>,
    /// How far it is.
    pub status: TaskStatus,
    /// Numbers of tasks of the same list that come first.
    pub dependencies: Vec<u64>,
    /// Its parts.
    pub subtasks: Vec<Task>,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// RFC 3339.
    pub updated_at: Option<String>,
    /// Fields that this version does not know.
    pub extra: RawObject,
}

impl Serialize for Task {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("title", &self.title)?;
        for (key, text) in [
            ("description", &self.description),
            ("details", &self.details),
            ("testStrategy", &self.test_strategy),
        ] {
            if let Some(text) = text {
                map.serialize_entry(key, text)?;
            }
        }
        if let Some(priority) = &self.priority {
            map.serialize_entry("priority", priority)?;
        }
        map.serialize_entry("status", &self.status)?;
        if !self.dependencies.is_empty() {
            map.serialize_entry("dependencies", &self.dependencies)?;
        }
        if !self.subtasks.is_empty() {
            map.serialize_entry("subtasks", &self.subtasks)?;
        }
        for (key, time) in [("createdAt", &self.created_at), ("updatedAt", &self.updated_at)] {
            if let Some(time) = time {
                map.serialize_entry(key, time)?;
            }
        }
        for (key, value) in self.extra.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Task {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = RawObject::deserialize(deserializer)?;
        let mut fields = Fields { object: &mut object };
        let task = Self {
            id: fields.take("id")?,
            title: fields.take("title")?,
            description: fields.take_optional("description")?,
            details: fields.take_optional("details")?,
            test_strategy: fields.take_optional("testStrategy")?,
            priority: fields.take_optional("priority")?,
            status: fields.take_optional("status")?.unwrap_or_default(),
            dependencies: fields.take_optional("dependencies")?.unwrap_or_default(),
            subtasks: fields.take_optional("subtasks")?.unwrap_or_default(),
            created_at: fields.take_optional("createdAt")?,
            updated_at: fields.take_optional("updatedAt")?,
            extra: RawObject::default(),
        };
        Ok(Self { extra: object, ..task })
    }
}

/// Whether a task is still the one that it was, and not a later one that was given its number.
pub(crate) fn is_one_task(then: &RawObject, now: &RawObject) -> bool {
    match (then.get("createdAt"), now.get("createdAt")) {
        (Some(then), Some(now)) => then.get() == now.get(),
        _ => true,
    }
}

/// Takes fields out of an object; what is left are the unknown ones.
struct Fields<'a> {
    object: &'a mut RawObject,
}

impl Fields<'_> {
    fn take<T: for<'a> Deserialize<'a>, E: serde::de::Error>(&mut self, key: &'static str) -> Result<T, E> {
        self.take_optional(key)?.ok_or_else(|| E::missing_field(key))
    }

    fn take_optional<T: for<'a> Deserialize<'a>, E: serde::de::Error>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<T>, E> {
        let Some(value) = self.object.get(key) else {
            return Ok(None);
        };
        let value = serde_json::from_str(value.get()).map_err(E::custom)?;
        self.object.set(key, None);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_of_a_task_and_of_its_subtasks_survive() {
        let text = r#"{"id":1,"title":"A","status":"someday","subtasks":[{"id":1,"title":"B","status":"done","x":1.50}],"owner":{"n":9007199254740993}}"#;
        let task: Task = serde_json::from_str(text).unwrap();
        assert_eq!(task.status, TaskStatus::Other("someday".into()));
        assert_eq!(serde_json::to_string(&task).unwrap(), text);
    }
}
