//! Reading projects from a file into the store.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use super::apply::{Report, apply};
use super::given::Sink;
use super::{Format, ImportOptions, TransferError, json, toml};
use crate::project::RawObject;
use crate::store::Store;

/// Bytes of a file. A store of a hundred thousand projects stays well below.
const MAX_FILE: u64 = 1 << 30;

/// Bytes that the format is told from.
const SAMPLE: usize = 64 << 10;

/// Imports the file at `path`.
pub fn import_file(store: &mut Store, path: &Path, options: ImportOptions) -> Result<Report, TransferError> {
    let open = || {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        if meta.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok((file, meta)) }
    };
    let (file, meta) = open().map_err(|source| TransferError::Read { path: path.to_owned(), source })?;
    let result = match meta.is_file() {
        true if meta.len() > MAX_FILE => Err(TransferError::TooLarge { what: "the file", limit: MAX_FILE }),
        true => import_seekable(store, file, options),
        // A pipe or a device: may block for ever.
        false => import(store, file, options),
    };
    result.map_err(|error| error.of(path))
}

/// Imports what `input`, standard input for example, gives. All of it is read before the store is locked.
pub fn import(store: &mut Store, input: impl Read, options: ImportOptions) -> Result<Report, TransferError> {
    let mut spool = tempfile::tempfile().map_err(TransferError::Write)?;
    let read = io::copy(&mut input.take(MAX_FILE + 1), &mut spool).map_err(TransferError::reading)?;
    if read > MAX_FILE {
        return Err(TransferError::TooLarge { what: "the input", limit: MAX_FILE });
    }
    spool.rewind().map_err(TransferError::reading)?;
    import_seekable(store, spool, options)
}

fn import_seekable(store: &mut Store, file: File, options: ImportOptions) -> Result<Report, TransferError> {
    let size = file.metadata().map_err(TransferError::reading)?.len();
    let mut input = BufReader::with_capacity(SAMPLE, file);
    let format = match options.format {
        Some(format) => format,
        None => sniff(input.fill_buf().map_err(TransferError::reading)?),
    };
    apply(store, options, |sink: &mut Sink<'_>| match format {
        Format::Json => json::read(&mut input, size, sink),
        Format::Ndjson => json::read_lines(&mut input, sink),
        Format::Toml => toml::read(&mut input, sink),
    })
}

/// The format of a file that begins like this. In NDJSON the first line is an object by itself, and not an export.
fn sniff(beginning: &[u8]) -> Format {
    let text = beginning.trim_ascii_start();
    if !text.starts_with(b"{") {
        return if text.starts_with(b"[") && !text.starts_with(b"[[") { Format::Json } else { Format::Toml };
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match serde_json::from_slice::<RawObject>(line) {
        Ok(object) if object.get("projects").is_none() => Format::Ndjson,
        _ => Format::Json,
    }
}
