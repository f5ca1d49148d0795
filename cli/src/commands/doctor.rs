//! `orkee doctor`

#[cfg(feature = "cloud")]
mod automatic;
#[cfg(feature = "cloud")]
mod cache;
mod check;
#[cfg(feature = "cloud")]
mod cloud;
mod database;
mod disk;
mod files;
#[cfg(feature = "cloud")]
mod keys;
mod leftovers;
mod locks;
mod log;
#[cfg(feature = "cloud")]
mod network;
#[cfg(feature = "cloud")]
mod providers;
mod settings;
#[cfg(feature = "cloud")]
mod sign_in;
#[cfg(feature = "cloud")]
mod tokens;
mod trails;
#[cfg(feature = "cloud")]
mod webhooks;

use std::collections::BTreeSet;

use orkee_core::diagnostic::Kind;
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};
use serde::Serialize;

use self::check::{Check, State};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Look whether everything here is sound
///
/// Reads the whole database, the settings and the files of the home folder; then, where somebody is signed in, takes each step of the
/// way to the server: name, proxy, certificate, answer, clock. No sign-in is sent, and nothing is changed without --fix.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee doctor
  orkee doctor --fix        mend what can be mended without losing anything
  orkee doctor --offline    ask no server
  orkee doctor --json")]
pub(crate) struct Doctor {
    /// Close files to other users; remove leftovers, compiled code that does not match, and keys of no sign-in
    #[arg(long)]
    fix: bool,
    /// Ask no server
    #[arg(long)]
    offline: bool,
    /// Ask the server though nobody is signed in
    #[arg(long, conflicts_with = "offline")]
    online: bool,
}

/// What a check may do.
#[derive(Debug, Clone, Copy)]
struct Asked {
    fix: bool,
    #[cfg_attr(not(feature = "cloud"), allow(dead_code, reason = "there is no server to ask"))]
    network: Network,
}

/// Whether servers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Never,
    /// Where a sign-in shows that one is in use.
    IfInUse,
    Always,
}

#[derive(Serialize)]
struct Document<'a> {
    sound: bool,
    findings: Vec<Finding<'a>>,
    /// What `--fix` has mended.
    mended: Vec<&'a str>,
    checks: &'a [Check],
}

#[derive(Serialize)]
struct Finding<'a> {
    tenant: Option<&'a str>,
    id: Option<&'a str>,
    problem: &'a str,
    mended_by: Option<&'a str>,
}

impl Doctor {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let network = match (self.offline, self.online) {
            (true, _) => Network::Never,
            (_, true) => Network::Always,
            _ => Network::IfInUse,
        };
        let checks = examine(cx, Asked { fix: self.fix, network })?;
        note_mended(cx, &checks)?;
        let sound = checks.iter().all(|check| check.state != State::Failed);
        if cx.out.is_json() {
            cx.out.document(&Document::of(sound, &checks))?;
        } else {
            checks.iter().try_for_each(|check| check.show(cx))?;
            summary(cx, &checks);
        }
        Ok(if sound { Exit::DONE } else { Kind::Failed.into() })
    }
}

/// Every check, in the order in which they are shown. Permissions come before what reads the files, so that what is mended is mended.
fn examine(cx: &Context, asked: Asked) -> Result<Vec<Check>, Failure> {
    let mut checks = settings::examine(cx);
    let are_readable = checks.iter().all(|check| check.state != State::Failed);
    checks.extend(database::examine(cx, are_readable));
    #[cfg(feature = "cloud")]
    let tokens = tokens::examine(cx, asked.fix);
    #[cfg(feature = "cloud")]
    let (tokens, apart) = tokens;
    #[cfg(not(feature = "cloud"))]
    let apart = Vec::new();
    checks.extend(files::examine(cx, asked, &apart)?);
    checks.extend(leftovers::examine(cx, asked)?);
    checks.push(disk::examine(cx)?);
    checks.extend(locks::examine(cx)?);
    checks.extend(log::examine(cx)?);
    #[cfg(feature = "cloud")]
    {
        checks.extend(cache::examine(cx, asked)?);
        checks.extend(providers::examine(cx)?);
        checks.extend(keys::examine(cx, are_readable)?);
        checks.extend(tokens);
        if are_readable {
            checks.extend(webhooks::examine(cx)?);
            checks.extend(automatic::examine(cx, asked)?);
            checks.extend(cloud::examine(cx, asked));
        }
    }
    #[cfg(not(feature = "cloud"))]
    checks.push(Check::skipped("server", "No server was asked: this build has no cloud support"));
    Ok(each_once(checks))
}

/// What several checks stumble over is told where it was found first.
fn each_once(checks: Vec<Check>) -> Vec<Check> {
    let mut told = BTreeSet::new();
    let is_new = |check: &Check| check.state != State::Failed || told.insert(check.message.clone());
    checks.into_iter().filter(is_new).collect()
}

/// A row of the audit trail of what `--fix` has mended.
fn note_mended(cx: &Context, checks: &[Check]) -> Result<(), Failure> {
    let mended = checks.iter().filter(|check| check.fixed).count();
    if mended == 0 {
        return Ok(());
    }
    let entry = AuditEntry::new("", AuditAction::Mend, AuditOutcome::Done);
    let things = if mended == 1 { "thing" } else { "things" };
    cx.trail()?.note(&AuditEntry { subject: Some(format!("{mended} {things}")), ..entry });
    Ok(())
}

impl<'a> Document<'a> {
    fn of(sound: bool, checks: &'a [Check]) -> Self {
        let finding = |check: &'a Check| Finding {
            tenant: check.tenant.as_deref(),
            id: check.id.as_deref(),
            problem: &check.message,
            mended_by: check.mended_by.as_deref(),
        };
        Self {
            sound,
            findings: checks.iter().filter(|check| check.state == State::Failed).map(finding).collect(),
            mended: checks.iter().filter(|check| check.fixed).map(|check| check.message.as_str()).collect(),
            checks,
        }
    }
}

/// How many lines deserve a look: a long list ends with the number that matters.
fn summary(cx: &Context, checks: &[Check]) {
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let (failed, warnings) = (count(State::Failed), count(State::Warning));
    let told = match (failed, warnings) {
        (0, 0) => return,
        (0, n) => format!("Nothing is broken; to look at: {n}"),
        (n, 0) => format!("Broken: {n}"),
        (n, m) => format!("Broken: {n}; to look at: {m}"),
    };
    cx.out.note(told);
}
