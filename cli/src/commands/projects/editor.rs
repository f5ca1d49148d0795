//! Editing a project as JSON in the person's own editor. A text that is refused is never lost.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::project::{Payload, ProjectId};
use orkee_core::settings::Key;
use orkee_core::store::{Store, StoreError, Updated};
use thiserror::Error;

use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;

/// Editing in an editor failed; the project is as it was.
#[derive(Debug, Error)]
enum EditorError {
    #[error("there is no editor to open: neither VISUAL nor EDITOR is set")]
    None,
    #[error("cannot run the editor `{command}`")]
    CannotRun {
        command: String,
        #[source]
        source: io::Error,
    },
    #[error("the editor `{command}` ended with {status}; the project is as it was")]
    Failed { command: String, status: std::process::ExitStatus },
    #[error("cannot keep the text for the editor in {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("your text is not a project; the project is as it was")]
    Refused {
        kept: PathBuf,
        id: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Diagnostic for EditorError {
    fn code(&self) -> &'static str {
        match self {
            Self::None => "E-EDIT-001",
            Self::CannotRun { .. } => "E-EDIT-002",
            Self::Failed { .. } => "E-EDIT-003",
            Self::File { .. } => "E-EDIT-004",
            Self::Refused { .. } => "E-EDIT-005",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::None | Self::CannotRun { .. } | Self::Refused { .. } => Kind::Usage,
            Self::Failed { .. } | Self::File { .. } => Kind::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None => "give what to change as flags, such as --status launched, or set EDITOR".to_owned(),
            Self::CannotRun { .. } | Self::Failed { .. } => {
                "set EDITOR to an editor that is there".to_owned()
            }
            Self::File { .. } => "check that the folder is yours to write and has space".to_owned(),
            Self::Refused { kept, id, .. } => {
                format!(
                    "your text is kept in {}; run `orkee projects edit {id}` to try again",
                    kept.display()
                )
            }
        })
    }
}

/// Opens `read` in the editor until what comes back can be taken over, or the person gives up.
pub(super) fn edit(cx: &Context, store: &mut Store, read: &Payload) -> Result<Updated, Failure> {
    let command = command(cx)?;
    let folder = cx.home()?.root().join("edit");
    let path = folder.join(format!("{}.json", read.id()));
    let base_path = folder.join(format!("{}.base.json", read.id()));
    let io = |source| EditorError::File { path: path.clone(), source };
    orkee_core::file::private_folder(&folder).map_err(io)?;
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
        if let Err(error) = open(&command, &path) {
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

fn reasons(error: &dyn std::error::Error) -> String {
    let mut said = crate::output::text::block(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(&format!(": {}", crate::output::text::block(&cause.to_string())));
        source = cause.source();
    }
    said
}

/// `$VISUAL`, `$EDITOR`, or `vi` where a person sits at a terminal.
fn command(cx: &Context) -> Result<String, EditorError> {
    if cx.global.no_input {
        return Err(EditorError::None);
    }
    let set = |name| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    set("VISUAL")
        .or_else(|| set("EDITOR"))
        .or_else(|| prompt::possible(cx).then(|| "vi".to_owned()))
        .ok_or(EditorError::None)
}

/// Runs the editor through the shell, as its value may have arguments, and waits.
fn open(command: &str, path: &Path) -> Result<(), EditorError> {
    let cannot = |source| EditorError::CannotRun { command: command.to_owned(), source };
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{command} \"$@\""))
        .arg(command)
        .arg(path)
        .env_remove(Key::Token.variable())
        .env_remove(Key::TokenFile.variable())
        .status()
        .map_err(cannot)?;
    if status.success() {
        return Ok(());
    }
    // 127: the shell did not find it.
    if status.code() == Some(127) {
        return Err(cannot(io::Error::other("there is no such command")));
    }
    Err(EditorError::Failed { command: command.to_owned(), status })
}
