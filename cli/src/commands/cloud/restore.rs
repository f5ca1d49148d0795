//! `orkee cloud restore`

use std::collections::BTreeSet;
use std::time::Duration;

use orkee_core::project::ProjectId;
use orkee_core::store::{Store, StoreError};
use orkee_core::sync::{Compare, Decide, Deletions, Options, Push};

use super::earlier::{self, Asked};
use super::running::{self, Patience, Run};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;
use crate::prompt;

/// Fetch projects from the cloud, and send nothing
///
/// What was changed here and not yet sent stays, unless --cloud-wins says otherwise; then it asks first. Whatever is overwritten
/// stays in the project's history, and `orkee undo` gives it back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud restore                       everything
  orkee cloud restore --project Ab12Cd34    everything; this project as the cloud has it
  orkee cloud restore --force --cloud-wins  compare everything; what differs is taken from the cloud
  orkee cloud restore --at '2h ago'         as it was two hours ago; or at a date: 2026-01-31")]
pub(crate) struct Restore {
    /// Take this project as the cloud has it (everything is fetched)
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Compare everything again, from the beginning
    #[arg(long)]
    force: bool,
    /// Where a project differs, take the cloud's
    #[arg(long)]
    cloud_wins: bool,
    /// Go back to an earlier time, as far as this machine's history knows it; fetches nothing
    #[arg(long, value_name = "TIME", conflicts_with_all = ["force", "cloud_wins", "retry", "timeout"])]
    at: Option<String>,
    /// Try again so often, waiting longer each time, when the network or the server fails
    #[arg(long, value_name = "N", default_value_t = 0)]
    retry: u32,
    /// Seconds that the whole restore may take
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Show what would be fetched; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// So many projects are named in a question.
const NAMED: usize = 10;

impl Restore {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        if let Some(time) = &self.at {
            let one = self.project.as_deref().map(|query| store.find(query)).transpose()?;
            let asked = Asked { dry_run: self.dry_run, yes: self.yes };
            return earlier::run(cx, &mut store, time, one, &asked);
        }
        let one = self.project.as_deref().map(|query| chosen(&store, query)).transpose()?;
        let options = self.options(cx, &store, one)?;
        let patience = Patience { retry: self.retry, timeout: self.timeout.map(Duration::from_secs) };
        let run = Run {
            operation: "restore",
            options,
            patience,
            keeps: Some(self.command()),
            yes: self.yes,
            automatic: false,
        };
        let ended = running::run(cx, &mut store, &run)?;
        match one.filter(|_| !self.dry_run).map(|id| store.get(id)) {
            // Neither side knows it, unless the cloud's could not be read, which was told.
            Some(Err(error @ StoreError::NotFound { .. })) if ended == Exit::DONE => Err(error.into()),
            _ => Ok(ended),
        }
    }

    /// The command, as a restore point names it.
    fn command(&self) -> String {
        let flags = [(self.force, " --force"), (self.cloud_wins, " --cloud-wins")];
        let flags: String = flags.iter().filter(|(is_given, _)| *is_given).map(|(_, flag)| *flag).collect();
        let project = self.project.as_ref().map(|project| format!(" --project {project}"));
        format!("cloud restore{}{flags}", project.unwrap_or_default())
    }

    /// Asks before anything that was not sent is replaced.
    fn confirm(&self, cx: &Context, store: &Store, one: Option<ProjectId>) -> Result<(), Failure> {
        let mut unsent = store.unsent()?;
        unsent.retain(|(id, _)| one.is_none_or(|one| one == *id));
        if unsent.is_empty() {
            return Ok(());
        }
        let names = named(&unsent);
        prompt::must_confirm(
            cx,
            self.yes,
            &format!("Replace by what the cloud has what was changed here and not yet sent, in: {names}?"),
        )?;
        Ok(())
    }

    fn options(&self, cx: &Context, store: &Store, one: Option<ProjectId>) -> Result<Options, Failure> {
        let decide = match one {
            Some(id) => Decide::Cloud(Some(BTreeSet::from([id]))),
            None if self.cloud_wins => Decide::Cloud(None),
            None => Decide::Merge,
        };
        if decide != Decide::Merge && !self.dry_run {
            self.confirm(cx, store, one)?;
        }
        Ok(Options {
            compare: match (self.force, one) {
                (true, _) => Compare::Joining,
                // It may be one that was fetched long ago: only a full comparison meets it again.
                (false, Some(_)) => Compare::Everything,
                (false, None) => Compare::Changes,
            },
            push: Push::Nothing,
            decide,
            deletions: if self.yes { Deletions::Allow } else { Deletions::Ask },
            dry_run: self.dry_run,
            ..Options::default()
        })
    }
}

/// The projects' names, for a question; the rest of a long list as a number.
pub(super) fn named(projects: &[(ProjectId, Option<String>)]) -> String {
    let name = |(id, name): &(ProjectId, Option<String>)| match name {
        Some(name) => text::line(name),
        None => format!("{id} (deleted here)"),
    };
    let mut named: Vec<String> = projects.iter().take(NAMED).map(name).collect();
    if projects.len() > NAMED {
        named.push(format!("{} more", projects.len() - NAMED));
    }
    named.join(", ")
}

/// The project that the person means: one of this machine's, else an id that only the cloud knows.
fn chosen(store: &Store, query: &str) -> Result<ProjectId, Failure> {
    let found = store.find(query);
    match query.parse() {
        Ok(id) => Ok(found.unwrap_or(id)),
        Err(_) => Ok(found?),
    }
}
