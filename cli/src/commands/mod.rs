//! One file a command. Here: from arguments to the command, from its result to the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use orkee_core::diagnostic::Kind;

use crate::args::{self, Branch, Command};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::Output;
use crate::{logging, report};

pub(crate) mod audit;
#[cfg(feature = "cloud")]
pub(crate) mod cloud;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod help;
pub(crate) mod man;
#[cfg(not(feature = "cloud"))]
pub(crate) mod no_cloud;
pub(crate) mod projects;
pub(crate) mod ui;
pub(crate) mod undo;

/// Reads the arguments, runs what they name, and says how it ended.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let cli = match args::parse(&args) {
        Ok(cli) => cli,
        Err(error) => return refused(&error, &args),
    };
    let mut global = cli.global;
    // What follows `cloud` in a build without it is not parsed.
    global.json |= args::asks_for_json(&args);
    let cx = Context::new(global);
    logging::start(&cx.out, cx.global.verbose);
    let result = dispatch(cli.command, &cx).and_then(|exit| {
        cx.out.finish()?;
        Ok(exit)
    });
    let code = match result {
        Ok(exit) => exit.code(),
        Err(failure) => report::failure(&cx.out, &failure),
    };
    afterwards(&cx);
    ExitCode::from(code)
}

/// What begins in the background when something was done: at a command's end, and in the middle of one that stays.
fn afterwards(cx: &Context) {
    #[cfg(feature = "cloud")]
    {
        cloud::automatic::after(cx);
        cloud::webhook::detached::after(cx);
    }
    #[cfg(not(feature = "cloud"))]
    let _ = cx;
}

fn dispatch(command: Command, cx: &Context) -> CommandResult {
    match command {
        Command::Projects(Branch(command)) => command.run(cx),
        #[cfg(feature = "cloud")]
        Command::Cloud(Branch(command)) => {
            cx.heed_folder()?;
            command.run(cx)
        }
        #[cfg(not(feature = "cloud"))]
        Command::Cloud(command) => command.run(cx),
        Command::Ui(command) => {
            #[cfg(feature = "cloud")]
            cx.heed_folder()?;
            command.run(cx)
        }
        Command::Undo(command) => command.run(cx),
        Command::Audit(command) => command.run(cx),
        Command::Doctor(command) => command.run(cx),
        Command::Config(Branch(command)) => {
            #[cfg(feature = "cloud")]
            cx.heed_folder()?;
            command.run(cx)
        }
        Command::Completions(command) => command.run(cx),
        Command::Man(command) => command.run(cx),
        Command::Help(command) => command.run(cx),
    }
}

/// Help and version are answers, on standard output; the rest is wrong usage.
fn refused(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let out = Output::plain(args::asks_for_json(args), args::color(args));
    ExitCode::from(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let page = help::page(error, out.colors());
            match out.line(page).and_then(|()| out.finish()) {
                Ok(()) => Exit::DONE.code(),
                Err(error) => report::failure(&out, &error.into()),
            }
        }
        // Nothing was asked for: what there is to ask for.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !out.is_json() => {
            out.error_line(help::page(error, out.colors_errors()));
            Kind::Usage.exit_code()
        }
        _ => report::refused_arguments(&out, error, &args::command_named(args)),
    })
}
