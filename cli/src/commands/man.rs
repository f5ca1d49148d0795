//! `orkee man`

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde::Serialize;

use super::help::{examples, topics};
use crate::args::Cli;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::text;

/// Print a manual page, or write all of them into a folder
///
/// Made of the same text as the help: a page for each command. Below a folder of MANPATH, in man1, `man orkee-projects-add` finds them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee man projects add | man -l -
  orkee man --output ~/.local/share/man/man1")]
pub(crate) struct ManPages {
    /// Write all pages into this folder, made if it is not there
    #[arg(long, value_name = "DIR", conflicts_with = "words")]
    output: Option<PathBuf>,
    /// The command; none: orkee itself
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    folder: &'a str,
    pages: Vec<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    page: &'a str,
}

impl ManPages {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        match self.output {
            Some(folder) => write(cx, &command, folder),
            None => {
                for word in &self.words {
                    let sub = command.find_subcommand(word).cloned();
                    command = sub.ok_or_else(|| {
                        CliError::usage(
                            format!("there is no command {word:?}"),
                            "run `orkee --help` for the commands",
                        )
                    })?;
                }
                let page = page(&command).map_err(CliError::Stdout)?;
                if cx.out.is_json() {
                    cx.out.document(&Page { page: &String::from_utf8_lossy(&page) })?;
                } else {
                    cx.out.bytes(&page)?;
                }
                Ok(Exit::DONE)
            }
        }
    }
}

fn write(cx: &Context, command: &Command, folder: PathBuf) -> CommandResult {
    let mut pages = Vec::new();
    std::fs::create_dir_all(&folder)
        .map_err(|source| CliError::WriteFile { path: folder.clone(), source })?;
    write_below(command, &folder, &mut pages)?;
    let shown = folder.to_string_lossy();
    if cx.out.is_json() {
        cx.out.document(&Written { folder: &shown, pages })?;
    } else {
        cx.out.done(format_args!("Wrote {} manual pages into {}", pages.len(), text::line(&shown)))?;
    }
    Ok(Exit::DONE)
}

fn write_below(command: &Command, folder: &std::path::Path, pages: &mut Vec<String>) -> Result<(), Failure> {
    let name = format!("{}.1", name(command));
    let path = folder.join(&name);
    let failed = |source| CliError::WriteFile { path: path.clone(), source };
    let page = page(command).map_err(failed)?;
    std::fs::write(&path, page).map_err(failed)?;
    // Pages are for all who use this machine, whatever else this program writes.
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).map_err(failed)?;
    pages.push(name);
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write_below(sub, folder, pages)?;
    }
    Ok(())
}

/// `orkee-projects-add`
fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-")
}

/// The page of a command that was built, as roff.
fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let is_root = command.get_name() == "orkee";
    let name = name(command);
    let usage = command.clone().render_usage().to_string().replace("Usage: ", "");
    let man = Man::new(command.clone().display_name(name.clone()).override_usage(usage))
        .title(name.to_uppercase())
        .source(concat!("orkee ", env!("CARGO_PKG_VERSION")))
        .manual("Orkee");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut more = Roff::new();
    let subcommands: Vec<&Command> = command.get_subcommands().filter(|sub| !sub.is_hide_set()).collect();
    if !subcommands.is_empty() {
        more.control("SH", ["COMMANDS"]);
        for sub in subcommands {
            more.control("TP", []);
            more.text([clap_mangen::roff::bold(format!("{}(1)", self::name(sub)))]);
            more.text([roman(sub.get_about().map(ToString::to_string).unwrap_or_default())]);
        }
    }
    as_it_stands(&mut more, "EXAMPLES", &examples(command));
    if is_root {
        as_it_stands(&mut more, "ENVIRONMENT", topics::ENV);
        as_it_stands(&mut more, "EXIT STATUS", topics::EXIT_CODES);
    }
    more.to_writer(&mut page)?;
    Ok(page)
}

/// Each example, what it does below it; and what the help says besides.
fn examples(command: &Command) -> String {
    let lines = examples::of(command).into_iter().flat_map(|example| {
        let note = example.note.map(|note| format!("      {note}"));
        [Some(example.command), note].into_iter().flatten()
    });
    let rest = examples::rest(command);
    lines.chain(Some(rest).filter(|rest| !rest.is_empty())).collect::<Vec<_>>().join("\n")
}

/// A section whose lines stay as they are.
fn as_it_stands(roff: &mut Roff, title: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    roff.control("SH", [title]);
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}
