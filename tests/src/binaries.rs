//! Where the built binaries are: beside the tests.

use std::path::PathBuf;

/// The path of a binary of this build.
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    // A binary of this crate stands in the folder itself, a test in `deps` below it.
    let found = [folder.join(name), test.with_file_name(name)].into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is not built: run `cargo xtask build`"))
}

/// `orkee` with the feature `cloud`.
pub fn orkee() -> PathBuf {
    path("orkee")
}
