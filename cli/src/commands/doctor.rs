//! `orkee doctor`

#[cfg(feature = "cloud")]
mod keys;
#[cfg(feature = "cloud")]
mod providers;
mod tokens;
mod trails;
#[cfg(feature = "cloud")]
mod webhooks;

use std::collections::BTreeSet;

use orkee_core::diagnostic::Kind;
use orkee_core::store::{Damage, Finding};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};
use crate::output::text;

/// Look whether everything here is sound
///
/// Reads the whole database: the file itself, each project, what sync knows of it, and the audit trail; the token file; each provider that
/// is installed; the webhooks of this device; and its key files. Changes nothing without --fix.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee doctor
  orkee doctor --fix    mend what can be mended without losing anything
  orkee doctor --json")]
pub(crate) struct Doctor {
    /// Make the token file and the keys of sign-ins private where other users can read them; remove keys of no sign-in
    #[arg(long)]
    fix: bool,
}

#[derive(Serialize)]
struct Document {
    sound: bool,
    findings: Vec<View>,
    /// What `--fix` has mended.
    mended: Vec<String>,
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
        let trails = trails::broken(&store)?;
        let tokens = tokens::examine(cx, self.fix)?;
        let mut others = examine_providers(cx)?;
        others.extend(examine_webhooks(cx)?);
        others.extend(examine_keys(cx)?);
        let sound = findings.is_empty()
            && trails.is_empty()
            && tokens.problems.is_empty()
            && others.problems.is_empty();
        let exit = if sound { Exit::DONE } else { Kind::Failed.into() };
        if cx.out.is_json() {
            let problems = others.problems.into_iter().map(|(problem, _)| of_other(problem));
            let trails = trails.into_iter().map(trails::view);
            let tokens_found = tokens.problems.into_iter().map(tokens::view);
            let findings = findings.into_iter().map(view).chain(trails).chain(tokens_found).chain(problems);
            let mended = tokens.mended;
            cx.out.document(&Document { sound, findings: findings.collect(), mended })?;
            return Ok(exit);
        }
        for finding in &findings {
            cx.out.line(format_args!("{} {}", cx.out.mark(false), text::line(&finding.to_string())))?;
        }
        if findings.is_empty() {
            let count = store.count()?;
            let projects = if count == 1 { "project" } else { "projects" };
            cx.out.done(format_args!("The database is sound: {count} {projects}"))?;
        } else {
            say_what_mends(cx, &findings);
        }
        trails::show(cx, &trails)?;
        tokens::show(cx, &tokens)?;
        show_others(cx, &others)?;
        Ok(exit)
    }
}

fn say_what_mends(cx: &Context, findings: &[Finding]) {
    let (endpoints, findings): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.damage == Damage::Endpoint);
    if !endpoints.is_empty() {
        cx.out.note("hint: take the endpoint away with `orkee cloud webhook remove ID`, and add it anew");
    }
    if findings.is_empty() {
        return;
    }
    if findings.iter().all(|finding| finding.damage.is_mendable()) {
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
}

/// What was found at the providers and the webhooks: nothing, in a build that has neither.
#[derive(Default)]
struct Examined {
    /// How many components were looked at.
    components: usize,
    /// How many of them are not as they were installed.
    broken: usize,
    /// What is wrong, and what to do.
    problems: Vec<(String, Option<String>)>,
    /// What is good to know.
    notes: Vec<String>,
}

impl Examined {
    fn extend(&mut self, more: Self) {
        self.components += more.components;
        self.broken += more.broken;
        self.problems.extend(more.problems);
        self.notes.extend(more.notes);
    }
}

#[cfg(feature = "cloud")]
use keys::examine as examine_keys;
#[cfg(feature = "cloud")]
use providers::examine as examine_providers;
#[cfg(feature = "cloud")]
use webhooks::examine as examine_webhooks;

#[cfg(not(feature = "cloud"))]
fn examine_providers(_: &Context) -> Result<Examined, crate::failure::Failure> {
    Ok(Examined::default())
}

#[cfg(not(feature = "cloud"))]
fn examine_webhooks(_: &Context) -> Result<Examined, crate::failure::Failure> {
    Ok(Examined::default())
}

#[cfg(not(feature = "cloud"))]
fn examine_keys(_: &Context) -> Result<Examined, crate::failure::Failure> {
    Ok(Examined::default())
}

fn show_others(cx: &Context, examined: &Examined) -> Result<(), CliError> {
    for (problem, hint) in &examined.problems {
        cx.out.line(format_args!("{} {}", cx.out.mark(false), text::line(problem)))?;
        if let Some(hint) = hint {
            cx.out.note(format_args!("hint: {}", text::line(hint)));
        }
    }
    if examined.components > 0 && examined.broken == 0 {
        let components = if examined.components == 1 { "component" } else { "components" };
        cx.out.done(format_args!(
            "The providers are as they were installed: {} {components}",
            examined.components
        ))?;
    }
    for note in &examined.notes {
        cx.out.note(text::line(note));
    }
    Ok(())
}

fn of_other(problem: String) -> View {
    View { tenant: None, id: None, problem, mended_by: None }
}

fn view(finding: Finding) -> View {
    View {
        problem: finding.damage.to_string(),
        mended_by: finding.damage.is_mendable().then(|| mend(&finding)),
        tenant: Some(finding.tenant).filter(|tenant| !tenant.is_empty()),
        id: finding.id,
    }
}
