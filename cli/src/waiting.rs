//! How a conflict looks to a script, and its values in a line: for `cloud conflicts` and `projects show`.

use orkee_core::store::{Conflict, Store, StoreError, Written, is_locked};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::output::text;

/// A conflict of a project that is known.
#[derive(Debug, Serialize)]
pub(crate) struct Waiting<'a> {
    pub(crate) field: &'a str,
    local: Option<&'a RawValue>,
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

/// A value for people: text without its quotes, nothing as a dash.
pub(crate) fn value(value: Option<&RawValue>) -> String {
    if value.is_some_and(is_locked) {
        return LOCKED.to_owned();
    }
    let json = value.map_or("null", RawValue::get);
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(serde_json::Value::Null) => "–".to_owned(),
        Ok(serde_json::Value::String(value)) => text::line(&value),
        _ => text::line(json),
    }
}
