//! `orkee cloud sync`

use std::collections::BTreeSet;
use std::time::Duration;

use orkee_core::diagnostic::Kind;
use orkee_core::store::Store;
use orkee_core::sync::{Compare, Decide, Deletions, Options, Push};

use super::automatic;
use super::running::{self, Patience, Run};
use super::{conflicts, settle};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::prompt;

/// Send what changed here, fetch what changed elsewhere
///
/// Where the same field was changed on both sides, the value here stands, and the other is kept as a conflict to settle.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud sync                        everything
  orkee cloud sync --project Ab12Cd34     push one project, fetch all
  orkee cloud sync --force --local-wins   compare everything again; what differs is taken from here")]
pub(crate) struct Sync {
    /// Push this project alone, and decide for it alone (everything is fetched)
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Compare everything again, from the beginning
    #[arg(long)]
    force: bool,
    /// Where both sides changed something, take this machine's
    #[arg(long, conflicts_with = "cloud_wins")]
    local_wins: bool,
    /// Where both sides changed something, take the cloud's
    #[arg(long)]
    cloud_wins: bool,
    /// Settle conflicts now, one by one
    #[arg(long)]
    resolve_conflicts: bool,
    /// Try again so often, waiting longer each time, when the network or the server fails
    #[arg(long, value_name = "N", default_value_t = 0)]
    retry: u32,
    /// Seconds that the whole sync may take
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Show what would be sent and fetched; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before this store's projects are shared with a team, or taken along from one
    #[arg(short, long)]
    yes: bool,
    /// What a watcher, or a command in the background, runs: nobody typed it, and nobody is asked
    #[arg(long, hide = true)]
    unasked: bool,
    /// In the background
    #[arg(long, hide = true, requires = "unasked")]
    detached: bool,
}

impl Sync {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let _turn = match self.detached {
            false => None,
            true => match automatic::take_turn(cx)? {
                Some(turn) => Some(turn),
                None => return Ok(Exit::DONE),
            },
        };
        if self.unasked {
            cx.makes_no_database();
        }
        let mut store = cx.store()?;
        let patience = Patience { retry: self.retry, timeout: self.timeout.map(Duration::from_secs) };
        let keeps = self.deciding_flag().map(|flag| format!("cloud sync {flag}"));
        let run = Run {
            operation: "sync",
            options: self.options(&store)?,
            patience,
            keeps,
            yes: self.yes,
            automatic: self.unasked,
        };
        let ended = running::run(cx, &mut store, &run)?;
        if !self.resolve_conflicts || self.dry_run {
            return Ok(ended);
        }
        if !prompt::possible(cx) || cx.out.is_json() {
            if ended == exit(0, 1) {
                cx.out.note(format_args!("nobody is here to ask about conflicts: {}", conflicts::HOW));
            }
            return Ok(ended);
        }
        if settle::ask_each(cx, &mut store, None)? == 0 {
            return Ok(ended);
        }
        running::run(cx, &mut store, &after_settling(run))
    }

    /// The flags that overwrite one side, as they were given.
    fn deciding_flag(&self) -> Option<String> {
        let flag = match (self.local_wins, self.cloud_wins) {
            (true, _) => "--local-wins",
            (_, true) => "--cloud-wins",
            _ => return None,
        };
        let project = self.project.as_ref().map(|project| format!("--project {project} "));
        let force = if self.force { "--force " } else { "" };
        Some(format!("{}{force}{flag}", project.unwrap_or_default()))
    }

    fn options(&self, store: &Store) -> Result<Options, Failure> {
        let find = |query: &String| Ok::<_, Failure>(BTreeSet::from([store.find(query)?]));
        let only = self.project.as_ref().map(find).transpose()?;
        let decide = match (self.local_wins, self.cloud_wins) {
            (true, _) => Decide::Local(only.clone()),
            (_, true) => Decide::Cloud(only.clone()),
            _ => Decide::Merge,
        };
        let push = only.map_or(Push::All, Push::Only);
        Ok(Options {
            compare: if self.force { Compare::Joining } else { Compare::Changes },
            push,
            decide,
            deletions: Deletions::Ask,
            dry_run: self.dry_run,
            ..Options::default()
        })
    }
}

/// The run that sends what was settled, which is an edit of this device. Nothing is left to decide or to compare. Where the projects go
/// is asked again if that is another place by now: the person has agreed to the first one alone.
fn after_settling(run: Run) -> Run {
    let options = Options { compare: Compare::Changes, decide: Decide::Merge, ..run.options };
    Run { options, ..run }
}

/// The exit code of a run that came to its end.
pub(super) fn exit(parked: usize, conflicts: u64) -> Exit {
    match (parked, conflicts) {
        (1.., _) => Exit::from(Kind::Partial),
        (_, 1..) => Exit::from(Kind::Conflict),
        _ => Exit::DONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_settled_goes_out_without_an_agreement_that_nobody_gave() {
        let run = |yes| Run {
            operation: "sync",
            options: Options { compare: Compare::Joining, decide: Decide::Local(None), ..Options::default() },
            patience: Patience::default(),
            keeps: None,
            yes,
            automatic: false,
        };
        for yes in [false, true] {
            let second = after_settling(run(yes));
            assert_eq!(second.yes, yes);
            assert!(matches!(second.options.compare, Compare::Changes));
            assert!(matches!(second.options.decide, Decide::Merge));
        }
    }
}
