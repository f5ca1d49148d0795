//! `orkee cloud provider new`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use orkee_core::plugin::{ManifestError, PluginName};
use serde::Serialize;

use super::template::Language;
use super::{command, project};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};

/// Begin a provider or dispatcher of your own: a complete project that builds and passes the conformance kit
///
/// It speaks to the practice backend (`orkee cloud provider practice`) until you change that. The contract is written
/// beside it, and for Rust the SDK.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider new acme-notes --lang python
  orkee cloud provider new ~/src/backend --lang rust --name acme-notes
  orkee cloud provider new acme-hooks --lang rust --dispatcher")]
pub(crate) struct New {
    /// A folder that does not exist yet, or is empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What it is written in
    #[arg(long, value_name = "LANGUAGE")]
    lang: Language,
    /// A dispatcher, which delivers events to webhooks, in the place of a provider
    #[arg(long)]
    dispatcher: bool,
    /// The provider's name: lower case letters, digits and hyphens. Default: the folder's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    folder: &'a Path,
    name: &'a str,
    files: Vec<&'static str>,
}

impl New {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let name = self.name()?;
        project::check_name(&name)?;
        let files = self.files(name.as_str())?;
        write(&self.folder, &files)?;
        if cx.out.is_json() {
            let files = files.into_iter().map(|(path, _)| path).collect();
            cx.out.document(&Document { folder: &self.folder, name: name.as_str(), files })?;
            return Ok(Exit::DONE);
        }
        let (folder, what) = (self.folder.display(), if self.dispatcher { "dispatcher" } else { "provider" });
        cx.out.done(format_args!("{folder} has the {what} {name}, in {}", self.lang.title()))?;
        if cx.out.tells() {
            cx.out.line("\nNext:")?;
            let packed = self.folder.join("dist").join(format!("{name}.wasm"));
            let (folder, packed) = (self.folder.to_string_lossy(), packed.to_string_lossy());
            let next = |word, what: &str| command(&[word, what]);
            if self.dispatcher {
                cx.out.line(format_args!("  {}   build it", next("pack", &folder)))?;
            } else {
                cx.out.line(format_args!("  {}   build it and check it", next("test", &folder)))?;
                cx.out.line(format_args!("  {}    the same on each change", next("dev", &folder)))?;
            }
            cx.out.line(format_args!("  {}", next("install", &packed)))?;
        }
        Ok(Exit::DONE)
    }

    fn files(&self, name: &str) -> Result<Vec<(&'static str, String)>, CliError> {
        if !self.dispatcher {
            return Ok(self.lang.project(name));
        }
        self.lang.dispatcher(name).ok_or_else(|| {
            let what = format!("there is no template for a dispatcher in {}", self.lang.title());
            CliError::usage(what, "begin one with --lang rust; the contract is open to any language")
        })
    }

    fn name(&self) -> Result<PluginName, CliError> {
        let wrong = |error: ManifestError| {
            CliError::usage(error.to_string(), "name it: `--name NAME`, such as `--name acme-notes`")
        };
        if let Some(name) = &self.name {
            return name.parse().map_err(wrong);
        }
        // `.` and `..` have a name, too.
        let whole = std::path::absolute(&self.folder).map_err(CliError::CurrentFolder)?;
        let folder = whole.file_name().unwrap_or_default().to_string_lossy();
        folder.parse().map_err(wrong)
    }
}

/// Writes the project, or nothing: what was begun is taken back if it cannot be finished.
fn write(folder: &Path, files: &[(&'static str, String)]) -> Result<(), CliError> {
    let failed = |path: &Path, source| CliError::WriteFile { path: path.to_owned(), source };
    let mut made = Made::default();
    make_folder(folder, &mut made).map_err(|e| failed(folder, e))?;
    let mut there = fs::read_dir(folder).map_err(|e| failed(folder, e))?;
    if there.next().is_some() {
        return Err(CliError::usage(
            format!("{} is not empty", folder.display()),
            "name a folder that is not there yet",
        ));
    }
    for (path, text) in files {
        let path = folder.join(path);
        let mut put = || {
            make_folder(path.parent().unwrap_or(folder), &mut made)?;
            let mut file = fs::File::create_new(&path)?;
            made.files.push(path.clone());
            file.write_all(text.as_bytes())
        };
        put().map_err(|e| failed(&path, e))?;
    }
    made.keep();
    Ok(())
}

/// What was made so far. Dropped, it is taken away again.
#[derive(Debug, Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn keep(mut self) {
        self.folders.clear();
        self.files.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn make_folder(folder: &Path, made: &mut Made) -> io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        made.folders.push(folder.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_cannot_be_finished_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        // The second file cannot be below the first.
        let files = [("one", "1".to_owned()), ("one/two", "2".to_owned())];
        assert!(matches!(write(&folder, &files), Err(CliError::WriteFile { .. })));
        assert!(!home.path().join("a").exists());
    }

    #[test]
    fn a_folder_with_anything_in_it_is_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("mine"), "mine").unwrap();
        let files = [("mine", "theirs".to_owned())];
        assert!(matches!(write(home.path(), &files), Err(CliError::Usage { .. })));
        assert_eq!(fs::read_to_string(home.path().join("mine")).unwrap(), "mine");
    }
}
