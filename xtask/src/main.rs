//! Builds, demonstrates, tests and measures Orkee. Each command sets up what it needs on a fresh machine.
//!
//! This crate depends on nothing of the workspace, so that it starts at once and runs the binaries as a user does.

mod bench;
mod contract;
mod demo;
mod dist;
mod http;
mod mutants;
mod projects;
mod proxy;
mod run;
mod sandbox;
mod setup;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo            two devices, a server, a sign-in, a conflict, a killed sync and a sealed account, with their real output
  test            format, lints, unit and end-to-end tests, the model, the demo
  sim [N [SEED]]  N random schedules over the real store and engine (200000)
  mutants [RULE…] breaks each rule of sync, or these, in a copy of the engine, and sees that a test fails
  bench [--full | --sealed]  the figures of docs/performance.md; --full adds 100,000 records; --sealed: sealed against plain alone
  dist [--from DIR] [--output DIR] [--profile P]  archives to install from, with their checksums, in target/dist; --from: of programs that are built
  build           the binaries that demo and test use
  publish-contract  keeps the version that wit/ has now, with a component that was built against it";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["demo"] => demo::run(),
        ["test"] => test::run(),
        ["sim", rest @ ..] => test::simulate(rest),
        ["mutants", names @ ..] => mutants::run(names),
        ["bench", rest @ ..] => bench::run(rest),
        ["dist", rest @ ..] => dist::run(rest),
        ["build"] => setup::build_for_tests().map(|_| ()),
        ["publish-contract"] => contract::publish(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error}");
            ExitCode::FAILURE
        }
    }
}
