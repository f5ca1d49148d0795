// How the components are built: by the build script, and by tests that run one of them by itself. All in one folder with the same options, so
// that nothing is compiled twice.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Those that deliver events.
pub(crate) const DISPATCHERS: [&str; 3] =
    ["orkee-dispatcher-discord", "orkee-dispatcher-slack", "orkee-dispatcher-webhook"];
/// Those that sync.
pub(crate) const PROVIDERS: [&str; 4] =
    ["orkee-provider-enterprise", "orkee-provider-cloud", "orkee-provider-s3", "orkee-provider-webdav"];

/// What was built. Nobody builds anything else in its place as long as this is there.
pub(crate) struct Guests {
    folder: PathBuf,
    _lock: File,
}

impl Guests {
    /// Builds `packages`, or finds that they are built, with a cargo that has no more of its caller's environment than a build needs. The folder
    /// is that of a build's profile; in it they have a target folder of their own, since another cargo holds the lock of the usual one.
    pub(crate) fn build(
        mut cargo: Command,
        root: &Path,
        profile: &Path,
        packages: &[&str],
        features: &[&str],
    ) -> Result<Self, Box<dyn Error>> {
        let target = profile.join("components");
        std::fs::create_dir_all(&target)?;
        let lock = File::create(target.join("read.lock"))?;
        lock.lock()?;
        cargo
            .current_dir(root)
            .args(["build", "--locked", "--target", TARGET, "--profile", "guest", "--target-dir"])
            .arg(&target)
            .args(packages.iter().flat_map(|package| ["--package", package]))
            .args(features.iter().flat_map(|feature| ["--features", feature]))
            .envs(without_folders().map(|flag| ("CARGO_ENCODED_RUSTFLAGS", flag)));
        let output = cargo.output()?;
        match output.status.success() {
            true => Ok(Self { folder: target.join(TARGET).join("guest"), _lock: lock }),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    }

    /// The component of a package.
    pub(crate) fn read(&self, package: &str) -> std::io::Result<Vec<u8>> {
        std::fs::read(self.folder.join(format!("{}.wasm", package.replace('-', "_"))))
    }
}

/// What keeps the names of this machine's folders out of what a component says when it panics: sources of this workspace are named from its
/// root, those of others by their path.
fn without_folders() -> Option<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
    Some(format!("--remap-path-prefix={}=/cargo", home.display()))
}
