//! `orkee projects`

use orkee_core::project::{InvalidField, Priority, Rule, Status};
use orkee_core::similar;

use crate::context::Context;
use crate::failure::CommandResult;

pub(super) mod add;
mod delete;
mod edit;
pub(super) mod editor;
mod export;
mod history;
mod import;
mod list;
mod locate;
mod restore;
mod revert;
mod scan;
mod show;
pub(super) mod view;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee projects add --name shop --status building --tag web
  orkee projects show shop";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Edit(edit::Edit),
    Delete(delete::Delete),
    Restore(restore::Restore),
    History(history::History),
    Revert(revert::Revert),
    Locate(locate::Locate),
    Scan(scan::Scan),
    Export(export::Export),
    Import(import::Import),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::Add(command) => command.run(cx),
            Self::List(command) => command.run(cx),
            Self::Show(command) => command.run(cx),
            Self::Edit(command) => command.run(cx),
            Self::Delete(command) => command.run(cx),
            Self::Restore(command) => command.run(cx),
            Self::History(command) => command.run(cx),
            Self::Revert(command) => command.run(cx),
            Self::Locate(command) => command.run(cx),
            Self::Scan(command) => command.run(cx),
            Self::Export(command) => command.run(cx),
            Self::Import(command) => command.run(cx),
        }
    }
}

/// The fields that `add` and `edit` take as flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Fields {
    /// What to call it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// How far it is: planning, building, review, launched, on-hold, archived
    #[arg(long, value_name = "STATUS", value_parser = word::<Status>)]
    pub(crate) status: Option<Status>,
    /// How much it matters: low, medium, high
    #[arg(long, value_name = "PRIORITY", value_parser = word::<Priority>)]
    pub(crate) priority: Option<Priority>,
    /// The command that prepares its folder
    #[arg(long, value_name = "COMMAND")]
    pub(crate) setup: Option<String>,
    /// The command that runs it for development
    #[arg(long, value_name = "COMMAND")]
    pub(crate) dev: Option<String>,
    /// The command that cleans up after it
    #[arg(long, value_name = "COMMAND")]
    pub(crate) cleanup: Option<String>,
}

impl Fields {
    /// Whether none was given.
    fn is_empty(&self) -> bool {
        let texts = [&self.name, &self.description, &self.setup, &self.dev, &self.cleanup];
        texts.iter().all(|field| field.is_none()) && self.status.is_none() && self.priority.is_none()
    }

    /// Writes those that were given into `project`; an empty text takes a field away.
    fn apply(self, project: &mut orkee_core::project::Project) {
        fn text(field: &mut Option<String>, given: Option<String>) {
            if let Some(value) = given {
                *field = Some(value).filter(|v| !v.is_empty());
            }
        }
        if let Some(name) = self.name {
            project.name = name;
        }
        if let Some(status) = self.status {
            project.status = status;
        }
        if let Some(priority) = self.priority {
            project.priority = priority;
        }
        text(&mut project.description, self.description);
        text(&mut project.setup_script, self.setup);
        text(&mut project.dev_script, self.dev);
        text(&mut project.cleanup_script, self.cleanup);
    }
}

/// Reads one word of a vocabulary.
fn word<T: std::str::FromStr<Err = InvalidField>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: InvalidField| {
        let near = match &error.rule {
            Rule::NotOneOf(words) => similar::nearest(text, words.iter().copied()),
            _ => None,
        };
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("{}{near}", error.rule)
    })
}
