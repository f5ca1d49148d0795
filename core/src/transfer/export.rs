//! Writing projects to a file, one after another.

use std::io::Write;

use jiff::Timestamp;

use super::{Format, TransferError, VERSION, toml};
use crate::clock::rfc3339;
use crate::project::{Payload, indent};
use crate::store::{Filter, Sort, Store};

/// Writes all projects, sorted by id, and says how many. `stamp` adds `exportedAt`.
pub fn export(
    store: &Store,
    format: Format,
    stamp: Option<Timestamp>,
    out: &mut dyn Write,
) -> Result<u64, TransferError> {
    let stamp = stamp.map(rfc3339);
    let head = match (format, &stamp) {
        (Format::Json, None) => format!("{{\n  \"version\": {VERSION},\n  \"projects\": ["),
        (Format::Json, Some(at)) => {
            format!("{{\n  \"version\": {VERSION},\n  \"exportedAt\": \"{at}\",\n  \"projects\": [")
        }
        (Format::Ndjson, None) => String::new(),
        (Format::Ndjson, Some(at)) => format!("{{\"version\":{VERSION},\"exportedAt\":\"{at}\"}}\n"),
        (Format::Toml, None) => format!("version = {VERSION}\n"),
        (Format::Toml, Some(at)) => format!("version = {VERSION}\nexportedAt = \"{at}\"\n"),
    };
    let mut put = |text: &str| out.write_all(text.as_bytes()).map_err(TransferError::Write);
    put(&head)?;
    let mut count = 0;
    let filter = Filter { sort: Sort::Id, ..Filter::default() };
    store.list_json(&filter, |project| {
        match format {
            Format::Json => {
                check(project)?;
                put(if count == 0 { "\n    " } else { ",\n    " })?;
                put(&indent(project, 2))?;
            }
            Format::Ndjson => {
                check(project)?;
                put(project)?;
                put("\n")?;
            }
            Format::Toml => {
                let payload = Payload::parse(project).map_err(|source| unreadable(project, source))?;
                put("\n")?;
                put(&toml::write(&payload))?;
            }
        }
        count += 1;
        Ok::<_, TransferError>(())
    })?;
    if format == Format::Json {
        put(if count == 0 { "]\n}\n" } else { "\n  ]\n}\n" })?;
    }
    out.flush().map_err(TransferError::Write)?;
    Ok(count)
}

/// An export that nobody can read is no export: what was damaged in the store ends it.
fn check(project: &str) -> Result<(), TransferError> {
    let read = serde_json::from_str::<serde::de::IgnoredAny>(project);
    read.map(drop).map_err(|source| unreadable(project, source))
}

fn unreadable(project: &str, source: impl std::error::Error + Send + Sync + 'static) -> TransferError {
    let id = project.chars().take(24).collect();
    crate::store::StoreError::BadRecord { id, source: Box::new(source) }.into()
}
