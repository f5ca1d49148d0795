//! What a receiver is sent of an event.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::kind::EventKind;
use crate::clock::rfc3339;

/// A body of so many bytes or more goes without its data.
pub const THIN_FROM: usize = 20_000;

/// What a receiver is sent of an event.
#[derive(Debug, Clone)]
pub struct Body<'a> {
    /// What happened.
    pub kind: EventKind,
    /// To which project.
    pub project: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// Counted for each project.
    pub sequence: u64,
    /// How many projects it stands for, where it names none.
    pub count: Option<u64>,
    /// More about it.
    pub data: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct Json<'a> {
    event: &'static str,
    r#type: &'static str,
    project_id: Option<&'a str>,
    timestamp: String,
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thin: Option<bool>,
}

impl Body<'_> {
    /// Its bytes: JSON, with `thin` in the place of data that would make it too large.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let name = self.kind.as_str();
        let mut json = Json {
            event: name,
            r#type: name,
            project_id: self.project,
            timestamp: rfc3339(self.at),
            sequence: self.sequence,
            count: self.count,
            data: self.data,
            thin: None,
        };
        let whole = serde_json::to_vec(&json)?;
        if whole.len() < THIN_FROM {
            return Ok(whole);
        }
        (json.data, json.thin) = (None, Some(true));
        serde_json::to_vec(&json)
    }
}
