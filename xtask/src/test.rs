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
    setup::packages();
    for folder in ["tests/op", "tests/chromium"] {
        sandbox::npm(&root().join(folder))?;
    }
    run::loudly(cargo().args(["fmt", "--all", "--check"]))?;
    run::loudly(cargo().args(["fmt", "--manifest-path", "keyring/Cargo.toml", "--check"]))?;
    let binaries = setup::build_for_tests()?;
    sandbox::pip(&root().join("tests/moto"), &binaries.folder().join("moto"))?;
    run::loudly(cargo().args(["clippy", "--locked", "--workspace", "--all-targets"]).args(CLOUD).args(DENY))?;
    run::loudly(cargo().args(["clippy", "--locked", "-p", "orkee-cli", "--all-targets"]).args(DENY))?;
    run::loudly(
        Command::new("python3").arg("tests/model/sync_model.py").arg(MODEL_SCHEDULES).current_dir(root()),
    )?;
    let tally = binaries.folder().join("test-tally");
    let _ = std::fs::remove_file(&tally);
    run::loudly(test_runner().args(["--locked", "--workspace"]).args(CLOUD).env("ORKEE_TEST_TALLY", &tally))?;
    // nextest leaves out the examples of the documentation.
    run::loudly(cargo().args(["test", "--doc", "--locked", "--workspace"]).args(CLOUD))?;
    demo::show(&binaries)?;
    println!("\nwhat the tests went through:\n{}", std::fs::read_to_string(&tally).unwrap_or_default());
    tell_what_was_not_checked();
    Ok(())
}

/// Tests look over the shoulder of a command with these, where the machine has them.
fn tell_what_was_not_checked() {
    let tools = [
        (
            "strace",
            &["-o", "/dev/null", "true"][..],
            "a50: the modes with which files are created; c90a, c90b: crash points, what is on disk before what",
        ),
        ("unshare", &["-V"], "b10, b13: a folder that is read-only, a disk that is full"),
        (
            setup::APACHE,
            &["-v"],
            "sync through WebDAV: the provider `webdav` with a real server (Debian: apache2-bin)",
        ),
        ("faketime", &["--version"], "a41: clocks that are two hours off"),
        ("tinyproxy", &["-v"], "a31: sign-ins through a proxy (Debian: tinyproxy-bin)"),
        (
            "gnome-keyring-daemon",
            &["--version"],
            "signin_keyring: sign-ins in a keyring (Debian: gnome-keyring, dbus-daemon)",
        ),
        ("rclone", &["version"], "that a WebDAV server which ignores conditions is refused"),
        (
            setup::CHROMIUM,
            &["--version"],
            "signin_pages: how the pages look, whether everybody can use them (Debian: chromium)",
        ),
    ];
    for (tool, args, checks) in tools {
        if run::quietly(Command::new(tool).args(args)).is_err() {
            println!("{tool} is not there or not allowed; not checked: {checks}");
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
