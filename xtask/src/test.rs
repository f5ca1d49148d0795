//! `cargo xtask test`: everything, from a fresh clone.

use std::process::Command;

use crate::run::{self, Error};
use crate::setup::{self, Binaries, CLOUD, cargo, root};
use crate::{demo, sandbox, tools};

/// Schedules of the Python model in each run; `tests/model/` says how to run more.
const MODEL_SCHEDULES: &str = "4000";
/// Schedules of `cargo xtask sim`.
const SIM_SCHEDULES: &str = "200000";

pub fn run() -> Result<(), Error> {
    setup::target()?;
    for (program, is) in [("npm", "Node"), ("python3", "Python 3"), ("git", "git")] {
        run::quietly(Command::new(program).arg("--version"))
            .map_err(|_| format!("{program} is not there: tests need {is}"))?;
    }
    run::loudly(cargo().args(["fmt", "--all", "--check"]))?;
    run::loudly(cargo().args(["fmt", "--manifest-path", "keyring/Cargo.toml", "--check"]))?;
    let binaries = std::thread::scope(|scope| {
        // Beside the compilers, which do not keep all cores busy all the time.
        let beside = scope.spawn(|| fetch().and_then(|()| model()).map_err(|error| error.to_string()));
        let binaries = build_and_lint();
        beside.join().unwrap_or_else(|_| Err("it ended without a word".to_owned()))?;
        binaries
    })?;
    let tally = binaries.folder().join("test-tally");
    let _ = std::fs::remove_file(&tally);
    run::loudly(test_runner().args(["--locked", "--workspace"]).args(CLOUD).env("ORKEE_TEST_TALLY", &tally))?;
    run::loudly(cargo().args(["test", "--doc", "--locked", "--workspace"]).args(CLOUD))?;
    demo::show(&binaries)?;
    println!("\nwhat the tests went through:\n{}", std::fs::read_to_string(&tally).unwrap_or_default());
    tools::tell_what_was_not_checked();
    Ok(())
}

/// What tests run that is not of this repository.
fn fetch() -> Result<(), Error> {
    tools::install();
    for folder in ["tests/op", "tests/chromium"] {
        sandbox::npm(&root().join(folder))?;
    }
    sandbox::pip(&root().join("tests/moto"), &setup::debug_folder()?.join("moto"))
}

/// The model of the sync algorithm.
fn model() -> Result<(), Error> {
    let mut model = Command::new("python3");
    model.arg("tests/model/sync_model.py").arg(MODEL_SCHEDULES).current_dir(root());
    println!("{}", run::quietly(&mut model)?.trim_end());
    Ok(())
}

fn build_and_lint() -> Result<Binaries, Error> {
    let binaries = setup::build_for_tests()?;
    run::loudly(cargo().args(["clippy", "--locked", "--workspace", "--all-targets"]).args(CLOUD).args(DENY))?;
    run::loudly(cargo().args(["clippy", "--locked", "-p", "orkee-cli", "--all-targets"]).args(DENY))?;
    Ok(binaries)
}

const DENY: [&str; 3] = ["--", "-D", "warnings"];

/// cargo-nextest where it is installed, else cargo's own. Neither runs the examples of the documentation.
fn test_runner() -> Command {
    let mut command = cargo();
    let nextest = run::quietly(cargo().args(["nextest", "--version"])).is_ok();
    if !nextest {
        println!(
            "cargo-nextest is not there: the tests run by `cargo test`, one file of them after the other, which takes longer"
        );
        command.args(["test", "--no-fail-fast", "--all-targets"]);
        return command;
    }
    // A test takes two threads unless it mostly waits: `.config/nextest.toml` says which do.
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    command.args(["nextest", "run", "--no-fail-fast", "--status-level", "slow", "--profile", "whole"]);
    command.args(["--test-threads", &threads.to_string()]);
    command
}

/// `cargo xtask sim [N [SEED]]`
pub fn simulate(args: &[&str]) -> Result<(), Error> {
    let schedules = args.first().copied().unwrap_or(SIM_SCHEDULES);
    let seed = args.get(1).copied().unwrap_or("1");
    run::loudly(
        cargo()
            .args(["test", "--release", "--locked", "-p", "orkee-core", "--features", "sync"])
            .args(["--lib", "--", "--nocapture", "simulation"])
            .env("ORKEE_SIM_SCHEDULES", schedules)
            .env("ORKEE_SIM_SEED", seed),
    )
}
