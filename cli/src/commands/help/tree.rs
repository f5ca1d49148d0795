//! The grammar as JSON: what a program needs that calls `orkee`, or writes about it.

use clap::{Arg, ArgAction, Command};
use orkee_core::settings::Key;
use serde::Serialize;

use super::examples::{self, Example};
use super::topics;

/// `orkee help --json`
#[derive(Serialize)]
pub(super) struct Document {
    commands: Vec<CommandView>,
    settings: Vec<SettingView>,
    exit_codes: Vec<ExitCodeView>,
    topics: Vec<&'static str>,
}

#[derive(Serialize)]
struct CommandView {
    /// As it is typed: `orkee projects add`.
    command: String,
    aliases: Vec<String>,
    about: String,
    long_about: Option<String>,
    usage: String,
    flags: Vec<FlagView>,
    values: Vec<ValueView>,
    /// The words that can follow.
    subcommands: Vec<String>,
    examples: Vec<Example>,
}

#[derive(Serialize)]
struct FlagView {
    long: Option<String>,
    short: Option<char>,
    about: String,
    /// Every command takes it.
    everywhere: bool,
    required: bool,
    repeatable: bool,
    /// What its value is called; none: it has none.
    value: Option<String>,
    possible: Vec<String>,
    default: Option<String>,
}

#[derive(Serialize)]
struct ValueView {
    name: String,
    about: String,
    required: bool,
    repeatable: bool,
    possible: Vec<String>,
    default: Option<String>,
}

#[derive(Serialize)]
struct SettingView {
    variable: &'static str,
    /// Its key in config.toml; none: it is not kept there.
    key: Option<String>,
    default: Option<String>,
    secret: bool,
}

#[derive(Serialize)]
struct ExitCodeView {
    code: u8,
    meaning: &'static str,
}

/// Of a command that was built, and all below it.
pub(super) fn document(command: &Command) -> Document {
    let mut commands = Vec::new();
    collect(command, &mut commands);
    let settings = Key::ALL.iter().map(|key| SettingView {
        variable: key.variable(),
        key: key.config_name(),
        default: key.default_value(),
        secret: key.is_secret(),
    });
    let exit_codes = topics::exit_codes().map(|(code, meaning)| ExitCodeView { code, meaning });
    Document {
        commands,
        settings: settings.collect(),
        exit_codes: exit_codes.collect(),
        topics: super::topics().collect(),
    }
}

fn collect(command: &Command, commands: &mut Vec<CommandView>) {
    let subcommands = || command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let shown = || command.get_arguments().filter(|arg| !arg.is_hide_set());
    commands.push(CommandView {
        command: command.get_bin_name().unwrap_or(command.get_name()).to_owned(),
        aliases: command.get_visible_aliases().map(str::to_owned).collect(),
        about: command.get_about().map(ToString::to_string).unwrap_or_default(),
        long_about: command.get_long_about().map(ToString::to_string),
        usage: command.clone().render_usage().to_string().trim_start_matches("Usage: ").to_owned(),
        flags: shown().filter(|arg| !arg.is_positional()).map(flag).collect(),
        values: shown().filter(|arg| arg.is_positional()).map(value).collect(),
        subcommands: subcommands().map(|sub| sub.get_name().to_owned()).collect(),
        examples: examples::of(command),
    });
    subcommands().for_each(|sub| collect(sub, commands));
}

fn flag(arg: &Arg) -> FlagView {
    FlagView {
        long: arg.get_long().map(str::to_owned),
        short: arg.get_short(),
        about: about(arg),
        everywhere: arg.is_global_set(),
        required: arg.is_required_set(),
        repeatable: repeatable(arg),
        value: arg.get_action().takes_values().then(|| name(arg)),
        possible: possible(arg),
        default: default(arg),
    }
}

fn value(arg: &Arg) -> ValueView {
    ValueView {
        name: name(arg),
        about: about(arg),
        required: arg.is_required_set(),
        repeatable: repeatable(arg),
        possible: possible(arg),
        default: default(arg),
    }
}

fn about(arg: &Arg) -> String {
    arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default()
}

fn name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn repeatable(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append | ArgAction::Count)
}

fn possible(arg: &Arg) -> Vec<String> {
    if !arg.get_action().takes_values() {
        return Vec::new();
    }
    let values = arg.get_possible_values();
    values.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned()).collect()
}

fn default(arg: &Arg) -> Option<String> {
    let values = arg.get_default_values();
    let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
    Some(values.join(" ")).filter(|default| arg.get_action().takes_values() && !default.is_empty())
}
