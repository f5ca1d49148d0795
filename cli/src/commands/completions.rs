//! `orkee completions`

use clap_complete::Shell;

use crate::completion;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};

/// Print what makes a shell complete orkee's commands, flags and your projects
///
/// The script asks `orkee` itself at each TAB, so that projects, tenants, providers and webhooks are completed, too. Have your
/// shell read it when it starts, and it is always the one of the version that you run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee completions bash > ~/.local/share/bash-completion/completions/orkee
  orkee completions zsh > \"${fpath[1]}/_orkee\"
  orkee completions fish > ~/.config/fish/completions/orkee.fish
  orkee completions powershell >> ~/orkee.ps1
  orkee completions elvish >> ~/.config/elvish/rc.elv")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let shell = self.shell.to_string();
        let script = completion::script(&shell).map_err(CliError::Stdout)?;
        if cx.out.is_json() {
            let script = String::from_utf8_lossy(&script);
            cx.out.document(&Document { shell: &shell, script: &script })?;
        } else {
            cx.out.bytes(&script)?;
        }
        Ok(Exit::DONE)
    }
}

#[derive(serde::Serialize)]
struct Document<'a> {
    shell: &'a str,
    script: &'a str,
}
