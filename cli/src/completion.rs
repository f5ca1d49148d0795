//! Completing words for a shell: `COMPLETE=zsh orkee -- orkee projects sh`, which the scripts of `orkee completions` ask.
//!
//! It happens while a person types: it says nothing but words, makes and changes no file, waits for nobody and asks no network.

mod data;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::env::{CompleteEnv, Shells};

use crate::args::Cli;

/// Which shell asks. A value that names none is somebody else's, and means nothing here.
const VARIABLE: &str = "COMPLETE";

/// Answers, if a shell asks.
pub(crate) fn answer(args: &[OsString]) -> Option<ExitCode> {
    let asked = std::env::var_os(VARIABLE)?;
    Shells::builtins().completer(asked.to_str()?)?;
    // Whatever goes wrong must not be written into the line that is being typed.
    std::panic::set_hook(Box::new(|_| {}));
    let folder = std::env::current_dir().ok();
    let environment = CompleteEnv::with_factory(command).bin("orkee").completer("orkee");
    let code = match environment.try_complete(args.iter().cloned(), folder.as_deref()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => return None,
        Err(_) => ExitCode::FAILURE,
    };
    Some(code)
}

/// The script that makes a shell ask.
pub(crate) fn script(shell: &str) -> io::Result<Vec<u8>> {
    let shells = Shells::builtins();
    let known = shells.completer(shell).ok_or_else(|| io::Error::other("no such shell"))?;
    let mut script = Vec::new();
    known.write_registration(VARIABLE, "orkee", "orkee", "orkee", &mut script)?;
    script.flush()?;
    if shell == "bash" { word_by_word(&script) } else { Ok(script) }
}

/// The script for bash, which would take the answer for patterns: `*` of `--event` would become the files of the current folder.
fn word_by_word(script: &[u8]) -> io::Result<Vec<u8>> {
    let mut script = String::from_utf8_lossy(script).into_owned();
    let changes = [
        ("    COMPREPLY=( $( \\\n", "    local answer\n    answer=$( \\\n"),
        ("    ) )\n", "    )\n"),
        (
            "        unset COMPREPLY\n    elif",
            "        unset COMPREPLY\n        return\n    fi\n    COMPREPLY=()\n    \
             read -r -d '' -a COMPREPLY < <(printf '%s' \"$answer\") || true\n    if",
        ),
    ];
    for (theirs, ours) in changes {
        if script.matches(theirs).count() != 1 {
            return Err(io::Error::other("the script for bash is not the one that is known"));
        }
        script = script.replace(theirs, ours);
    }
    Ok(script.into_bytes())
}

/// The grammar, with what each value can be.
fn command() -> Command {
    let mut command = Cli::command();
    // `orkee help projects add`.
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    command = command.mut_args(|arg| values::with_candidates(&[], arg));
    for name in names {
        command = command.mut_subcommand(&name, |sub| with_candidates(&[&name], sub));
    }
    command
}

fn with_candidates(path: &[&str], command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command.mut_args(|arg| values::with_candidates(path, arg));
    for name in names {
        command = command.mut_subcommand(&name, |sub| with_candidates(&[path, &[&name]].concat(), sub));
    }
    command
}
