//! How a conflict looks to a script, and its values in a line: for `cloud conflicts` and `projects show`.

use orkee_core::project::pretty;
use orkee_core::store::{Conflict, Store, StoreError, Written, is_damaged, is_locked};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use unicode_width::UnicodeWidthStr;

use crate::output::text;

/// A conflict of a project that is known.
#[derive(Debug, Serialize)]
pub(crate) struct Waiting<'a> {
    pub(crate) field: &'a str,
    #[serde(serialize_with = "as_told")]
    local: Option<&'a RawValue>,
    #[serde(serialize_with = "as_told")]
    cloud: Option<&'a RawValue>,
    pub(crate) at: &'a str,
    pub(crate) device: &'a str,
    local_at: Option<String>,
    local_device: Option<String>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn of(store: &Store, conflict: &'a Conflict) -> Result<Self, StoreError> {
        let (local_at, local_device) =
            store.written(conflict)?.map(|Written { device, at }| (at, device)).unzip();
        Ok(Self {
            field: &conflict.field,
            local: conflict.local.as_deref(),
            cloud: conflict.cloud.as_deref(),
            at: &conflict.at,
            device: &conflict.device,
            local_at,
            local_device,
        })
    }

    /// Field, value here, value there, each in a line.
    pub(crate) fn in_line(&self) -> [String; 3] {
        [text::line(self.field), value(self.local), value(self.cloud)]
    }
}

/// What stands in the place of a value that is sealed on this device, and whose key is not at hand.
pub(crate) const LOCKED: &str = "(locked)";

/// And of one whose sealed text does not open any more.
pub(crate) const DAMAGED: &str = "(damaged)";

/// As scripts get it.
const DAMAGED_JSON: &str = r#"{"$damaged":true}"#;

/// A value as a script gets it: of one that is damaged, that it is.
pub(crate) fn told(value: &RawValue) -> &RawValue {
    match is_damaged(value) {
        true => serde_json::from_str(DAMAGED_JSON).unwrap_or(RawValue::NULL),
        false => value,
    }
}

fn as_told<S: Serializer>(value: &Option<&RawValue>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(told).serialize(serializer)
}

/// What stands in the place of a value that cannot be shown; none: it can.
pub(crate) fn hidden(value: &RawValue) -> Option<&'static str> {
    match is_locked(value) {
        true if is_damaged(value) => Some(DAMAGED),
        true => Some(LOCKED),
        false => None,
    }
}

/// A value for people: text without its quotes, nothing as a dash.
pub(crate) fn value(value: Option<&RawValue>) -> String {
    if let Some(hidden) = value.and_then(hidden) {
        return hidden.to_owned();
    }
    let json = value.map_or("null", RawValue::get);
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(serde_json::Value::Null) => "–".to_owned(),
        Ok(serde_json::Value::String(value)) => text::line(&value),
        _ => text::line(json),
    }
}

/// Two values of a field as texts to be compared: words as they are where both are words, else JSON, on one line each if they fit into
/// `room` columns. What is sealed is said to be.
pub(crate) fn texts(
    one: Option<&RawValue>,
    other: Option<&RawValue>,
    room: usize,
) -> (Option<String>, Option<String>) {
    if [one, other].into_iter().flatten().any(is_locked) {
        let text = |value: &RawValue| match hidden(value) {
            Some(hidden) => hidden.to_owned(),
            None => serde_json::from_str(value.get()).unwrap_or_else(|_| pretty(value)),
        };
        return (one.map(text), other.map(text));
    }
    let word = |value: Option<&RawValue>| value.map(|value| serde_json::from_str::<String>(value.get()));
    match (word(one).transpose(), word(other).transpose()) {
        (Ok(one), Ok(other)) => (one, other),
        _ => {
            let fits = |value: Option<&RawValue>| value.is_none_or(|value| value.get().width() <= room);
            let json = |value: &RawValue| match fits(one) && fits(other) {
                true => value.get().to_owned(),
                false => pretty(value),
            };
            (one.map(json), other.map(json))
        }
    }
}
