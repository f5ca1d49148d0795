//! `orkee cloud restore`

use std::collections::BTreeSet;

use orkee_core::project::ProjectId;
use orkee_core::store::Store;
use orkee_core::sync::{Decide, Deletions, Options, Push};

use super::running::{self, Patience, Run};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::prompt;

/// Fetch projects from the cloud, and send nothing
///
/// What was changed here and not yet sent stays, unless --cloud-wins says otherwise; then it asks first. Whatever is overwritten
/// stays in the project's history.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud restore                       everything
  orkee cloud restore --project Ab12Cd34    one project, as the cloud has it
  orkee cloud restore --force --cloud-wins  compare everything; what differs is taken from the cloud")]
pub(crate) struct Restore {
    /// Restore this project alone, as the cloud has it
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Compare everything again, from the beginning
    #[arg(long)]
    force: bool,
    /// Where a project differs, take the cloud's
    #[arg(long)]
    cloud_wins: bool,
    /// Show what would be fetched; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Restore {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let options = self.options(cx, &store)?;
        running::run(cx, &mut store, &Run { operation: "restore", options, patience: Patience::default() })
    }

    fn options(&self, cx: &Context, store: &Store) -> Result<Options, Failure> {
        let one = self.project.as_deref().map(|query| chosen(store, query)).transpose()?;
        let decide = match one {
            Some(id) => Decide::Cloud(Some(BTreeSet::from([id]))),
            None if self.cloud_wins => Decide::Cloud(None),
            None => Decide::Merge,
        };
        if decide != Decide::Merge && !self.dry_run && store.has_waiting()? {
            let what = match one {
                Some(id) => format!("Replace what was changed here in {id} by what the cloud has?"),
                None => "Replace what was changed here and not yet sent by what the cloud has?".to_owned(),
            };
            prompt::must_confirm(cx, self.yes, &what)?;
        }
        Ok(Options {
            // One project alone may be one that was fetched long ago: only a full comparison meets it again.
            force: self.force || one.is_some(),
            push: Push::Nothing,
            decide,
            deletions: if self.yes { Deletions::Allow } else { Deletions::Ask },
            dry_run: self.dry_run,
            ..Options::default()
        })
    }
}

/// The project that the person means: one of this machine's, else an id that only the cloud knows.
fn chosen(store: &Store, query: &str) -> Result<ProjectId, Failure> {
    let found = store.find(query);
    match query.parse() {
        Ok(id) => Ok(found.unwrap_or(id)),
        Err(_) => Ok(found?),
    }
}
