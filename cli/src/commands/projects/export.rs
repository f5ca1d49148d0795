//! `orkee projects export`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orkee_core::file;
use orkee_core::store::{Filter, Sort, Store};
use orkee_core::transfer::{self, Format, TransferError};
use serde::Serialize;

use super::{list, word};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::{Output, text};

/// Write all projects to standard output, or to a file
///
/// Complete and stable: every field of every project, sorted by id; the same data gives the same bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects export > projects.json
  orkee projects export --format toml --output projects.toml --stamp")]
pub(crate) struct Export {
    /// json, ndjson (one project a line) or toml
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = word::<Format>)]
    format: Format,
    /// The file to write, whole or not at all; default: standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write down when, as `exportedAt`
    #[arg(long)]
    stamp: bool,
}

#[derive(Serialize)]
struct Written<'a> {
    output: &'a Path,
    count: u64,
}

impl Export {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let store = cx.store()?;
        // What is looked through is what is written.
        store.reading(|| self.export(cx, &store))?
    }

    fn export(&self, cx: &Context, store: &Store) -> CommandResult {
        // An export without what is locked, or damaged, would be none.
        store.must_be_open()?;
        store.must_be_whole()?;
        let stamp = self.stamp.then(Timestamp::now);
        match &self.output {
            Some(path) => {
                let count = to_file(store, path, self.format, stamp)?;
                if cx.out.is_json() {
                    cx.out.document(&Written { output: path, count })?;
                } else {
                    let what = if count == 1 { "project" } else { "projects" };
                    cx.out.done(format_args!(
                        "Exported {count} {what} to {}",
                        text::line(&path.display().to_string())
                    ))?;
                }
                Ok(Exit::DONE)
            }
            None if cx.out.is_json() => self.document(cx, store, stamp),
            None => to_stdout(&cx.out, |out| transfer::export(store, self.format, stamp, out)),
        }
    }

    /// The export as one object with `schema_version`, as every command's JSON is.
    fn document(&self, cx: &Context, store: &Store, stamp: Option<Timestamp>) -> CommandResult {
        if self.format != Format::Json {
            let hint = "leave --json away, or write to a file with --output";
            return Err(
                CliError::usage("--json prints JSON, and another --format was asked for", hint).into()
            );
        }
        let stamp = stamp.map(|at| format!("\"exportedAt\":\"{}\",", orkee_core::clock::rfc3339(at)));
        let filter = Filter { sort: Sort::Id, ..Filter::default() };
        list::document(&cx.out, store, &filter, &format!("\"version\":1,{}", stamp.unwrap_or_default()))
    }
}

/// Writes the export in the place of the file. A device or a pipe is written as it is: it must not be replaced by a file.
fn to_file(store: &Store, path: &Path, format: Format, stamp: Option<Timestamp>) -> Result<u64, Failure> {
    let failed = |source| CliError::WriteFile { path: path.to_owned(), source };
    let named = |error| match error {
        TransferError::Write(source) => Failure::from(failed(source)),
        other => other.into(),
    };
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        let mut device = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
        return transfer::export(store, format, stamp, &mut device).map_err(named);
    }
    // What a link points at is replaced, not the link.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    file::replace_with(&target, |out| transfer::export(store, format, stamp, out), TransferError::Write)
        .map_err(named)
}

/// Lets `write` write to standard output. That the reader goes away ends it early and is no error.
fn to_stdout(
    out: &Output,
    write: impl FnOnce(&mut dyn Write) -> Result<u64, TransferError>,
) -> CommandResult {
    let mut stdout = Stdout { out, failed: None };
    let result = write(&mut stdout);
    if out.is_closed() {
        return Ok(Exit::DONE);
    }
    if let Some(error) = stdout.failed {
        return Err(error.into());
    }
    result?;
    Ok(Exit::DONE)
}

struct Stdout<'a> {
    out: &'a Output,
    failed: Option<CliError>,
}

impl Stdout<'_> {
    fn kept(&mut self, result: Result<(), CliError>) -> io::Result<()> {
        if let Err(error) = result {
            self.failed = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        if self.out.is_closed() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

impl Write for Stdout<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.bytes(bytes);
        self.kept(written).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.finish();
        self.kept(flushed)
    }
}
