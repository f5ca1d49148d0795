//! Programs of the tests' own that are written in JavaScript, with their packages.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "whatever fails here fails the test")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of `tests` with its locked packages, installed by whoever comes first.
pub fn installed(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let lock = File::create(std::env::temp_dir().join(format!("orkee-tests-{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if !folder.join("node_modules/.package-lock.json").exists() {
        let done = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder)
            .output()
            .expect("npm is needed for the tests with packages from npm");
        assert!(done.status.success(), "npm ci: {}", String::from_utf8_lossy(&done.stderr));
    }
    folder
}
