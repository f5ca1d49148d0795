//! Building components of this repository for tests: those of `tests/guests`, and those that Orkee ships. The tests of `core` and of
//! `kit` have this file, too, so that all of them build into one folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
    let folder = FOLDER.get_or_init(|| component("tests/guests/Cargo.toml", &["--release"], "release"));
    std::fs::read(folder.join(format!("{name}.wasm"))).unwrap()
}

/// One of those that Orkee ships, with these features, as it comes from the compiler.
pub(crate) fn shipped(package: &str, features: &str) -> Vec<u8> {
    let args = ["--package", package, "--profile", "guest", "--features", features];
    let file = format!("guest/{}.wasm", package.replace('-', "_"));
    // Each variant is built into the same file: by another test as well, before this one has read it.
    std::fs::create_dir_all(target()).unwrap();
    let lock = std::fs::File::create(target().join("shipped.lock")).unwrap();
    lock.lock().unwrap();
    std::fs::read(component("Cargo.toml", &args, &file)).unwrap()
}

/// What all tests build goes here.
fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("tmp").join("guests")
}

/// Builds with the same cargo, but without what it set for this crate. Where the file then is.
pub fn component(manifest: &str, args: &[&str], file: &str) -> PathBuf {
    let target = target();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.env_clear();
    // Where a test was started without cargo, rustup would go by files in the sources of others, and install what they name.
    cargo.envs(option_env!("RUSTUP_TOOLCHAIN").map(|toolchain| ("RUSTUP_TOOLCHAIN", toolchain)));
    cargo.envs(KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    cargo.args(["build", "--quiet", "--locked", "--target", "wasm32-wasip2", "--target-dir"]).arg(&target);
    let output = cargo.arg("--manifest-path").arg(root().join(manifest)).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{manifest} does not build:\n{said}");
    target.join("wasm32-wasip2").join(file)
}
