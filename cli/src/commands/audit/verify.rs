//! `orkee audit verify`

use orkee_core::diagnostic::Kind;
use orkee_core::store::VerifiedTrail;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::{Paint, text};

/// Look whether the audit trail is as it was written
///
/// Each row carries a hash of itself and of the row before it, and the newest hash stands beside the rows: a row that was changed, taken
/// out or put in breaks the chain. It looks at the rows of every tenant.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee audit verify
  orkee audit verify --json")]
pub(crate) struct Verify {}

#[derive(Serialize)]
struct Document<'a> {
    intact: bool,
    trails: Vec<TrailView<'a>>,
}

#[derive(Serialize)]
struct TrailView<'a> {
    tenant: Option<&'a str>,
    rows: u64,
    newest: Option<u64>,
    hash: Option<&'a str>,
    problems: Vec<String>,
}

impl<'a> TrailView<'a> {
    fn of(trail: &'a VerifiedTrail) -> Self {
        Self {
            tenant: Some(trail.tenant.as_str()).filter(|tenant| !tenant.is_empty()),
            rows: trail.rows,
            newest: trail.newest,
            hash: trail.hash.as_deref(),
            problems: trail.problems.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Verify {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let trails = cx.store()?.verify_audit()?;
        let intact = trails.iter().all(|trail| trail.problems.is_empty());
        let exit = if intact { Exit::DONE } else { Kind::Failed.into() };
        if cx.out.is_json() {
            cx.out.document(&Document { intact, trails: trails.iter().map(TrailView::of).collect() })?;
            return Ok(exit);
        }
        if trails.is_empty() {
            cx.out.note("The audit trail has no rows yet.");
        }
        for trail in &trails {
            let whose = match trail.tenant.as_str() {
                "" => "Your own rows".to_owned(),
                tenant => format!("The rows of the tenant {}", text::line(tenant)),
            };
            for problem in &trail.problems {
                cx.out.line(format_args!("{} {whose}: {problem}", cx.out.mark(false)))?;
            }
            if trail.problems.is_empty() {
                let newest = trail.newest.unwrap_or_default();
                let hash = trail.hash.as_deref().unwrap_or_default();
                let end = cx.out.paint(Paint::Dim, &format!("row {newest} is {hash}"));
                cx.out.done(format_args!("{whose} are as they were written: {}  {end}", trail.rows))?;
            }
        }
        if !intact {
            cx.out.note(
                "hint: what is left is kept; compare it with a backup of orkee.db, or with the server's log",
            );
        }
        Ok(exit)
    }
}
