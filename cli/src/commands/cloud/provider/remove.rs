//! `orkee cloud provider remove`

use orkee_core::plugin::{Change, Registry};
use serde::Serialize;

use super::confirm;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Take a provider away, with its grants and what it kept here
///
/// Your projects stay, here and in its backend. So does a sign-in: `orkee cloud logout` ends that.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider remove notes")]
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

impl Remove {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let home = cx.home()?;
        let name = &self.name;
        if let Some(installed) = Registry::open(home)?.get(name) {
            let version = &installed.current.granted.version;
            let question = format!("Remove {name} {version}, its grants and the key of its author?");
            confirm(cx, self.yes, &question, &["remove", name])?;
        }
        Change::begin(home)?.remove(name)?;
        cx.out.done(format_args!("Removed {name}"))?;
        if cx.out.is_json() {
            cx.out.document(&Document { removed: name })?;
        }
        Ok(Exit::DONE)
    }
}
