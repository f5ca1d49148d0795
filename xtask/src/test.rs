//! `cargo xtask test`: everything, from a fresh clone.

use std::process::Command;

use crate::run::{self, Error};
use crate::setup::{self, CLOUD, cargo, root};
use crate::{demo, sandbox};

/// Schedules of the Python model in each run; `tests/model/` says how to run more.
const MODEL_SCHEDULES: &str = "4000";
/// Schedules of `cargo xtask sim`.
const SIM_SCHEDULES: &str = "200000";

pub fn run() -> Result<(), Error> {
    setup::target()?;
    sandbox::npm(&root().join("tests/op"))?;
    run::loudly(cargo().args(["fmt", "--all", "--check"]))?;
    let binaries = setup::build_for_tests()?;
    run::loudly(cargo().args(["clippy", "--locked", "--workspace", "--all-targets"]).args(CLOUD).args(DENY))?;
    run::loudly(cargo().args(["clippy", "--locked", "-p", "orkee-cli", "--all-targets"]).args(DENY))?;
    run::loudly(
        Command::new("python3").arg("tests/model/sync_model.py").arg(MODEL_SCHEDULES).current_dir(root()),
    )?;
    run::loudly(test_runner().args(["--locked", "--workspace"]).args(CLOUD))?;
    demo::show(&binaries)?;
    tell_what_was_not_checked();
    Ok(())
}

/// Tests look over the shoulder of a command with these, where the machine has them.
fn tell_what_was_not_checked() {
    let tools = [
        ("strace", "-V", "a50: the modes with which files are created"),
        ("unshare", "-V", "b10, b13: a folder that is read-only, a disk that is full"),
    ];
    for (tool, flag, checks) in tools {
        if run::quietly(Command::new(tool).arg(flag)).is_err() {
            println!("{tool} is not installed; not checked: {checks}");
        }
    }
}

const DENY: [&str; 3] = ["--", "-D", "warnings"];

/// cargo-nextest where it is installed, else cargo's own.
fn test_runner() -> Command {
    let mut command = cargo();
    let nextest = run::quietly(cargo().args(["nextest", "--version"])).is_ok();
    match nextest {
        true => command.args(["nextest", "run", "--no-fail-fast", "--status-level", "slow"]),
        false => command.args(["test", "--no-fail-fast"]),
    };
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
