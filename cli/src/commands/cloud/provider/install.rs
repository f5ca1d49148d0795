//! `orkee cloud provider install`

use super::take::{self, Wanted};
use crate::context::Context;
use crate::failure::CommandResult;

/// Install a provider from a file, an https URL, or its author's folder
///
/// Shows who made it, what it may reach and which sign-in it uses, and asks. Nothing of it runs before, and nothing is built: a folder
/// has to have one packed component in `dist`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider install ./notes.wasm
  orkee cloud provider install https://example.com/notes-1.2.0.wasm
  orkee cloud provider install ~/src/notes --yes")]
pub(crate) struct Install {
    /// A file, an https URL, or a folder
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Agree to what it asks for
    #[arg(short, long)]
    yes: bool,
}

impl Install {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let words = ["install", &self.source];
        take::take(cx, &Wanted { source: &self.source, name: None, yes: self.yes, words: &words })
    }
}
