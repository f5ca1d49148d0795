//! Import from another Orkee database: one of this version, or the one that earlier versions of Orkee kept.
//!
//! Of the older one, the columns of the table `projects` that are named here are read, and nothing else: other columns and tables
//! may hold tokens.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde_json::value::RawValue;

use super::apply::{Report, apply};
use super::error::Which;
use super::given::Sink;
use super::source::Source;
use super::{ImportOptions, TransferError, older};
use crate::project::{InvalidField, RawObject, Rule, raw};
use crate::store::{Store, StoreError, schema};

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
    let unreadable = |source| TransferError::Read { path: path.to_owned(), source };
    let meta = path.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        let kind = if meta.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
        return Err(unreadable(kind.into()));
    }
    // Not only of no use: closing a file that SQLite has open in this process would end the locks that it holds.
    if store
        .path()
        .and_then(|own| own.metadata().ok())
        .is_some_and(|own| (own.dev(), own.ino()) == (meta.dev(), meta.ino()))
    {
        return Err(TransferError::Itself);
    }
    // Opened, and waited for where somebody writes to it, before this store is locked.
    let source = Source::open(path, store.wait()).map_err(|error| TransferError::database(path, error))?;
    let failed = |error: rusqlite::Error| TransferError::database(path, error);
    let columns = older_columns(&source).map_err(failed)?;
    let is_own = match schema(&source.connection) {
        Ok(number) => number > 0,
        Err(StoreError::Foreign) => false,
        Err(error) => return Err(TransferError::database(path, error)),
    };
    let is_older = ["id", "name"].iter().all(|name| columns.iter().any(|(column, ..)| column == name));
    if !is_own && !is_older {
        return Err(TransferError::database(path, StoreError::Foreign));
    }
    apply(store, options, |sink| {
        if is_own { read_own(&source, path, sink) } else { read_older(&source, path, &columns, sink) }?;
        source.check().map_err(|error| TransferError::database(path, error))
    })
}

/// Those of [`COLUMNS`] that the source has.
fn older_columns(source: &Source) -> rusqlite::Result<Vec<(&'static str, &'static str, bool)>> {
    let mut statement = source.connection.prepare("SELECT lower(name) FROM pragma_table_info('projects')")?;
    let found = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(COLUMNS.into_iter().filter(|(column, ..)| found.iter().any(|name| name == column)).collect())
}

fn read_own(source: &Source, path: &Path, sink: &mut Sink<'_>) -> Result<(), TransferError> {
    let failed = |error: rusqlite::Error| TransferError::database(path, error);
    if is_locked(source).map_err(failed)? {
        return Err(TransferError::database(path, StoreError::Shut));
    }
    let sql = "SELECT payload FROM records WHERE payload IS NOT NULL \
               AND space = (SELECT rowid FROM spaces WHERE tenant = '') ORDER BY id";
    let mut statement = source.connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let text: String = row.get(0).map_err(failed)?;
        sink(RawObject::parse(&text).map_err(|error| TransferError::json(&error, 0))?.into())?;
    }
    Ok(())
}

/// Whether fields are sealed in it, whose key belongs to another home.
fn is_locked(source: &Source) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'lock')";
    let has_table: bool = source.connection.query_row(sql, [], |row| row.get(0))?;
    Ok(has_table
        && source.connection.query_row("SELECT EXISTS (SELECT 1 FROM lock)", [], |row| row.get(0))?)
}

fn read_older(
    source: &Source,
    path: &Path,
    columns: &[(&'static str, &'static str, bool)],
    sink: &mut Sink<'_>,
) -> Result<(), TransferError> {
    let failed = |error: rusqlite::Error| TransferError::database(path, error);
    let names: Vec<String> = columns.iter().map(|(column, ..)| format!("\"{column}\"")).collect();
    let sql = format!("SELECT {} FROM projects ORDER BY id", names.join(", "));
    let mut statement = source.connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut n = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        n += 1;
        let given = fields(row, columns).and_then(older::project);
        sink(given.map_err(|error| TransferError::Project {
            which: which(row, columns, n),
            source: error.into(),
        })?)?;
    }
    Ok(())
}

/// What the source calls a row: its id, else its place.
fn which(row: &Row<'_>, columns: &[(&str, &str, bool)], n: usize) -> Which {
    let at = columns.iter().position(|(column, ..)| *column == "id");
    match at.and_then(|at| row.get_ref(at).ok()) {
        Some(ValueRef::Text(text)) => Which::Called(String::from_utf8_lossy(text).into_owned()),
        Some(ValueRef::Integer(number)) => Which::Called(number.to_string()),
        _ => Which::Place(n),
    }
}

/// The fields of a row. NULL and an empty text say nothing.
fn fields(row: &Row<'_>, columns: &[(&'static str, &'static str, bool)]) -> Result<RawObject, InvalidField> {
    let mut object = RawObject::default();
    for (at, (column, field, is_json)) in columns.iter().enumerate() {
        let refused = |shape| InvalidField::new(*column, Rule::Shape(shape));
        let value = row.get_ref(at).map_err(|_| refused("text"))?;
        object.set(field, value_of(value, *is_json).map_err(refused)?);
    }
    Ok(object)
}

fn value_of(value: ValueRef<'_>, is_json: bool) -> Result<Option<Box<RawValue>>, &'static str> {
    let text = match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) if is_json => return Ok(raw(&number)),
        ValueRef::Real(number) if is_json => return Ok(raw(&number)),
        // What a field of numbers makes of a text is for the field to say.
        ValueRef::Integer(number) => return Ok(raw(&number.to_string())),
        ValueRef::Real(number) => return Ok(raw(&number.to_string())),
        ValueRef::Text(text) | ValueRef::Blob(text) => std::str::from_utf8(text).map_err(|_| "UTF-8 text")?,
    };
    match is_json {
        _ if text.trim().is_empty() => Ok(None),
        true => serde_json::from_str(text).map(Some).map_err(|_| "JSON"),
        false => Ok(raw(text)),
    }
}
