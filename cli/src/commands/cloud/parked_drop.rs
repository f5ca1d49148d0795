//! `orkee cloud parked drop`

use orkee_core::auth::Asking;
use orkee_core::diagnostic::Diagnostic;
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};
use orkee_core::sync::{Aside, GiveUpError, GivenUp, SyncLock, give_up, look_at_aside};
use serde::Serialize;

use super::key::Sealing;
use super::surroundings::Cloud;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::{Paint, text};
use crate::prompt;

/// Give up what the cloud has of a record and cannot be read
///
/// If this device has the project, its version takes the place of the cloud's with the next sync; else the record is deleted there. What
/// the cloud's version says is lost, unless another device can read it: that one brings it back. What can be read is never dropped.
///
/// A record that nobody can read keeps a change of the account's form from coming to its end (orkee cloud key show).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud parked drop Ab12Cd34
  orkee cloud parked drop Ab12Cd34 --yes")]
pub(super) struct Drop {
    /// The record, as `orkee cloud parked` names it
    #[arg(value_name = "ID")]
    id: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    dropped: &'a str,
    /// What takes its place with the next sync: `ours`, `deletion`, or `nothing`.
    replaced_by: &'static str,
}

impl Drop {
    pub(super) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open_asking(cx, None, Asking::Never)?;
        let mut store = cx.store()?;
        store.must_be_open()?;
        let _lock = SyncLock::acquire(cx.home()?)?;
        let remote = store.space_state()?.0.remote.unwrap_or_default();
        let keys = Sealing::of(cx, cloud.tenant.as_deref().unwrap_or_default(), &remote)?.into_keys();
        let aside = look_at_aside(&mut store, &keys, &self.id)?;
        prompt::must_confirm(cx, self.yes, &self.question(&aside))?;
        let given_up = give_up(&mut store, &keys, &self.id);
        self.note(cx, &cloud, given_up.as_ref().err())?;
        self.tell(cx, given_up?)
    }

    fn question(&self, aside: &Aside) -> String {
        let id = text::line(&self.id);
        let lost = "What only the cloud's version says is lost";
        match (&aside.name, aside.is_named) {
            (Some(name), _) => format!(
                "Put what this device has of {} in the place of what the cloud has and cannot be read? {lost}.",
                text::line(name)
            ),
            (None, true) => format!("Delete what the cloud has of {id}, unread? {lost}."),
            (None, false) => format!("Forget what the cloud showed as {id}?"),
        }
    }

    fn tell(&self, cx: &Context, given_up: GivenUp) -> CommandResult {
        let id = text::line(&self.id);
        let (replaced_by, told) = match given_up {
            GivenUp::Ours => ("ours", format!("{id}: what is here takes its place")),
            GivenUp::Deletion => ("deletion", format!("{id}: to be deleted in the cloud")),
            GivenUp::Nothing => ("nothing", format!("{id}: forgotten here; no record can have that id")),
        };
        if cx.out.is_json() {
            cx.out.document(&Document { dropped: &self.id, replaced_by })?;
            return Ok(Exit::DONE);
        }
        let hint = match given_up {
            GivenUp::Nothing => String::new(),
            _ => cx.out.paint(Paint::Dim, "send it: orkee cloud sync"),
        };
        cx.out.done(format_args!("{told}  {hint}"))?;
        Ok(Exit::DONE)
    }

    fn note(&self, cx: &Context, cloud: &Cloud, error: Option<&GiveUpError>) -> Result<(), Failure> {
        let outcome = if error.is_none() { AuditOutcome::Done } else { AuditOutcome::Failed };
        cx.note(AuditEntry {
            who: cloud.who(),
            subject: Some(text::line(&self.id)),
            code: error.map(|error| error.code().to_owned()),
            provider: Some(cloud.choice.name().to_owned()),
            ..AuditEntry::new("", AuditAction::DropRecord, outcome)
        })
    }
}
