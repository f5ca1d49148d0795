//! The contract's text against what was published of it: a change that would break compiled components is found before it is
//! released, with the line and the rule.

#![allow(unreachable_pub, reason = "the modules of one test")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says by a panic what is wrong")]

mod compare;
mod doctored;
mod shape;
mod types;

use std::fs;
use std::path::{Path, PathBuf};

use shape::Shape;

/// The contract as it is.
fn today() -> String {
    fs::read_to_string(wit().join("orkee-sync.wit")).unwrap()
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

/// Each published copy: its version as the folder is called, and its text.
fn published() -> Vec<(String, String)> {
    let folders = fs::read_dir(wit().join("published")).unwrap().map(|entry| entry.unwrap().path());
    let read = |folder: PathBuf| {
        let version = folder.file_name().unwrap().to_string_lossy().into_owned();
        (version, fs::read_to_string(folder.join("orkee-sync.wit")).unwrap())
    };
    let mut all: Vec<_> = folders.map(read).collect();
    all.sort();
    all
}

#[test]
fn p03_the_contract_breaks_nothing_that_was_published() {
    let today = Shape::read(&today()).unwrap();
    let copies = published();
    assert!(!copies.is_empty(), "nothing was published");
    for (version, text) in copies {
        let copy = Shape::read(&text).unwrap();
        assert_eq!(copy.version.to_string(), version, "the copy is in another version's folder");
        let breaks: Vec<String> = compare::breaks(&copy, &today).iter().map(ToString::to_string).collect();
        assert!(
            breaks.is_empty(),
            "what was built against {version} would not run any more:\n{}",
            breaks.join("\n")
        );
    }
}

/// What is published has a component that is run, and the other way round.
#[test]
fn p01_each_published_version_has_its_component() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("published");
    let folders = fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path());
    let mut components: Vec<String> = folders
        .filter(|path| path.join("every-part.wasm").is_file())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    components.sort();
    assert_eq!(components, published().into_iter().map(|(version, _)| version).collect::<Vec<_>>());
}
