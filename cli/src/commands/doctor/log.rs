//! Whether the log can be written, and how large it is.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::check::Check;
use super::disk::size;
use crate::context::Context;
use crate::failure::Failure;
use crate::logging;

const NAME: &str = "log";

/// Opens the log as whoever writes it would, and writes nothing. Where there is none yet, looks whether one could be made.
pub(super) fn examine(cx: &Context) -> Result<Option<Check>, Failure> {
    let path = cx.home()?.log();
    let Some(folder) = path.parent() else { return Ok(None) };
    if !folder.exists() && fs::symlink_metadata(folder).is_err() {
        return Ok(Some(Check::ok(NAME, "No log yet")));
    }
    Ok(Some(match writable(folder, &path) {
        Ok(()) => {
            let files = logging::files(&path);
            let bytes = size(files.iter().filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum());
            Check::ok(NAME, format!("The log can be written: {} ({bytes})", path.display()))
        }
        Err(error) => Check::warning(NAME, format!("the log cannot be written: {}: {error}", path.display()))
            .hint(format!(
                "commands work without it; make {} a folder that is yours to write, or remove what stands there",
                folder.display()
            )),
    }))
}

fn writable(folder: &Path, path: &Path) -> std::io::Result<()> {
    if !folder.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    match path.exists() {
        // A pipe would wait for a reader.
        true => OpenOptions::new()
            .append(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
            .open(path)
            .map(drop),
        false => Ok(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?),
    }
}
