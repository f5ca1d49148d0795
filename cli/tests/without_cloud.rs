//! The binary of a build without the feature `cloud`.

#![cfg(not(feature = "cloud"))]
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn orkee(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orkee")).args(args).output().unwrap()
}

#[test]
fn c72_a_cloud_command_says_that_this_build_has_none_and_how_to_build_it() {
    for args in [
        &["cloud"][..],
        &["cloud", "status"],
        &["cloud", "sync", "--project", "x", "--force"],
        &["cloud", "--help"],
    ] {
        let output = orkee(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("no cloud support") && said.contains("cargo build --features cloud"),
            "{args:?}: {said}"
        );
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn c12_under_json_it_says_so_as_an_object() {
    let output = orkee(&["cloud", "status", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with(r#"{"schema_version":1,"error":{"code":"E-CLI-002""#), "{said}");
}
