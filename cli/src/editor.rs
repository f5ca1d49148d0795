//! The person's own editor, and the folder of texts that it works on.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::settings::Key;
use thiserror::Error;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::text;
use crate::prompt;

/// Editing in an editor failed; nothing was changed.
#[derive(Debug, Error)]
pub(crate) enum EditorError {
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

/// The folder of texts that wait for an editor, made if it is not there.
pub(crate) fn folder(cx: &Context) -> Result<PathBuf, Failure> {
    let folder = cx.home()?.root().join("edit");
    orkee_core::file::private_folder(&folder)
        .map_err(|source| EditorError::File { path: folder.clone(), source })?;
    Ok(folder)
}

/// `$VISUAL`, `$EDITOR`, or `vi` where a person sits at a terminal.
pub(crate) fn command(cx: &Context) -> Result<String, EditorError> {
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
pub(crate) fn open(command: &str, path: &Path) -> Result<(), EditorError> {
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

/// Why a text was refused, with each cause.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let mut said = text::block(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(&format!(": {}", text::block(&cause.to_string())));
        source = cause.source();
    }
    said
}
