//! What a person may write into a project. What arrives from elsewhere is kept as it is; only input is held to this.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::value::RawValue;
use thiserror::Error;

use super::{GitRepository, Project, Task};
use crate::diagnostic::{Diagnostic, Kind};

/// Characters of a name.
pub const MAX_NAME: usize = 200;
/// Characters of a description, a script, or the longer texts of a task.
pub const MAX_TEXT: usize = 20_000;
/// Characters of a path or URL.
pub const MAX_PATH: usize = 4_096;
/// Tags of a project.
pub const MAX_TAGS: usize = 100;
/// Characters of a tag.
pub const MAX_TAG: usize = 64;
/// Tasks and subtasks of a project.
pub const MAX_TASKS: usize = 2_000;
/// MCP servers of a project.
pub const MAX_SERVERS: usize = 200;
/// Bytes of a project's JSON, unknown fields included. What fits here fits into a record of the wire format.
pub const MAX_PAYLOAD: usize = 1_000_000;

/// A field does not take this value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{field}` {rule}")]
pub struct InvalidField {
    /// The field, as it is called in JSON.
    pub field: String,
    /// What it has to obey.
    pub rule: Rule,
}

/// What a field has to obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Something has to be there.
    NotEmpty,
    /// At most so many characters.
    MaxChars(usize),
    /// At most so many entries.
    MaxEntries(usize),
    /// At most so many bytes.
    MaxBytes(usize),
    /// No control characters, nor those that turn the direction of a text.
    NoControl,
    /// One of these words.
    NotOneOf(&'static [&'static str]),
    /// No entry twice.
    Unique,
    /// JSON of this form.
    Shape(&'static str),
    /// Set once, when the project is made.
    Fixed,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEmpty => f.write_str("must not be empty"),
            Self::MaxChars(limit) => write!(f, "is longer than {limit} characters"),
            Self::MaxEntries(limit) => write!(f, "has more than {limit} entries"),
            Self::MaxBytes(limit) => write!(f, "is larger than {limit} bytes"),
            Self::NoControl => f.write_str("contains a control character"),
            Self::NotOneOf(words) => write!(f, "must be one of: {}", words.join(", ")),
            Self::Unique => f.write_str("names an entry twice"),
            Self::Shape(shape) => write!(f, "must be {shape}"),
            Self::Fixed => f.write_str("cannot be changed"),
        }
    }
}

impl InvalidField {
    /// `field` breaks `rule`.
    pub fn new(field: impl Into<String>, rule: Rule) -> Self {
        Self { field: field.into(), rule }
    }
}

impl Diagnostic for InvalidField {
    fn code(&self) -> &'static str {
        "E-PROJECT-001"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match &self.rule {
            Rule::NotEmpty if self.field == "name" => {
                Some("give the project a name: `--name NAME`".to_owned())
            }
            Rule::NoControl => Some("remove tabs, line ends and other invisible characters".to_owned()),
            Rule::MaxChars(_) | Rule::MaxEntries(_) | Rule::MaxBytes(_) => {
                Some("shorten it; a longer text has its place in a file of the project".to_owned())
            }
            Rule::NotEmpty | Rule::NotOneOf(_) | Rule::Unique | Rule::Shape(_) | Rule::Fixed => {
                Some(format!("correct `{}` and try again", self.field))
            }
        }
    }
}

impl Project {
    /// Whether every field may be written by a person.
    pub fn check(&self) -> Result<(), InvalidField> {
        super::FIELDS.into_iter().try_for_each(|field| self.check_field(field))
    }

    /// Whether a person may write `value` into `field`, where this is the typed view of the result.
    pub fn check_written(&self, field: &str, value: Option<&RawValue>) -> Result<(), InvalidField> {
        let Some(known) = super::FIELDS.into_iter().find(|known| *known == field) else {
            return Ok(());
        };
        if let Some(shape) = value.and_then(|value| wrong_shape(known, value)) {
            return Err(InvalidField::new(known, Rule::Shape(shape)));
        }
        self.check_field(known)
    }

    /// Whether `field` may be written by a person.
    pub(super) fn check_field(&self, field: &'static str) -> Result<(), InvalidField> {
        match field {
            "name" => name(&self.name),
            "projectRoot" => optional(field, self.project_root.as_deref(), path),
            "description" => optional(field, self.description.as_deref(), text),
            "setupScript" => optional(field, self.setup_script.as_deref(), text),
            "devScript" => optional(field, self.dev_script.as_deref(), text),
            "cleanupScript" => optional(field, self.cleanup_script.as_deref(), text),
            "status" => self.status.as_str().parse::<super::Status>().map(drop),
            "priority" => self.priority.as_str().parse::<super::Priority>().map(drop),
            "taskSource" => match &self.task_source {
                Some(source) => source.as_str().parse::<super::TaskSource>().map(drop),
                None => Ok(()),
            },
            "tags" => tags(&self.tags),
            "manualTasks" => {
                let mut left = MAX_TASKS;
                tasks(&self.manual_tasks, &mut left)
            }
            "mcpServers" => servers(self.mcp_servers.keys().map(String::as_str)),
            "gitRepository" => self.git_repository.as_ref().map_or(Ok(()), repository),
            _ => Ok(()),
        }
    }
}

