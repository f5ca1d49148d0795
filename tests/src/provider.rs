//! `orkee cloud provider …` on a device.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::guests;
use crate::home::{Home, Ran};

/// Words behind `orkee cloud provider`.
pub fn words(args: &[&str]) -> Vec<String> {
    ["cloud", "provider"].iter().chain(args).map(|arg| (*arg).to_owned()).collect()
}

/// Runs a command to its end.
pub fn run(home: &Home, args: &[&str]) -> Ran {
    home.run(words(args))
}

/// Makes a file that holds this manifest's provider.
pub fn file(home: &Home, name: &str, manifest: &str) -> PathBuf {
    home.file(name, guests::packed(manifest))
}

/// Installs a file without being asked.
#[track_caller]
pub fn install(home: &Home, file: &Path) {
    run(home, &["install", file.to_str().unwrap(), "--yes"]).success();
}

/// What is installed, as scripts see it.
#[track_caller]
pub fn installed(home: &Home) -> Vec<Value> {
    let list = home.json(words(&["list"]));
    let all = list["providers"].as_array().unwrap().iter();
    all.filter(|provider| provider["source"] != "built-in").cloned().collect()
}

/// The one plugin that is installed.
#[track_caller]
pub fn the_one(home: &Home) -> Value {
    let [one] = installed(home).try_into().unwrap();
    one
}
