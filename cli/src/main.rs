//! The binary `orkee`: arguments in, text or JSON and an exit code out. What it does lives in `orkee-core`.

use std::process::ExitCode;

mod args;
#[cfg(feature = "cloud")]
mod background;
mod commands;
mod completion;
mod context;
mod editor;
mod failure;
mod logging;
mod moment;
mod output;
mod prompt;
mod report;
mod terminal;
mod waiting;

fn main() -> ExitCode {
    // Whatever this process makes is its owner's alone, from the moment it exists.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let args: Vec<_> = std::env::args_os().collect();
    match completion::answer(&args) {
        Some(code) => code,
        None => commands::run(args),
    }
}
