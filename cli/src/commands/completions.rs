//! `orkee completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee completions bash > ~/.local/share/bash-completion/completions/orkee
  orkee completions zsh > \"${fpath[1]}/_orkee\"")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "orkee", &mut script);
        cx.out.bytes(&script)?;
        Ok(Exit::DONE)
    }
}
