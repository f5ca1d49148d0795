//! Publishing a version of the contract: a copy of its text, and a component that was built against it, to be run for good.

use std::fs;
use std::path::PathBuf;

use crate::run::{self, Error};
use crate::setup;

/// Keeps the version that `wit/` has now. What was published is never changed: a version that is there is refused.
pub fn publish() -> Result<(), Error> {
    let source = setup::root().join("wit/orkee-sync.wit");
    let text = fs::read_to_string(&source)?;
    let version = version(&text).ok_or("wit/orkee-sync.wit names no version of orkee:sync")?;
    let copy = setup::root().join("wit/published").join(version);
    let kept = setup::root().join("tests/published").join(version);
    if copy.exists() || kept.exists() {
        return Err(format!("{version} was published; give wit/orkee-sync.wit another version first").into());
    }
    let component = build()?;
    fs::create_dir_all(&copy)?;
    fs::copy(&source, copy.join("orkee-sync.wit"))?;
    fs::create_dir_all(&kept)?;
    fs::copy(component, kept.join("every-part.wasm"))?;
    println!("published orkee:sync@{version}");
    Ok(())
}

/// The version of the line `package orkee:sync@VERSION;`.
fn version(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.strip_prefix("package orkee:sync@"))?;
    line.strip_suffix(';')
}

/// The guest that has every part of the contract, small and without the names of this machine's folders.
fn build() -> Result<PathBuf, Error> {
    setup::target()?;
    let target = setup::target_folder()?.join("published");
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let folders = [(Some(setup::root()), "/orkee"), (cargo_home, "/cargo")];
    let flags: Vec<String> = folders
        .iter()
        .filter_map(|(folder, shown)| {
            Some(format!("--remap-path-prefix={}={shown}", folder.as_ref()?.display()))
        })
        .collect();
    let mut cargo = setup::cargo();
    cargo.args(["build", "--locked", "--package", "guest-every-part", "--profile", "published"]);
    cargo.args(["--manifest-path", "tests/guests/Cargo.toml", "--target", "wasm32-wasip2", "--target-dir"]);
    run::loudly(cargo.arg(&target).env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")))?;
    Ok(target.join("wasm32-wasip2/published/guest_every_part.wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_package_line() {
        assert_eq!(version("/// About\npackage orkee:sync@0.1.0;\n"), Some("0.1.0"));
        assert_eq!(version("package orkee:other@0.1.0;\n"), None);
    }
}
