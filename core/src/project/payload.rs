//! A project as it is stored and travels: a JSON object in canonical form.
//!
//! Known fields come first, in the order of [`FIELDS`], then the unknown ones, sorted; values keep their text (see
//! [`RawObject`]), except that known strings have one spelling, and that known fields that say nothing (`null`, an empty list of
//! tags) are left out. So two payloads with the same content have the same bytes, and what this version does not understand
//! travels on unharmed.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::check::MAX_PAYLOAD;
use super::id::{NotAnId, ProjectId};
use super::json::{RawObject, indent, is_deeper, raw};
use crate::diagnostic::{Diagnostic, Kind};

/// The known fields, in canonical order.
pub const FIELDS: [&str; 17] = [
    "id",
    "name",
    "projectRoot",
    "description",
    "status",
    "priority",
    "rank",
    "setupScript",
    "devScript",
    "cleanupScript",
    "taskSource",
    "tags",
    "manualTasks",
    "mcpServers",
    "gitRepository",
    "createdAt",
    "updatedAt",
];

/// Levels of arrays and objects in a value. Common readers of JSON stop at 128.
const MAX_DEPTH: usize = 100;

/// A project's JSON in canonical form. It has an id and a name, whatever else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    id: ProjectId,
    object: RawObject,
}

/// A text is no project.
#[derive(Debug, Error)]
pub enum PayloadError {
    /// It is no JSON object.
    #[error("not a JSON object")]
    Json(#[from] serde_json::Error),
    /// It has no id, or something else in its place.
    #[error("`id` is missing or is not text")]
    NoId,
    /// Its id is not one.
    #[error(transparent)]
    Id(#[from] NotAnId),
    /// It has no name, or something else in its place.
    #[error("`name` is missing or is not text")]
    NoName,
    /// A value in it is nested too deeply for most programs to read.
    #[error("`{0}` is nested deeper than {MAX_DEPTH} levels")]
    TooDeep(String),
    /// It is too large to travel.
    #[error("the project has {0} bytes, {MAX_PAYLOAD} are the limit")]
    TooLarge(usize),
}

impl Diagnostic for PayloadError {
    fn code(&self) -> &'static str {
        "E-PROJECT-003"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Id(error) => error.hint(),
            _ => None,
        }
    }
}

impl Payload {
    /// Reads a project from JSON. Unknown fields and words are kept; only id, name and size are checked.
    pub fn parse(text: &str) -> Result<Self, PayloadError> {
        if text.len() > MAX_PAYLOAD.saturating_mul(4) {
            return Err(PayloadError::TooLarge(text.len()));
        }
        Self::from_object(RawObject::parse(text)?)
    }

    /// Puts an object's fields into canonical form.
    pub fn from_object(mut object: RawObject) -> Result<Self, PayloadError> {
        object.entries_mut().retain_mut(|(key, value)| {
            if position(key).is_none() {
                return true;
            }
            respell(value);
            !says_nothing(key, value.get())
        });
        let entries = object.entries_mut();
        if !entries.is_sorted_by_key(|(key, _)| order(key)) {
            entries.sort_by(|a, b| order(&a.0).cmp(&order(&b.0)));
        }
        if let Some((field, _)) = object.iter().find(|(_, value)| is_too_deep(value.get())) {
            return Err(PayloadError::TooDeep(field.chars().take(40).collect()));
        }
        let id = object.read::<std::borrow::Cow<'_, str>>("id").ok_or(PayloadError::NoId)?.parse()?;
        object.read::<std::borrow::Cow<'_, str>>("name").ok_or(PayloadError::NoName)?;
        let size = object.iter().map(|(key, value)| key.len() + value.get().len() + 4).sum();
        if size > MAX_PAYLOAD {
            return Err(PayloadError::TooLarge(size));
        }
        Ok(Self { id, object })
    }

    /// The project's id.
    pub fn id(&self) -> ProjectId {
        self.id
    }

    /// The project's name.
    pub fn name(&self) -> String {
        self.read("name").unwrap_or_default()
    }

    /// The value of a field, as raw JSON.
    pub fn get(&self, field: &str) -> Option<&RawValue> {
        self.object.get(field)
    }

    /// The value of a field, read as a `T`; none where it is missing or something else.
    pub fn read<'a, T: serde::Deserialize<'a>>(&'a self, field: &str) -> Option<T> {
        self.object.read(field)
    }

    /// All fields, in canonical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &RawValue)> {
        self.object.iter()
    }

    /// The canonical bytes.
    pub fn to_json(&self) -> String {
        self.object.to_json()
    }

    /// For people: one field a line.
    pub fn to_pretty_json(&self) -> String {
        indent(&self.to_json(), 0)
    }

    /// The fields, to be changed and put together again by [`Payload::from_object`].
    pub fn into_object(self) -> RawObject {
        self.object
    }

    /// The same project under another id.
    pub fn with_id(mut self, id: ProjectId) -> Self {
        self.object.set("id", raw(&id));
        self.id = id;
        self
    }

    /// This with other values for some fields; none takes a field out.
    pub fn with(
        &self,
        changes: impl IntoIterator<Item = (impl AsRef<str>, Option<Box<RawValue>>)>,
    ) -> Result<Self, PayloadError> {
        let mut object = self.object.clone();
        changes.into_iter().for_each(|(field, value)| object.set(field.as_ref(), value));
        Self::from_object(object)
    }

    /// The fields whose values differ, with the value here and there.
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<Difference<'a>> {
        let mut found: Vec<Difference<'a>> = self
            .iter()
            .map(|(field, here)| Difference { field, here: Some(here), there: other.get(field) })
            .filter(|d| d.here.map(RawValue::get) != d.there.map(RawValue::get))
            .collect();
        let only_there = other.iter().filter(|(field, _)| self.get(field).is_none());
        found.extend(only_there.map(|(field, there)| Difference { field, here: None, there: Some(there) }));
        found.sort_by(|a, b| order(a.field).cmp(&order(b.field)));
        found
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize(serializer)
    }
}

/// A field that two payloads have different values for.
#[derive(Debug, Clone, Copy)]
pub struct Difference<'a> {
    /// Its name.
    pub field: &'a str,
    /// The value in the one.
    pub here: Option<&'a RawValue>,
    /// The value in the other.
    pub there: Option<&'a RawValue>,
}

fn position(field: &str) -> Option<usize> {
    FIELDS.iter().position(|known| *known == field)
}

fn order(field: &str) -> (usize, &str) {
    (position(field).unwrap_or(FIELDS.len()), field)
}

/// One spelling for a string: `"\u0041"` and `"A"` are the same value.
fn respell(value: &mut Box<RawValue>) {
    let text = value.get();
    if text.starts_with('"')
        && text.contains('\\')
        && let Ok(string) = serde_json::from_str::<String>(text)
        && let Some(one) = raw(&string)
    {
        *value = one;
    }
}

fn is_too_deep(value: &str) -> bool {
    value.starts_with(['[', '{']) && is_deeper(value, MAX_DEPTH)
}

fn says_nothing(field: &str, value: &str) -> bool {
    value == "null"
        || (matches!(field, "tags" | "manualTasks" | "mcpServers") && matches!(value, "[]" | "{}"))
}
