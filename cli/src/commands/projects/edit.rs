//! `orkee projects edit`

use std::path::PathBuf;

use orkee_core::project::Project;
use orkee_core::store::StoreError;

use super::{Fields, add, editor, view};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Change a project
///
/// With no flags, opens it as JSON in $VISUAL or $EDITOR. What cannot be taken over is refused, and your text is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects edit shop --status launched --add-tag live
  orkee projects edit Ab12Cd34             in your editor")]
pub(crate) struct Edit {
    /// Its id, or its name where no other has it
    #[arg(value_name = "ID|NAME")]
    project: String,
    #[command(flatten)]
    fields: Fields,
    /// Its folder
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// All its tags; may be given several times
    #[arg(long = "tag", value_name = "TAG", conflicts_with_all = ["add_tags", "remove_tags"])]
    tags: Vec<String>,
    /// One more tag; may be given several times
    #[arg(long = "add-tag", value_name = "TAG")]
    add_tags: Vec<String>,
    /// One tag less; may be given several times
    #[arg(long = "remove-tag", value_name = "TAG")]
    remove_tags: Vec<String>,
}

impl Edit {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        store.must_be_open()?;
        let id = store.find(&self.project)?;
        let updated = if self.is_empty() {
            let read = store.get(id)?.payload;
            editor::edit(cx, &mut store, &read)?
        } else {
            let folder = self.path.as_deref().map(|path| add::folder(cx, Some(path))).transpose()?;
            let folder = folder.as_deref().map(add::utf8).transpose()?.map(ToOwned::to_owned);
            store.update::<StoreError>(id, |project| {
                self.apply(project, folder);
                Ok(())
            })?
        };
        view::changed(&cx.out, &updated, |project| format!("Changed {project}"))?;
        Ok(Exit::DONE)
    }

    fn is_empty(&self) -> bool {
        let tags = [&self.tags, &self.add_tags, &self.remove_tags];
        self.fields.is_empty() && self.path.is_none() && tags.iter().all(|t| t.is_empty())
    }

    fn apply(self, project: &mut Project, folder: Option<String>) {
        self.fields.apply(project);
        if folder.is_some() {
            project.project_root = folder;
        }
        if !self.tags.is_empty() {
            // `--tag ''` takes all of them away.
            project.tags = self.tags.into_iter().filter(|tag| !tag.is_empty()).collect();
        }
        project.tags.retain(|tag| !self.remove_tags.contains(tag));
        for tag in self.add_tags {
            if !project.tags.contains(&tag) {
                project.tags.push(tag);
            }
        }
    }
}
