//! `orkee cloud provider rollback`

use orkee_core::plugin::{Change, Difference, Registry, RegistryError};
use orkee_core::store::AuditAction;
use serde::Serialize;

use super::view::ProviderView;
use super::{confirm, consent};
use crate::commands::cloud::trail;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Go back to the version of a provider that ran before
///
/// It comes back with what it was granted then; where that is more than now, it is shown and asked for. Rolling back twice changes
/// nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider rollback notes
  orkee cloud provider rollback notes --json")]
pub(crate) struct Rollback {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
    /// Agree to what the earlier version is granted
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Document {
    provider: ProviderView,
    changed: bool,
}

impl Rollback {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let home = cx.home()?;
        let registry = Registry::open(home)?;
        let installed = registry.expect(&self.name)?;
        let Some(previous) = &installed.previous else {
            return Err(RegistryError::NoPrevious(self.name).into());
        };
        let (now, then) = (&installed.current, previous);
        let difference = Difference::between(&now.granted, &then.granted);
        if difference.is_wider() {
            consent::show_return(cx, now, then, &difference, self.yes);
            let question = format!("Go back to {} {}?", self.name, then.granted.version);
            confirm(cx, self.yes, &question, &["rollback", &self.name])?;
        }
        Change::begin(home)?.rollback(installed)?;
        let subject = format!("{}, sha256 {}", then.granted.version, then.sha256);
        trail::provider(cx, AuditAction::Rollback, &self.name, subject)?;
        let (name, now, then) = (&self.name, &now.granted.version, &then.granted.version);
        cx.out.done(format_args!("{name} is {then} again; {now} is kept, as the one to go back to"))?;
        if cx.out.is_json() {
            let registry = Registry::open(home)?;
            let provider = ProviderView::of(cx, &registry, registry.expect(name)?);
            cx.out.document(&Document { provider, changed: true })?;
        }
        Ok(Exit::DONE)
    }
}
