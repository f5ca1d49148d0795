//! Import from another Orkee database: one of this version, or the one that earlier versions of Orkee kept.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::apply::{Report, apply};
use super::json::Sink;
use super::{ImportOptions, TransferError};
use crate::project::{RawObject, raw};
use crate::store::{Store, StoreError};

/// Columns of the older table `projects`, with the field that each became and whether it holds JSON.
const COLUMNS: [(&str, &str, bool); 17] = [
    ("id", "id", false),
    ("name", "name", false),
    ("project_root", "projectRoot", false),
    ("description", "description", false),
    ("status", "status", false),
    ("priority", "priority", false),
    ("rank", "rank", false),
    ("setup_script", "setupScript", false),
    ("dev_script", "devScript", false),
    ("cleanup_script", "cleanupScript", false),
    ("task_source", "taskSource", false),
    ("tags", "tags", true),
    ("manual_tasks", "manualTasks", true),
    ("mcp_servers", "mcpServers", true),
    ("git_repository", "gitRepository", true),
    ("created_at", "createdAt", false),
    ("updated_at", "updatedAt", false),
];

/// Imports the projects of the database at `path`, which is only read.
pub fn import_database(
    store: &mut Store,
    path: &Path,
    options: ImportOptions,
) -> Result<Report, TransferError> {
    let cannot_open =
        |source: StoreError| StoreError::Open { path: path.to_owned(), source: Box::new(source) };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(error.into()))?;
    let has = |table: &str| {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)";
        source.query_row(sql, [table], |row| row.get::<_, bool>(0)).map_err(|error| cannot_open(error.into()))
    };
    let own = has("records")? && has("spaces")?;
    if !own && !has("projects")? {
        return Err(cannot_open(StoreError::Foreign).into());
    }
    apply(store, options, |sink| if own { read_own(&source, sink) } else { read_older(&source, sink) })
}

fn failed(error: rusqlite::Error) -> TransferError {
    StoreError::from(error).into()
}

fn read_own(source: &Connection, sink: &mut Sink<'_>) -> Result<(), TransferError> {
    let sql = "SELECT payload FROM records WHERE payload IS NOT NULL \
               AND space = (SELECT rowid FROM spaces WHERE tenant = '') ORDER BY id";
    let mut statement = source.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let text: String = row.get(0).map_err(failed)?;
        sink(RawObject::parse(&text).map_err(|error| TransferError::json(&error, 0))?)?;
    }
    Ok(())
}

fn read_older(source: &Connection, sink: &mut Sink<'_>) -> Result<(), TransferError> {
    let mut statement = source.prepare("SELECT * FROM projects ORDER BY id").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        sink(older(row))?;
    }
    Ok(())
}

/// A row of the older table. Columns that it lacks, and values of another form, are left out.
fn older(row: &Row<'_>) -> RawObject {
    let mut object = RawObject::default();
    for (column, field, is_json) in COLUMNS {
        let value = match row.get_ref(column) {
            Ok(ValueRef::Text(text)) => {
                let text = String::from_utf8_lossy(text);
                if is_json { serde_json::from_str(&text).ok() } else { raw(&plain(field, &text)) }
            }
            Ok(ValueRef::Integer(number)) => raw(&number),
            _ => None,
        };
        object.set(field, value);
    }
    object
}

/// A text of the older table: times were written in SQLite's form, UTC, and `active` is no status any more.
fn plain(field: &str, text: &str) -> String {
    match field {
        "createdAt" | "updatedAt" if text.len() == 19 && text.as_bytes()[10] == b' ' => {
            format!("{}Z", text.replacen(' ', "T", 1))
        }
        "status" if text == "active" => "building".to_owned(),
        _ => text.to_owned(),
    }
}
