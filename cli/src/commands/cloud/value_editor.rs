//! A third value for a conflict, written in the person's own editor. A text that is refused is never lost.

use std::fs;
use std::path::{Path, PathBuf};

use orkee_core::project::pretty;
use orkee_core::store::{Conflict, Store};
use serde_json::value::{RawValue, to_raw_value};

use super::settle::Person;
use crate::context::Context;
use crate::editor::{self, EditorError};
use crate::failure::Failure;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Edited {
    /// The field has the person's value.
    Settled,
    /// The conflict was not as it was shown any more.
    Outdated,
    /// It waits as before.
    Left,
}

/// How a value stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Words, as they are.
    Text,
    Json,
}

/// As [`edit`], where no other question is being asked.
pub(in crate::commands) fn edit_one(
    cx: &Context,
    store: &mut Store,
    conflict: &Conflict,
) -> Result<Edited, Failure> {
    edit(cx, store, &mut Person::watch()?, conflict)
}

/// Opens the value that stands, until what comes back can be taken over or the person gives up.
pub(super) fn edit(
    cx: &Context,
    store: &mut Store,
    person: &mut Person,
    conflict: &Conflict,
) -> Result<Edited, Failure> {
    let command = match editor::command(cx) {
        Ok(command) => command,
        Err(error) => return Ok(left(cx, &error)),
    };
    let form = form(conflict);
    let path = path(cx, conflict, form)?;
    let file = |source| EditorError::File { path: path.clone(), source };
    let shown = written(conflict, form);
    if path.is_file() {
        cx.out.note("You go on with the text that you left last time.");
    } else {
        orkee_core::file::replace(&path, shown.as_bytes()).map_err(file)?;
    }
    loop {
        let opened = editor::open(&command, &path);
        person.comes_back()?;
        let text = fs::read_to_string(&path).map_err(file)?;
        if text == shown {
            let _ = fs::remove_file(&path);
            match opened {
                Ok(()) => cx.out.note("Nothing was changed in it."),
                Err(error) => cx.out.error_line(editor::reasons(&error)),
            }
            return Ok(Edited::Left);
        }
        if let Err(error) = opened {
            return Ok(kept(cx, &path, left(cx, &error)));
        }
        let refused = match take_over(store, conflict, form, &text) {
            Ok(true) => {
                let _ = fs::remove_file(&path);
                return Ok(Edited::Settled);
            }
            Ok(false) => return Ok(kept(cx, &path, Edited::Outdated)),
            Err(refused) => refused,
        };
        cx.out.error_line(format_args!("This cannot be taken over: {}", editor::reasons(&*refused)));
        let again = person.ask(cx, "Open it again? [y/N]")?;
        if !matches!(again.as_deref(), Some("y" | "yes")) {
            return Ok(kept(cx, &path, Edited::Left));
        }
    }
}

fn left(cx: &Context, error: &EditorError) -> Edited {
    cx.out.error_line(editor::reasons(error));
    Edited::Left
}

fn kept(cx: &Context, path: &Path, edited: Edited) -> Edited {
    cx.out.note(format_args!("Your text is kept in {}; `e` goes on with it.", path.display()));
    edited
}

fn form(conflict: &Conflict) -> Form {
    let word = |value: &RawValue| value.get().starts_with('"');
    let values = [conflict.local.as_deref(), conflict.cloud.as_deref()];
    if values.into_iter().flatten().all(word) { Form::Text } else { Form::Json }
}

/// One file for each field of a project.
fn path(cx: &Context, conflict: &Conflict, form: Form) -> Result<PathBuf, Failure> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let field: String = conflict.field.chars().take(80).map(plain).collect();
    let ending = if form == Form::Text { "txt" } else { "json" };
    Ok(editor::folder(cx)?.join(format!("{}.{field}.{ending}", conflict.id)))
}

/// The value that stands, else the other one, as a file: with a line end, as editors write it.
fn written(conflict: &Conflict, form: Form) -> String {
    let Some(value) = conflict.local.as_deref().or(conflict.cloud.as_deref()) else {
        return String::new();
    };
    let text = match form {
        Form::Text => serde_json::from_str(value.get()).unwrap_or_default(),
        Form::Json => pretty(value),
    };
    format!("{text}\n")
}

fn take_over(
    store: &mut Store,
    conflict: &Conflict,
    form: Form,
    text: &str,
) -> Result<bool, Box<dyn std::error::Error>> {
    let value = match form {
        _ if text.trim().is_empty() => None,
        Form::Text => Some(to_raw_value(text.strip_suffix('\n').unwrap_or(text))?),
        Form::Json => Some(RawValue::from_string(text.trim().to_owned())?),
    };
    Ok(store.settle_with(conflict, value)?)
}
