//! What a fresh machine lacks, and the binaries that everything else runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{self, Error};

/// Where the built binaries are.
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `orkee` with the feature `cloud`.
    pub fn orkee(&self) -> PathBuf {
        self.folder.join("orkee")
    }

    /// `orkee-server`.
    pub fn server(&self) -> PathBuf {
        self.folder.join("orkee-server")
    }

    /// The program that signs in as a person would, for `$BROWSER`.
    pub fn browser(&self) -> PathBuf {
        self.folder.join("fake-browser")
    }

    /// The provider's code, compiled for this machine.
    pub fn native(&self) -> PathBuf {
        self.folder.join("orkee-native")
    }

    /// The floor of the benchmarks.
    pub fn floor(&self) -> PathBuf {
        self.folder.join("orkee-floor")
    }
}

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// cargo, in the workspace's root, as if it had been typed there.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    // What cargo tells this program of its own package: a build script that asks for it would be run again, and all above it built anew.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| OF_A_PACKAGE.iter().any(|beginning| name.starts_with(beginning)))
        {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// How the variables begin that cargo sets for a package which it runs.
const OF_A_PACKAGE: [&str; 4] = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"];

/// Installs the target that the providers are built for, where rustup has not done so already.
pub fn target() -> Result<(), Error> {
    let installed =
        run::quietly(Command::new("rustup").args(["target", "list", "--installed"]).current_dir(root()));
    match installed {
        Ok(targets) if targets.lines().any(|t| t == "wasm32-wasip2") => Ok(()),
        Ok(_) => {
            run::loudly(Command::new("rustup").args(["target", "add", "wasm32-wasip2"]).current_dir(root()))
        }
        // Without rustup the toolchain's own package brings the target; the build names it if it does not.
        Err(_) => Ok(()),
    }
}

/// What makes a workspace build one with the feature `cloud`.
pub const CLOUD: [&str; 2] = ["--features", "orkee-cli/cloud"];

/// The binaries of a debug build, dependencies optimised: for the demo and the tests.
///
/// `orkee-local` beside them is `orkee` as `cargo build` alone makes it, without the feature `cloud`.
pub fn build_for_tests() -> Result<Binaries, Error> {
    target()?;
    let folder = debug_folder()?;
    run::loudly(cargo().args(["build", "--locked", "-p", "orkee-cli"]))?;
    replace_copy(&folder.join("orkee"), &folder.join("orkee-local"))?;
    // The whole workspace at once, as the tests are built: other selections choose other features, and build everything twice.
    run::loudly(cargo().args(["build", "--locked", "--workspace", "--bins"]).args(CLOUD))?;
    Ok(Binaries { folder })
}

/// The binaries of a release build, for the benchmarks.
pub fn build_for_bench() -> Result<Binaries, Error> {
    target()?;
    run::loudly(cargo().args(["build", "--locked", "--release", "-p", "orkee-cli", "--features", "cloud"]))?;
    run::loudly(cargo().args([
        "build",
        "--locked",
        "--release",
        "-p",
        "orkee-server",
        "-p",
        "orkee-floor",
        "-p",
        "orkee-native",
    ]))?;
    Ok(Binaries { folder: target_folder()?.join("release") })
}

/// Where cargo builds.
pub fn target_folder() -> Result<PathBuf, Error> {
    let metadata =
        run::quietly(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target folder".into())
}

/// Where a debug build is put.
pub fn debug_folder() -> Result<PathBuf, Error> {
    Ok(target_folder()?.join("debug"))
}

/// A copy that replaces its destination even while that is running.
fn replace_copy(from: &Path, to: &Path) -> Result<(), Error> {
    let fresh = to.with_extension("new");
    std::fs::copy(from, &fresh)?;
    std::fs::rename(&fresh, to)?;
    Ok(())
}
