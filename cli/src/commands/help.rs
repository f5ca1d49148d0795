//! `orkee help`: of a command, of all of them as JSON, or on what is common to all.

pub(crate) mod examples;
pub(crate) mod topics;
mod tree;

use clap::CommandFactory;
use orkee_core::similar;
use serde::Serialize;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};
use crate::output::text;
use crate::terminal;
use topics::TOPICS;

/// Explain a command, or a topic: env, exit-codes, json, auth
///
/// With --json: every command with its flags, values, defaults and examples, the settings and the exit codes; or those of one command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee help projects add
  orkee help exit-codes
  orkee help --json         every command, for programs")]
pub(crate) struct Help {
    /// The command, or one of the topics env, exit-codes, json, auth
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

#[derive(Serialize)]
struct Topic<'a> {
    topic: &'a str,
    text: &'a str,
}

/// The words that a topic is asked for by.
pub(crate) fn topics() -> impl Iterator<Item = &'static str> {
    TOPICS.iter().map(|(topic, _)| *topic)
}

impl Help {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if let [word] = self.words.as_slice()
            && let Some((topic, text)) = TOPICS.iter().find(|(topic, _)| topic == word)
        {
            if cx.out.is_json() {
                cx.out.document(&Topic { topic, text })?;
            } else {
                cx.out.page();
                let width = if cx.out.is_terminal() { terminal::width() } else { usize::MAX };
                text.lines().flat_map(|line| fitted(line, width)).try_for_each(|line| cx.out.line(line))?;
            }
            return Ok(Exit::DONE);
        }
        let mut command = Cli::command();
        command.build();
        for word in &self.words {
            command = match command.find_subcommand(word) {
                Some(sub) => sub.clone(),
                None => return Err(unknown(&command, word, self.words.len() == 1).into()),
            };
        }
        if cx.out.is_json() {
            cx.out.document(&tree::document(&command))?;
            return Ok(Exit::DONE);
        }
        let text = command.render_long_help();
        let text = if cx.out.colors() { text.ansi().to_string() } else { text.to_string() };
        cx.out.page();
        cx.out.line(text.trim_end())?;
        Ok(Exit::DONE)
    }
}

fn unknown(command: &clap::Command, word: &str, may_be_topic: bool) -> CliError {
    let commands = command.get_subcommands().filter(|sub| !sub.is_hide_set()).map(clap::Command::get_name);
    let mut known: Vec<&str> = commands.collect();
    if may_be_topic {
        topics().for_each(|topic| known.push(topic));
    }
    let near = similar::nearest(word, known.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let topics: Vec<&str> = topics().collect();
    let hint = format!("{near}run `orkee --help` for the commands; the topics are {}", topics.join(", "));
    CliError::usage(format!("there is no command or topic {word:?}"), hint)
}

/// A line of a topic in lines of this width: what goes on below begins where the last column does, if there is room.
fn fitted(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let indent = line.len() - line.trim_start().len();
    let column = line.trim_start().rfind("  ").map_or(indent, |gap| indent + gap + 2);
    let below = if column * 2 <= width { column } else { indent.min(width / 2) };
    let (head, rest) = line.split_at_checked(below).unwrap_or(("", line));
    let mut lines = text::wrap(rest, width.saturating_sub(below).max(1));
    for (at, line) in lines.iter_mut().enumerate() {
        let before = if at == 0 { head.to_owned() } else { " ".repeat(below) };
        line.insert_str(0, &before);
    }
    lines
}

/// A page that clap made: help, or the version.
pub(crate) fn page(error: &clap::Error, color: bool) -> String {
    let text = error.render();
    let text = if color { text.ansi().to_string() } else { text.to_string() };
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s19_a_topic_fits_into_a_terminal_of_any_width_and_loses_nothing() {
        for (topic, text) in TOPICS {
            for width in [20, 40, 80] {
                let lines: Vec<String> = text.lines().flat_map(|line| fitted(line, width)).collect();
                for line in &lines {
                    assert!(line.chars().count() <= width, "{topic} at {width}: {line:?}");
                }
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                assert_eq!(letters(&lines.concat()), letters(text), "{topic} at {width}");
            }
        }
        let line = "    3  done in part: something was set aside (parked)";
        assert_eq!(fitted(line, 30), ["    3  done in part: something", "       was set aside (parked)"]);
    }
}
