//! Editing a project as JSON in the person's own editor. A text that is refused is never lost.

use std::fs;
use std::path::Path;

use orkee_core::project::{Payload, ProjectId};
use orkee_core::store::{Store, StoreError, Updated};

use crate::context::Context;
use crate::editor::{self, EditorError, reasons};
use crate::failure::Failure;
use crate::prompt;

/// Opens `read` in the editor until what comes back can be taken over, or the person gives up.
pub(in crate::commands) fn edit(cx: &Context, store: &mut Store, read: &Payload) -> Result<Updated, Failure> {
    let command = editor::command(cx)?;
    let folder = editor::folder(cx)?;
    let path = folder.join(format!("{}.json", read.id()));
    let base_path = folder.join(format!("{}.base.json", read.id()));
    let io = |source| EditorError::File { path: path.clone(), source };
    // A text that was refused before is where the person goes on, with what it was made from.
    let base = unfinished(&path, &base_path, read.id());
    if base.is_some() {
        cx.out.note("You go on with the text that you left last time.");
    } else {
        let text = read.to_pretty_json();
        orkee_core::file::replace(&base_path, text.as_bytes()).map_err(io)?;
        orkee_core::file::replace(&path, text.as_bytes()).map_err(io)?;
    }
    let base = base.as_ref().unwrap_or(read);
    loop {
        if let Err(error) = editor::open(&command, &path) {
            if fs::read_to_string(&path).is_ok_and(|text| text == base.to_pretty_json()) {
                forget(&path, &base_path);
            }
            return Err(error.into());
        }
        let text = fs::read_to_string(&path).map_err(io)?;
        match take_over(store, base, &text) {
            Ok(updated) => {
                forget(&path, &base_path);
                return Ok(updated);
            }
            Err(refused) => retry(cx, read, &path, refused)?,
        }
    }
}

/// Nothing of the person's is in the text, or all of it has been taken over.
fn forget(path: &Path, base: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_file(base);
}

/// What an unfinished text was made from, where both are there.
fn unfinished(path: &Path, base: &Path, id: ProjectId) -> Option<Payload> {
    let base = Payload::parse(&fs::read_to_string(base).ok()?).ok()?;
    (path.is_file() && base.id() == id).then_some(base)
}

fn take_over(store: &mut Store, read: &Payload, text: &str) -> Result<Updated, Box<StoreError>> {
    let edited = Payload::parse(text).map_err(|e| Box::new(StoreError::from(e)))?;
    store.apply_edit(read, &edited).map_err(Box::new)
}

/// At a terminal the person may open the text again; otherwise it stays where it is, and the error says where.
fn retry(cx: &Context, read: &Payload, path: &Path, refused: Box<StoreError>) -> Result<(), Failure> {
    if prompt::possible(cx) {
        cx.out.error_line(format_args!("This cannot be taken over: {}", reasons(&refused)));
        if prompt::confirm(cx, "Open it again?")? {
            return Ok(());
        }
    }
    Err(EditorError::Refused { kept: path.to_owned(), id: read.id().to_string(), source: refused }.into())
}
