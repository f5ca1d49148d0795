//! Branches of the grammar that are built only where the arguments lead into them. Each flag of each command takes some hundred bytes,
//! and a command needs those of one branch.

use std::cell::Cell;
use std::ffi::OsString;

use clap::{ArgMatches, Command, CommandFactory, Error, FromArgMatches, Subcommand};

use super::Cli;

thread_local! {
    /// Whether branches wait until somebody enters them. Whoever looks at the grammar without parsing, as for help, needs all of it.
    static WAIT: Cell<bool> = const { Cell::new(false) };
}

/// Reads the arguments, and builds no more of the grammar than that takes.
pub(crate) fn parse(args: &[OsString]) -> Result<Cli, Error> {
    WAIT.set(true);
    let mut grammar = Cli::command();
    WAIT.set(false);
    let mut matches = grammar.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut grammar))
}

/// The commands below a word.
#[derive(Debug)]
pub(crate) struct Branch<T>(pub(crate) T);

impl<T: Subcommand> Subcommand for Branch<T> {
    fn augment_subcommands(word: Command) -> Command {
        if WAIT.get() { word.defer(T::augment_subcommands) } else { T::augment_subcommands(word) }
    }

    fn augment_subcommands_for_update(word: Command) -> Command {
        T::augment_subcommands_for_update(word)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

impl<T: FromArgMatches> FromArgMatches for Branch<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clap makes of the arguments: what it read, or what it would print.
    fn outcome(parsed: Result<Cli, Error>) -> String {
        parsed.map_or_else(|error| error.to_string(), |cli| format!("{cli:?}"))
    }

    #[test]
    fn a_grammar_that_is_built_in_part_reads_and_refuses_as_the_whole_one() {
        use clap::Parser;
        for line in [
            "orkee",
            "orkee --version",
            "orkee --help",
            "orkee -h",
            "orkee project",
            "orkee projects",
            "orkee projects --help",
            "orkee projects list --status building --json",
            "orkee projects list --sttus building",
            "orkee --json projects show shop -q",
            "orkee project lst",
            "orkee porjects list",
            "orkee --status building projects list",
            "orkee config get",
            "orkee config set history.days 90 --no-input",
            "orkee config set --help",
            "orkee cloud",
            "orkee cloud -h",
            "orkee cloud sync --no-such-flag",
            "orkee cloud key init --help",
            "orkee undo --color never",
            "orkee help exit-codes",
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(outcome(parse(&args)), outcome(Cli::try_parse_from(&args)), "{line}");
        }
    }
}
