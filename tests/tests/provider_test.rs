//! `orkee cloud provider test`, with the binary that authors have: good and bad providers, and the one that Orkee ships with a real
//! server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use orkee_tests::guests;
use orkee_tests::home::{Home, Ran, finish};
use orkee_tests::server::Server;
use serde_json::Value;

/// Of providers without optional parts.
const PARTS: [&str; 3] = ["account", "browse", "devices"];
/// What a server cannot be told to do by a stranger.
const SCRIPTED: [&str; 3] = ["expired", "expired-listing", "new-epoch"];

/// Keeps the contract, unless its option `fault` says otherwise.
fn practice() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| guests::component("guest_practice.wasm"))
}

fn test(home: &Home, component: &Path, args: &[&str]) -> Ran {
    let mut command = home.command(["cloud", "provider", "test"]);
    command.arg(component).args(args);
    finish(command, &[])
}

/// The checks with this result.
fn with_result(report: &Value, result: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["result"] == result);
    checks.map(|check| check["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn p47_a_provider_that_passes_is_told_in_a_few_lines() {
    let home = Home::new();
    let ran = test(&home, practice(), &[]).success();
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains("Practice 1 passes"), "{ran}");
    assert!(ran.stderr.contains("not checked: account, browse, devices ("), "{ran}");
}

#[test]
fn p47_what_a_provider_breaks_is_told_with_what_was_expected_what_came_and_where_to_read() {
    let home = Home::new();
    let args = ["--option", "fault=looks-then-writes", "--check", "two-writers", "--check", "create"];
    let ran = test(&home, practice(), &args).exits(1);
    for words in [
        "two-writers: Check and write are one step",
        "expected  exactly one of two devices",
        "found     `accepted` as ",
        "read      wit/README.md#compare-and-set",
        "`orkee cloud provider test --explain two-writers`",
        "Practice 1 fails 1 of 2 checks with the practice backend",
    ] {
        assert!(ran.stdout.contains(words), "no {words:?} in {ran}");
    }
    let report = test(&home, practice(), &[&args[..], &["--json"]].concat()).exits(1).json();
    assert_eq!(
        (&report["passed"], &report["failed"], &report["not_checked"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert_eq!(with_result(&report, "failed"), ["two-writers"]);
    let failed = &report["checks"][0];
    assert_eq!(failed["check"], "create", "in the order of all checks");
    assert_eq!(report["provider"]["id"], "practice");
    let explained = home.ok(["cloud", "provider", "test", "--explain", "two-writers"]);
    assert!(explained.contains("**A mutation is compare-and-set.**"), "{explained}");
}

#[track_caller]
fn passes_with_a_real_server(package: &str) {
    let (home, server) = (Home::new(), Server::tireless());
    let component = home.file("provider.wasm", guests::bare(package, &[]));
    let mut command = home.command(["cloud", "provider", "test", "--json", "--login-from-stdin"]);
    command.arg(component).args(["--backend", &server.url]);
    let ran = finish(command, server.token().as_bytes());
    let report = ran.json();
    assert_eq!(with_result(&report, "failed"), [""; 0], "{ran}");
    assert_eq!(with_result(&report, "not-checked"), SCRIPTED, "{ran}");
    ran.success();
}

#[test]
fn p47_the_provider_for_orkee_cloud_passes_with_a_real_server() {
    passes_with_a_real_server("orkee-provider-cloud");
}

#[test]
fn p47_the_provider_for_orkee_enterprise_passes_with_a_real_server() {
    passes_with_a_real_server("orkee-provider-enterprise");
}

#[test]
fn p47_what_cannot_be_tried_is_refused_in_a_sentence() {
    let home = Home::new();
    let notes = home.file("notes.wasm", "no component");
    let tried = |args: &[&str]| test(&home, practice(), args);
    test(&home, &notes, &[]).fails(2, "E-PLUGIN-002").says("no WebAssembly");
    test(&home, &home.path("none.wasm"), &[]).fails(2, "E-CLI-008");
    test(&home, &home.folder("empty"), &[]).fails(2, "E-BUILD-001").says("no provider.toml");
    tried(&["--check", "two-writer"]).fails(2, "E-KIT-007").says("two-writers");
    tried(&["--backend", "http://example.com"]).fails(2, "E-NET-010");
    tried(&["--backend", "http://127.0.0.1:9"]).fails(4, "E-KIT-008").says("--login-from-stdin");
    tried(&["--login-from-stdin"]).fails(2, "E-CLI-001").says("no login on standard input");
    home.run(["cloud", "provider", "test", "--explain", "nothing"]).fails(2, "E-KIT-007");
    home.run(["cloud", "provider", "test"]).exits(2);
}

#[test]
fn p47_a_backend_that_nobody_can_reach_fails_the_checks_and_not_the_kit() {
    let home = Home::new();
    let mut command = home.command(["cloud", "provider", "test", "--json", "--check", "create"]);
    command
        .arg(practice())
        .args(["--backend", "http://127.0.0.1:9"])
        .env("ORKEE_PROVIDER_LOGIN", "some-token");
    let report = finish(command, &[]).exits(1).json();
    assert_eq!(with_result(&report, "failed"), ["create"]);
    assert!(PARTS.iter().all(|part| !with_result(&report, "failed").contains(&(*part).to_owned())));
}
