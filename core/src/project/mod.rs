//! What a project is.
//!
//! [`Payload`] is a project as it is stored, compared and carried: JSON in canonical form, with whatever fields a newer version
//! gave it. [`Project`] is the typed view of the fields that this version knows. An edit of the view writes back only the
//! fields that it changed, so a value that this version cannot read survives next to those that it can.

pub mod check;
mod git;
mod id;
mod json;
mod payload;
mod task;
mod vocabulary;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

pub use check::{InvalidField, Rule};
pub use git::GitRepository;
pub use id::{NotAnId, ProjectId};
pub use json::{RawObject, pretty};
pub(crate) use json::{indent, raw};
pub use payload::{Difference, FIELDS, Payload, PayloadError};
pub use task::Task;
pub(crate) use task::is_one_task;
pub use vocabulary::{Priority, Status, TaskSource, TaskStatus};

use crate::clock::rfc3339;

/// The fields of a project that this version knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its name in every store.
    pub id: ProjectId,
    /// What people call it. Not unique.
    pub name: String,
    /// Its folder, as its author wrote it.
    pub project_root: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// How far it is.
    pub status: Status,
    /// How much it matters.
    pub priority: Priority,
    /// Its place in a list that a person ordered.
    pub rank: Option<i64>,
    /// The command that prepares its folder.
    pub setup_script: Option<String>,
    /// The command that runs it for development.
    pub dev_script: Option<String>,
    /// The command that cleans up after it.
    pub cleanup_script: Option<String>,
    /// Where its tasks come from.
    pub task_source: Option<TaskSource>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Its tasks.
    pub manual_tasks: Vec<Task>,
    /// Which MCP servers are on.
    pub mcp_servers: BTreeMap<String, bool>,
    /// Where its code lives.
    pub git_repository: Option<GitRepository>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When a person last changed it.
    pub updated_at: Option<Timestamp>,
}

type Encoded = (&'static str, Option<Box<RawValue>>);

impl Project {
    /// A project with a name and nothing else.
    pub fn new(id: ProjectId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            project_root: None,
            description: None,
            status: Status::default(),
            priority: Priority::default(),
            rank: None,
            setup_script: None,
            dev_script: None,
            cleanup_script: None,
            task_source: None,
            tags: Vec::new(),
            manual_tasks: Vec::new(),
            mcp_servers: BTreeMap::new(),
            git_repository: None,
            created_at: None,
            updated_at: None,
        }
    }

    /// The payload of a project that was not there before.
    pub fn to_payload(&self) -> Result<Payload, PayloadError> {
        let mut object = RawObject::default();
        self.encode().into_iter().for_each(|(field, value)| object.set(field, value));
        Payload::from_object(object)
    }

    /// Writes what a person changed from `before` to this into `payload`, once it is checked.
    /// Fields that are the same in both stay as the payload has them.
    pub(crate) fn write_changes(&self, before: &Self, payload: &Payload) -> Result<Payload, Refused> {
        let (old, new) = (before.encode(), self.encode());
        let changed =
            new.into_iter().zip(old).filter(|(new, old)| text(new) != text(old)).map(|(new, _)| new);
        let changed: Vec<Encoded> = changed.collect();
        for (field, _) in &changed {
            if *field == "id" {
                return Err(InvalidField::new("id", Rule::Fixed).into());
            }
            // The tags of two devices may be too many together: taking some away is allowed in any case.
            let only_takes_away = || {
                self.tags.len() < before.tags.len() && self.tags.iter().all(|tag| before.tags.contains(tag))
            };
            if *field != "tags" || !only_takes_away() {
                self.check_field(field)?;
            }
        }
        Ok(payload.with(changed)?)
    }

    /// Each field's JSON, in canonical order; none for what is not there.
    pub(crate) fn encode(&self) -> [Encoded; FIELDS.len()] {
        fn some<T: serde::Serialize>(value: &Option<T>) -> Option<Box<RawValue>> {
            value.as_ref().and_then(raw)
        }
        fn words(value: &Option<String>) -> Option<Box<RawValue>> {
            value.as_ref().filter(|text| !text.is_empty()).and_then(raw)
        }
        let time = |at: Option<Timestamp>| at.and_then(|at| raw(&rfc3339(at)));
        [
            ("id", raw(&self.id)),
            ("name", raw(&self.name)),
            ("projectRoot", words(&self.project_root)),
            ("description", words(&self.description)),
            ("status", raw(&self.status)),
            ("priority", raw(&self.priority)),
            ("rank", some(&self.rank)),
            ("setupScript", words(&self.setup_script)),
            ("devScript", words(&self.dev_script)),
            ("cleanupScript", words(&self.cleanup_script)),
            ("taskSource", some(&self.task_source)),
            ("tags", Some(&self.tags).filter(|v| !v.is_empty()).and_then(raw)),
            ("manualTasks", Some(&self.manual_tasks).filter(|v| !v.is_empty()).and_then(raw)),
            ("mcpServers", Some(&self.mcp_servers).filter(|v| !v.is_empty()).and_then(raw)),
            ("gitRepository", some(&self.git_repository)),
            ("createdAt", time(self.created_at)),
            ("updatedAt", time(self.updated_at)),
        ]
    }
}

fn text(field: &Encoded) -> Option<&str> {
    field.1.as_deref().map(RawValue::get)
}

/// A field that is missing, or whose value is not of the expected form, is left at its default.
impl From<&Payload> for Project {
    fn from(payload: &Payload) -> Self {
        let time =
            |field| payload.read::<std::borrow::Cow<'_, str>>(field).and_then(|text| text.parse().ok());
        Self {
            id: payload.id(),
            name: payload.name(),
            project_root: payload.read("projectRoot"),
            description: payload.read("description"),
            status: payload.read("status").unwrap_or_default(),
            priority: payload.read("priority").unwrap_or_default(),
            rank: payload.read("rank"),
            setup_script: payload.read("setupScript"),
            dev_script: payload.read("devScript"),
            cleanup_script: payload.read("cleanupScript"),
            task_source: payload.read("taskSource"),
            tags: payload.read("tags").unwrap_or_default(),
            manual_tasks: payload.read("manualTasks").unwrap_or_default(),
            mcp_servers: payload.read("mcpServers").unwrap_or_default(),
            git_repository: payload.read("gitRepository"),
            created_at: time("createdAt"),
            updated_at: time("updatedAt"),
        }
    }
}

/// An edit is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// One of its fields.
    #[error(transparent)]
    Field(#[from] InvalidField),
    /// The whole.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

#[cfg(test)]
mod tests;
