//! `orkee cloud provider`: what is installed and what it may do, and what authors need. One file a command.

mod building;
mod consent;
mod dev;
mod grant;
mod grants;
mod info;
mod install;
mod list;
mod logs;
mod new;
mod pack;
mod practice;
mod project;
mod remove;
mod revoke;
mod rollback;
mod source;
mod take;
mod template;
mod test;
mod update;
mod view;
mod watch;

pub(crate) use grants::{BEHIND_A_PROXY, is_proxied};
pub(crate) use view::remedy;

use crate::context::Context;
use crate::failure::{CliError, CommandResult};
use crate::output::text;
use crate::prompt;

pub(crate) const EXAMPLES: &str = "\
Examples:
  orkee cloud provider install ./notes.wasm
  orkee cloud provider grants notes
  orkee cloud provider new acme-notes --lang rust    begin one of your own
  orkee cloud provider test acme-notes               build it, and try it against what a backend owes";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Info(info::Info),
    Install(install::Install),
    Update(update::Update),
    Rollback(rollback::Rollback),
    Remove(remove::Remove),
    Grants(grants::Grants),
    Grant(grant::Grant),
    Revoke(revoke::Revoke),
    Logs(logs::Logs),
    New(new::New),
    Pack(pack::Pack),
    Dev(dev::Dev),
    Test(test::Test),
    Practice(practice::Practice),
}

impl Command {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match self {
            Self::List(command) => command.run(cx),
            Self::Info(command) => command.run(cx),
            Self::Install(command) => command.run(cx),
            Self::Update(command) => command.run(cx),
            Self::Rollback(command) => command.run(cx),
            Self::Remove(command) => command.run(cx),
            Self::Grants(command) => command.run(cx),
            Self::Grant(command) => command.run(cx),
            Self::Revoke(command) => command.run(cx),
            Self::Logs(command) => command.run(cx),
            Self::New(command) => command.run(cx),
            Self::Pack(command) => command.run(cx),
            Self::Dev(command) => command.run(cx),
            Self::Test(command) => command.run(cx),
            Self::Practice(command) => command.run(cx),
        }
    }
}

/// Asks, unless `--yes` answered. Where nobody is there, the error has the command that would have needed no answer.
fn confirm(cx: &Context, yes: bool, question: &str, words: &[&str]) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !prompt::possible(cx) {
        let hint = format!("if this is what you want, run `{} --yes`", command(words));
        return Err(CliError::NobodyToAsk { question: question.to_owned(), hint });
    }
    if prompt::confirm(cx, question)? { Ok(()) } else { Err(CliError::Declined) }
}

/// `orkee cloud provider WORDS`, as it is typed into a shell.
fn command(words: &[&str]) -> String {
    typed(["orkee", "cloud", "provider"].iter().chain(words).copied())
}

/// Words as one types them into a shell; what a terminal would obey is spelled out.
fn typed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    let typed = words.into_iter().map(|word| match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", text::spelled(word).replace('\'', r"'\''")),
    });
    typed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p40_a_command_to_type_means_the_same_in_a_shell() {
        assert_eq!(
            command(&["install", "./notes-1.2.wasm"]),
            "orkee cloud provider install ./notes-1.2.wasm"
        );
        assert_eq!(
            command(&["install", "it's $HOME.wasm"]),
            r"orkee cloud provider install 'it'\''s $HOME.wasm'"
        );
        assert_eq!(
            command(&["update", "notes", "https://e.example/a?b=c&d"]),
            "orkee cloud provider update notes 'https://e.example/a?b=c&d'"
        );
    }
}
