//! The command line's grammar: what holds everywhere and the first word. Each command's own flags stand in its file.

mod branch;

use std::ffi::OsString;

use clap::builder::styling::{AnsiColor, Style, Styles};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub(crate) use branch::{Branch, parse};

#[cfg(feature = "cloud")]
use crate::commands::cloud;
#[cfg(not(feature = "cloud"))]
use crate::commands::no_cloud;
use crate::commands::{audit, completions, config, doctor, help, man, projects, ui, undo};

const STYLES: Styles = Styles::styled()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default().dimmed());

/// Keeps your projects: what they are, where they live, how they start.
///
/// Everything works offline, in a SQLite database of your own (`~/.orkee`, or where ORKEE_HOME says).
#[derive(Debug, Parser)]
#[command(name = "orkee", version, styles = STYLES, max_term_width = 100, after_help = "\
Examples:
  orkee projects add                     add the folder you are in
  orkee projects list --status building  what is being built
  orkee help exit-codes                  how a command says to a script how it ended")]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Print one JSON object on standard output, errors too
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Print errors only; twice: nothing
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub(crate) quiet: u8,
    /// Tell what is being done; twice or three times: in detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub(crate) verbose: u8,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false,
        help_heading = "Everywhere"
    )]
    pub(crate) color: Color,
    /// Never ask; fail where an answer is needed
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) no_input: bool,
    /// Print long output at once, without a pager
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) no_pager: bool,
    /// Show nothing that moves while something takes its time
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) no_progress: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "a process makes one")]
pub(crate) enum Command {
    /// Add, find, change and remove projects
    #[command(subcommand, visible_alias = "project", after_help = projects::EXAMPLES)]
    Projects(Branch<projects::Command>),
    #[cfg(feature = "cloud")]
    /// Keep projects in step with your other devices
    #[command(subcommand, after_help = cloud::EXAMPLES)]
    Cloud(Branch<cloud::Command>),
    #[cfg(not(feature = "cloud"))]
    /// Sync with your other devices (not in this build)
    #[command(disable_help_flag = true)]
    Cloud(no_cloud::Missing),
    Ui(ui::Ui),
    /// Give back what an operation overwrote
    Undo(undo::Undo),
    Audit(audit::Audit),
    Doctor(doctor::Doctor),
    /// Read and change settings
    #[command(subcommand, after_help = config::EXAMPLES)]
    Config(Branch<config::Command>),
    Completions(completions::Completions),
    Man(man::ManPages),
    Help(help::Help),
}

/// Whether `--json` stands among the arguments: asked where clap could not say, because it refused them.
pub(crate) fn asks_for_json(args: &[OsString]) -> bool {
    args.iter().skip(1).take_while(|a| *a != "--").any(|a| a == "--json")
}

/// What `--color` says among the arguments, the last of it: asked where clap could not say, because it answered or refused them.
pub(crate) fn color(args: &[OsString]) -> Color {
    let args: Vec<&str> = args
        .iter()
        .skip(1)
        .map(|arg| arg.to_str().unwrap_or_default())
        .take_while(|arg| *arg != "--")
        .collect();
    let said = args.iter().enumerate().rev().filter_map(|(at, arg)| match arg.strip_prefix("--color=") {
        Some(when) => Some(when),
        None => args.get(at + 1).copied().filter(|_| *arg == "--color"),
    });
    let mut said = said.filter_map(|when| Color::from_str(when, false).ok());
    said.next().unwrap_or(Color::Auto)
}

/// The words that name the command in arguments that clap refused: `orkee projects list` of `orkee projects list --bad`.
pub(crate) fn command_named(args: &[OsString]) -> String {
    let mut command = Cli::command();
    let mut words = vec!["orkee".to_owned()];
    for arg in args.iter().skip(1).filter_map(|a| a.to_str()) {
        let Some(sub) = command.find_subcommand(arg).cloned() else { continue };
        words.push(sub.get_name().to_owned());
        command = sub;
    }
    words.join(" ")
}
