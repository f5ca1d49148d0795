//! What a build without the feature `cloud` contains.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use orkee_tests::binaries;

#[test]
fn c72_a_build_without_cloud_contains_neither_a_wasm_runtime_nor_an_http_client() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "orkee-cli",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(crates.contains(&"rusqlite"), "this is no tree of orkee-cli:\n{tree}");
    for family in ["wasmtime", "cranelift", "reqwest", "hyper", "rustls", "oauth2", "tokio", "openssl"] {
        let found: Vec<&&str> = crates.iter().filter(|name| name.starts_with(family)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn c72_a_cloud_command_of_such_a_build_says_that_it_has_none_and_how_to_build_it() {
    for args in [
        &["cloud"][..],
        &["cloud", "status"],
        &["cloud", "sync", "--project", "x", "--force"],
        &["cloud", "--help"],
    ] {
        let output = Command::new(binaries::path("orkee-local")).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("no cloud support") && said.contains("cargo build --features cloud"),
            "{args:?}: {said}"
        );
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
