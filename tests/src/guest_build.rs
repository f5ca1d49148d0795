//! Building components of this repository for tests: those of `tests/guests`, and those that Orkee ships. The tests of `core` and of
//! `kit` have this file, too, so that all of them build into the same folders.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

#[path = "../../components/guests.rs"]
mod components;

/// Variables that a build needs of this process.
const KEPT: [&str; 8] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "HTTPS_PROXY",
    "SSL_CERT_FILE",
    "TMPDIR",
];

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One of `tests/guests`.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| component(""));
    std::fs::read(folder.join(format!("{name}.wasm"))).unwrap()
}

/// One of those that Orkee ships, with these of its features, as it comes from the compiler: the very one that is built into `orkee`, where
/// there are none.
pub(crate) fn shipped(package: &str, features: &[&str]) -> Vec<u8> {
    // Tests are in `PROFILE/deps`.
    let profile = above_this_test(2);
    let packages = [&components::DISPATCHERS[..], &components::PROVIDERS].concat();
    let features: Vec<String> = features.iter().map(|feature| format!("{package}/{feature}")).collect();
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    let built = components::Guests::build(cargo(), &root(), &profile, &packages, &features);
    built.unwrap_or_else(|error| panic!("{package} does not build:\n{error}")).read(package).unwrap()
}

/// Builds `tests/guests`. Where a file of it then is.
pub fn component(file: &str) -> PathBuf {
    let target = above_this_test(3).join("tmp").join("guests");
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--locked", "--release", "--target", components::TARGET, "--target-dir"]);
    cargo.arg(&target).arg("--manifest-path").arg(root().join("tests/guests/Cargo.toml"));
    let output = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the guests of the tests do not build:\n{said}");
    target.join(components::TARGET).join("release").join(file)
}

fn above_this_test(levels: usize) -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(levels).unwrap().to_owned()
}

/// The same cargo, but without what it set for this crate.
fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.env_clear();
    // Where a test was started without cargo, rustup would go by files in the sources of others, and install what they name.
    cargo.envs(option_env!("RUSTUP_TOOLCHAIN").map(|toolchain| ("RUSTUP_TOOLCHAIN", toolchain)));
    cargo.envs(KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    cargo
}