/// The form that `field` has to have, where `value` has another.
pub(crate) fn wrong_shape(field: &str, value: &RawValue) -> Option<&'static str> {
    fn is<'a, T: serde::Deserialize<'a>>(value: &'a RawValue) -> bool {
        serde_json::from_str::<T>(value.get()).is_ok()
    }
    let (fits, shape) = match field {
        "rank" => (is::<i64>(value), "a whole number"),
        "tags" => (is::<Vec<String>>(value), "a list of texts"),
        "manualTasks" => (is::<Vec<Task>>(value), "a list of tasks, each with a number `id` and a `title`"),
        "mcpServers" => (is::<BTreeMap<String, bool>>(value), "an object of names and true or false"),
        "gitRepository" => (is::<GitRepository>(value), "an object with `owner`, `repo` and `url`"),
        "createdAt" | "updatedAt" => {
            let time = serde_json::from_str::<String>(value.get()).ok();
            (
                time.is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()),
                "a time such as 2026-01-31T12:00:00Z",
            )
        }
        _ => (is::<String>(value), "text"),
    };
    (!fits).then_some(shape)
}

fn optional(
    field: &str,
    value: Option<&str>,
    check: fn(&str, &str) -> Result<(), InvalidField>,
) -> Result<(), InvalidField> {
    value.map_or(Ok(()), |value| check(field, value))
}

/// Whether a person may call a project this.
pub(crate) fn name(name: &str) -> Result<(), InvalidField> {
    filled("name", name)?;
    line("name", name, MAX_NAME)
}

fn path(field: &str, path: &str) -> Result<(), InvalidField> {
    filled(field, path)?;
    line(field, path, MAX_PATH)
}

fn filled(field: &str, value: &str) -> Result<(), InvalidField> {
    if value.trim().is_empty() { Err(InvalidField::new(field, Rule::NotEmpty)) } else { Ok(()) }
}

/// One line, as it may stand in a table.
fn line(field: &str, value: &str, limit: usize) -> Result<(), InvalidField> {
    max_chars(field, value, limit)?;
    if value.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(InvalidField::new(field, Rule::NoControl));
    }
    Ok(())
}

/// Any number of lines.
fn text(field: &str, value: &str) -> Result<(), InvalidField> {
    max_chars(field, value, MAX_TEXT)?;
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(InvalidField::new(field, Rule::NoControl));
    }
    Ok(())
}

fn max_chars(field: &str, value: &str, limit: usize) -> Result<(), InvalidField> {
    // Bytes first: most values need no count of characters.
    if value.len() > limit && value.chars().count() > limit {
        return Err(InvalidField::new(field, Rule::MaxChars(limit)));
    }
    Ok(())
}

/// Line separators, and marks that make a text read otherwise than it is written.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn tags(tags: &[String]) -> Result<(), InvalidField> {
    if tags.len() > MAX_TAGS {
        return Err(InvalidField::new("tags", Rule::MaxEntries(MAX_TAGS)));
    }
    for tag in tags {
        filled("tags", tag)?;
        line("tags", tag, MAX_TAG)?;
    }
    unique("tags", tags.iter())
}

fn unique<T: Ord>(field: &str, values: impl ExactSizeIterator<Item = T>) -> Result<(), InvalidField> {
    let count = values.len();
    if values.collect::<BTreeSet<T>>().len() < count {
        return Err(InvalidField::new(field, Rule::Unique));
    }
    Ok(())
}

fn tasks(list: &[Task], left: &mut usize) -> Result<(), InvalidField> {
    let field = "manualTasks";
    *left =
        left.checked_sub(list.len()).ok_or_else(|| InvalidField::new(field, Rule::MaxEntries(MAX_TASKS)))?;
    for task in list {
        filled("manualTasks.title", &task.title)?;
        line("manualTasks.title", &task.title, MAX_TEXT)?;
        optional("manualTasks.description", task.description.as_deref(), text)?;
        optional("manualTasks.details", task.details.as_deref(), text)?;
        optional("manualTasks.testStrategy", task.test_strategy.as_deref(), text)?;
        tasks(&task.subtasks, left)?;
    }
    unique("manualTasks.id", list.iter().map(|task| task.id))
}

fn servers<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Result<(), InvalidField> {
    if names.len() > MAX_SERVERS {
        return Err(InvalidField::new("mcpServers", Rule::MaxEntries(MAX_SERVERS)));
    }
    for server in names {
        filled("mcpServers", server)?;
        line("mcpServers", server, MAX_NAME)?;
    }
    Ok(())
}

fn repository(git: &GitRepository) -> Result<(), InvalidField> {
    for (field, value) in [("owner", &git.owner), ("repo", &git.repo), ("url", &git.url)] {
        filled(&format!("gitRepository.{field}"), value)?;
        line(&format!("gitRepository.{field}"), value, MAX_PATH)?;
    }
    optional("gitRepository.branch", git.branch.as_deref(), path)
}
