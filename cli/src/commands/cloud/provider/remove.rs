//! `orkee cloud provider remove`

use orkee_core::plugin::{Change, Registry};
use orkee_core::store::AuditAction;
use serde::Serialize;

use super::confirm;
use crate::commands::cloud::{surroundings, trail};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Take a provider away, with its grants and what it kept here
///
/// Your projects stay, here and in its backend. What you signed in to it with is removed from this machine; its server is not told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider remove notes
  orkee cloud provider remove notes --yes")]
pub(crate) struct Remove {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    removed: &'a str,
}

/// Removes what is kept to sign in to a provider; how many logins that were.
fn forget_logins(cx: &Context, name: &str) -> Result<usize, Failure> {
    let (auth, _) = surroundings::logins(cx)?;
    surroundings::run(async { Ok(auth.forget_provider(name).await?.len()) })
}

impl Remove {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let home = cx.home()?;
        let name = &self.name;
        if let Some(installed) = Registry::open(home)?.get(name) {
            let version = &installed.current.granted.version;
            let question =
                format!("Remove {name} {version}, its grants, its sign-ins and the key of its author?");
            confirm(cx, self.yes, &question, &["remove", name])?;
        }
        // Before it: another provider of this name must never find them.
        let is_there = Registry::open(home)?.get(name).is_some();
        let logins = if is_there { forget_logins(cx, name)? } else { 0 };
        Change::begin(home)?.remove(name)?;
        trail::provider(cx, AuditAction::Remove, name, format!("{logins} sign-ins removed with it"))?;
        cx.out.done(format_args!("Removed {name}"))?;
        if logins > 0 {
            cx.out.note(
                "What you signed in to it with was removed from this machine; it stays valid at its server",
            );
        }
        if cx.out.is_json() {
            cx.out.document(&Document { removed: name })?;
        }
        Ok(Exit::DONE)
    }
}
