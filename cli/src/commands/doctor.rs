//! `orkee doctor`

use std::collections::BTreeSet;

use orkee_core::diagnostic::Kind;
use orkee_core::store::Finding;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::text;

/// Look whether everything here is sound; change nothing
///
/// Reads the whole database: the file itself, each project, and what sync knows of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee doctor
  orkee doctor --json")]
pub(crate) struct Doctor {}

#[derive(Serialize)]
struct Document {
    sound: bool,
    findings: Vec<View>,
}

#[derive(Serialize)]
struct View {
    tenant: Option<String>,
    id: Option<String>,
    problem: String,
    mended_by: Option<String>,
}

/// The command that mends it: each sync looks after the projects of one tenant.
fn mend(finding: &Finding) -> String {
    let command = "orkee cloud sync --force";
    match finding.tenant.as_str() {
        "" => command.to_owned(),
        tenant => format!("ORKEE_CLOUD_TENANT={tenant} {command}"),
    }
}

impl Doctor {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut store = cx.store()?;
        let findings = store.examine()?;
        let exit = if findings.is_empty() { Exit::DONE } else { Kind::Failed.into() };
        if cx.out.is_json() {
            let sound = findings.is_empty();
            cx.out.document(&Document { sound, findings: findings.into_iter().map(view).collect() })?;
            return Ok(exit);
        }
        for finding in &findings {
            cx.out.line(format_args!("{} {}", cx.out.mark(false), text::line(&finding.to_string())))?;
        }
        if findings.is_empty() {
            let count = store.count()?;
            let projects = if count == 1 { "project" } else { "projects" };
            cx.out.done(format_args!("The database is sound: {count} {projects}"))?;
        } else if findings.iter().all(|finding| finding.damage.is_mendable()) {
            let commands: BTreeSet<String> = findings.iter().map(|one| format!("`{}`", mend(one))).collect();
            let commands = Vec::from_iter(commands).join(" and ");
            let build = if cfg!(feature = "cloud") { "" } else { " (in a build with cloud support)" };
            cx.out.note(format_args!(
                "hint: run {commands}{build}, which mends it; nothing that you wrote is lost"
            ));
        } else {
            cx.out.note(
                "hint: run `orkee projects export --output FILE`, move orkee.db away, then `orkee projects import FILE`",
            );
        }
        Ok(exit)
    }
}

fn view(finding: Finding) -> View {
    View {
        problem: finding.damage.to_string(),
        mended_by: finding.damage.is_mendable().then(|| mend(&finding)),
        tenant: Some(finding.tenant).filter(|tenant| !tenant.is_empty()),
        id: finding.id,
    }
}
