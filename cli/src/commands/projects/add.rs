//! `orkee projects add`

use std::path::{Component, Path, PathBuf};

use orkee_core::checkout;
use orkee_core::project::{Project, ProjectId};
use orkee_core::store::{Store, StoreError};

use super::{Fields, view};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::text;
use crate::prompt;

/// Add a project
///
/// Its folder is the one you are in, unless --path names another. Where the folder is a git checkout, the project remembers the
/// remote and the branch.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects add --name shop
  orkee projects add --name site --path ~/code/site --status building --tag web --tag rust")]
pub(crate) struct Add {
    #[command(flatten)]
    fields: Fields,
    /// Its folder; default: the current one
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// A word to find it by; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
}

impl Add {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let folder = folder(cx, self.path.as_deref())?;
        let mut fields = self.fields;
        if fields.name.is_none() {
            ask(cx, &mut fields, &folder)?;
        }
        let mut project = Project::new(ProjectId::random(), "");
        fields.apply(&mut project);
        project.tags = self.tags;
        project.git_repository = checkout::repository(&folder);
        project.project_root = Some(utf8(&folder)?.to_owned());
        let mut store = cx.store()?;
        let twins = twins(&store, &project.name)?;
        let payload = store.add(project)?;
        if cx.out.is_json() {
            cx.out.document(&view::Document { project: &payload })?;
        } else {
            cx.out.done(format_args!("Added {}", view::named(&cx.out, &payload)))?;
        }
        if !twins.is_empty() {
            let ids: Vec<&str> = twins.iter().map(ProjectId::as_str).collect();
            cx.out.note(format_args!("note: another project has this name, too: {}", ids.join(", ")));
        }
        Ok(Exit::DONE)
    }
}

/// Asks for what is missing, or says what it is where nobody can be asked.
fn ask(cx: &Context, fields: &mut Fields, folder: &Path) -> Result<(), CliError> {
    if !prompt::possible(cx) {
        return Err(CliError::usage("--name is missing: a project needs a name", "add --name NAME"));
    }
    let suggested = folder.file_name().map(|name| text::line(&name.to_string_lossy()));
    fields.name = Some(prompt::line(cx, "Name", suggested.as_deref())?);
    if fields.description.is_none() {
        fields.description = Some(prompt::line(cx, "Description", Some(""))?);
    }
    Ok(())
}

/// Ids of projects that already have this name. Two may, but it is worth a word.
fn twins(store: &Store, name: &str) -> Result<Vec<ProjectId>, Failure> {
    match store.find(name) {
        Ok(id) => Ok(vec![id]),
        Err(StoreError::Ambiguous { ids, .. }) => Ok(ids),
        Err(StoreError::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The folder that was named, else the current one, as [`absolute`] has it.
pub(super) fn folder(cx: &Context, path: Option<&Path>) -> Result<PathBuf, CliError> {
    path.map_or_else(|| cx.folder(), absolute)
}

/// A folder as an absolute path; it has to be there.
pub(in crate::commands) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let absolute = std::path::absolute(path).map_err(CliError::CurrentFolder)?;
    let shown = text::line(&absolute.display().to_string());
    if !absolute.is_dir() {
        let what = if absolute.exists() { "is not a folder" } else { "does not exist" };
        return Err(CliError::usage(
            format!("the folder {shown} {what}"),
            "name a folder that is there, or make it first",
        ));
    }
    // `..` is resolved as the system does it, through links.
    if absolute.components().any(|c| c == Component::ParentDir) {
        return absolute.canonicalize().map_err(|source| CliError::ReadFile { path: absolute, source });
    }
    Ok(absolute)
}

/// A path as text: what is not UTF-8 cannot be kept in JSON.
pub(in crate::commands) fn utf8(path: &Path) -> Result<&str, CliError> {
    path.to_str().ok_or_else(|| {
        let shown = text::line(&path.display().to_string());
        CliError::usage(
            format!("the folder {shown} has a name that is not UTF-8"),
            "rename the folder, or name another with --path",
        )
    })
}
