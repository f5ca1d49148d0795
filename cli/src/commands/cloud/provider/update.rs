//! `orkee cloud provider update`

use orkee_core::plugin::Registry;

use super::take::{self, Wanted};
use crate::context::Context;
use crate::failure::CommandResult;

/// Take another version of a provider, and keep the one that there is
///
/// Shows what is different: version, digest, what it may reach. Without a source, it is taken from where it came from. Nothing ever
/// updates by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider update notes
  orkee cloud provider update notes https://example.com/notes-1.3.0.wasm")]
pub(crate) struct Update {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
    /// A file, an https URL, or a folder; default: where it came from
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Agree to what it asks for
    #[arg(short, long)]
    yes: bool,
}

impl Update {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let registry = Registry::open(cx.home()?)?;
        let source = registry.expect(&self.name)?.current.source.clone();
        let mut words = vec!["update", self.name.as_str()];
        words.extend(self.source.as_deref());
        let source = self.source.as_deref().unwrap_or(&source);
        take::take(cx, &Wanted { source, name: Some(&self.name), yes: self.yes, words: &words })
    }
}
