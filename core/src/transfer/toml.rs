//! Projects as TOML.
//!
//! TOML has no null, and its numbers are not all of JSON's. A field whose text would not come back as it was stands as JSON in the
//! table `"$json"` of its project, so that an export in this format is as complete as the others.

use std::io::Read;

use serde_json::value::RawValue;
use toml_edit::{Array, ArrayOfTables, Document, DocumentMut, InlineTable, Item, Table, Value};

use super::TransferError;
use super::given::Sink;
use super::json::check_version;
use crate::project::{Payload, RawObject};

/// A TOML file is read as a whole, so it may not be larger than this.
pub const MAX_TOML: u64 = 64 << 20;

/// The table of what TOML cannot say.
const AS_JSON: &str = "$json";

/// Values nested deeper than this stand as JSON.
const MAX_DEPTH: usize = 16;

/// `[[projects]]` and its fields.
pub(super) fn write(payload: &Payload) -> String {
    let mut table = Table::new();
    let mut as_json = Table::new();
    for (field, value) in payload.iter() {
        let item = if field == "manualTasks" { tasks(value) } else { None };
        match item.or_else(|| exact(value).map(Item::Value)) {
            Some(item) if field != AS_JSON => drop(table.insert(field, item)),
            _ => drop(as_json.insert(field, Item::Value(value.get().into()))),
        }
    }
    if !as_json.is_empty() {
        table.insert(AS_JSON, Item::Table(as_json));
    }
    let mut projects = ArrayOfTables::new();
    projects.push(table);
    let mut document = DocumentMut::new();
    document.insert("projects", Item::ArrayOfTables(projects));
    document.to_string()
}

/// Tasks as tables of their own, for people to read.
fn tasks(value: &RawValue) -> Option<Item> {
    let list: Vec<RawObject> = serde_json::from_str(value.get()).ok()?;
    let mut tables = ArrayOfTables::new();
    for task in &list {
        let mut table = Table::new();
        for (field, value) in task.iter() {
            table.insert(field, Item::Value(exact(value)?));
        }
        tables.push(table);
    }
    (!list.is_empty()).then_some(Item::ArrayOfTables(tables))
}

/// The TOML value that reads back as exactly this JSON.
fn exact(value: &RawValue) -> Option<Value> {
    let toml = to_toml(value, MAX_DEPTH)?;
    let back = to_json(&toml)?;
    (back == value.get()).then_some(toml)
}

fn to_toml(value: &RawValue, depth: usize) -> Option<Value> {
    let text = value.get();
    let depth = depth.checked_sub(1)?;
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(text).ok().map(Value::from),
        b't' | b'f' => serde_json::from_str::<bool>(text).ok().map(Value::from),
        b'[' => {
            let list: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
            let values = list.iter().map(|value| to_toml(value, depth)).collect::<Option<Array>>()?;
            Some(Value::Array(values))
        }
        b'{' => {
            let mut table = InlineTable::new();
            for (key, value) in RawObject::parse(text).ok()?.iter() {
                table.insert(key, to_toml(value, depth)?);
            }
            Some(Value::InlineTable(table))
        }
        b'n' => None,
        _ => match text.parse::<i64>() {
            Ok(number) => Some(Value::from(number)),
            Err(_) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        },
    }
}

/// Compact JSON of a TOML value. None for what JSON has no form of (`nan`, `inf`).
fn to_json(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => serde_json::to_string(text.value()).ok()?,
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) if number.value().is_finite() => serde_json::to_string(number.value()).ok()?,
        Value::Float(_) => return None,
        Value::Boolean(value) => value.value().to_string(),
        Value::Datetime(at) => serde_json::to_string(&at.value().to_string()).ok()?,
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(to_json).collect::<Option<_>>()?;
            format!("[{}]", items.join(","))
        }
        Value::InlineTable(table) => object(table.iter().map(|(key, value)| (key, to_json(value))))?,
    })
}

fn item_to_json(item: &Item) -> Option<String> {
    match item {
        Item::None => None,
        Item::Value(value) => to_json(value),
        Item::Table(table) => object(table.iter().map(|(key, item)| (key, item_to_json(item)))),
        Item::ArrayOfTables(list) => {
            let items =
                list.iter().map(|table| object(table.iter().map(|(key, item)| (key, item_to_json(item)))));
            Some(format!("[{}]", items.collect::<Option<Vec<_>>>()?.join(",")))
        }
    }
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, Option<String>)>) -> Option<String> {
    let fields = fields.map(|(key, value)| Some(format!("{}:{}", serde_json::to_string(key).ok()?, value?)));
    Some(format!("{{{}}}", fields.collect::<Option<Vec<_>>>()?.join(",")))
}

/// Hands each project of a TOML file to `sink`.
pub(super) fn read(input: &mut dyn Read, sink: &mut Sink<'_>) -> Result<(), TransferError> {
    let mut bytes = Vec::new();
    let read = input.take(MAX_TOML + 1).read_to_end(&mut bytes).map_err(TransferError::reading)?;
    if read as u64 > MAX_TOML {
        return Err(TransferError::TooLarge { what: "a TOML file", limit: MAX_TOML });
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| syntax(&bytes[..error.valid_up_to()], "it is not UTF-8 text".to_owned()))?;
    let document = Document::parse(text).map_err(|error| {
        let at = error.span().map_or(bytes.len(), |span| span.start.min(bytes.len()));
        syntax(&bytes[..at], error.message().to_owned())
    })?;
    let version = document.get("version");
    if let Some(version) = version {
        check_version(&item_to_json(version).unwrap_or_default())?;
    }
    let tables: Vec<Item> = match document.get("projects") {
        Some(Item::ArrayOfTables(list)) => list.iter().map(|table| Item::Table(table.clone())).collect(),
        Some(Item::Value(Value::Array(list))) => {
            list.iter().map(|value| Item::Value(value.clone())).collect()
        }
        // An export of nothing.
        None if version.is_some() => Vec::new(),
        _ => return Err(TransferError::NoProjects),
    };
    for item in tables {
        sink(project(&item).ok_or_else(|| not_a_project(&item, &bytes))?.into())?;
    }
    Ok(())
}

fn project(item: &Item) -> Option<RawObject> {
    let mut object = RawObject::parse(&item_to_json(item)?).ok()?;
    if let Some(as_json) = object.read::<std::collections::BTreeMap<String, String>>(AS_JSON) {
        object.set(AS_JSON, None);
        for (field, text) in as_json {
            object.set(&field, Some(RawValue::from_string(text).ok()?));
        }
    }
    Some(object)
}

fn not_a_project(item: &Item, bytes: &[u8]) -> TransferError {
    let at = item.span().map_or(0, |span| span.start.min(bytes.len()));
    syntax(&bytes[..at], "a project is a table of values that JSON has, too".to_owned())
}

fn syntax(before: &[u8], message: String) -> TransferError {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    TransferError::Syntax { format: "TOML", line, column, message }
}
