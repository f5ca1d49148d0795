//! The pages that tell people what to type, read by somebody who types all of it. `orkee_tests::guide` says what a page may hold.

#![allow(clippy::unwrap_used)]

use orkee_tests::guide::{Document, NotRun, Reading, prepare, read};
use orkee_tests::{namespace, proxy};

const GUIDE: &str = "docs/guide.md";
const README: &str = "README.md";
const PUBLISHED: &str = "tests/guide/published.md";

/// Blocks of the guide that no test can run, by their first line.
const NOT_RUN: &[NotRun] = &[
    (
        "cargo install --locked --path cli --features cloud   # with sync",
        "compiles everything twice in release, which takes some ten minutes each",
    ),
    (
        "sha256sum --check --ignore-missing SHA256SUMS",
        "there is no archive here; the test of `xtask dist` does this",
    ),
    (
        "$ orkee cloud provider test acme-notes     # builds it, and tries it against what a backend owes",
        "fetches packages of Python; the tests of `provider_languages` run this for each language",
    ),
    (
        "export ORKEE_CLOUD_TENANT=nas",
        "a WebDAV server needs an account of its own, which this network has not; the tests of `sync_webdav` run this",
    ),
];

/// The same of README.md.
const NOT_RUN_OF_README: &[NotRun] = &[
    (
        "cargo xtask demo   # two devices, a server, a sign-in, a conflict, a killed sync and an account that is sealed, with their real output",
        "`cargo xtask test` runs the demo itself",
    ),
    (
        "rustup target add wasm32-wasip2                      # what the backends are built for",
        "compiles everything twice in release, which takes some ten minutes each",
    ),
    (
        "tar -xzf orkee-0.1.0-x86_64-unknown-linux-gnu.tar.gz",
        "there is no archive here; the test of `xtask dist` does this",
    ),
    (
        "$ orkee cloud provider test example-rust.wasm --check describe --check create --check order --check lost-reply --check cut-short",
        "fetches packages of Rust; the tests of `provider_languages` run this for each language",
    ),
    (
        "$ export ORKEE_CLOUD_TEAM_MODE=true",
        "the team's account comes from the tenant's identity provider; the guide shares with a team that a server's owner made",
    ),
];

/// Whether the calling test has a network of its own, with everything that a page asks for.
fn is_possible(test: &str) -> bool {
    if !proxy::is_there() {
        return false;
    }
    prepare();
    namespace::is_inside(test)
}

#[test]
fn c92_what_the_published_page_says_can_be_typed_and_prints_what_it_says() {
    if is_possible("c92_what_the_published_page_says_can_be_typed_and_prints_what_it_says") {
        read(&Document::read(PUBLISHED), Reading::Story, &[]);
    }
}

#[test]
fn d80_the_guide_can_be_typed_from_its_beginning_to_its_end() {
    if is_possible("d80_the_guide_can_be_typed_from_its_beginning_to_its_end") {
        read(&Document::read(GUIDE), Reading::Sections, NOT_RUN);
    }
}

#[test]
fn d80_the_readme_can_be_typed_and_prints_what_it_says() {
    if is_possible("d80_the_readme_can_be_typed_and_prints_what_it_says") {
        read(&Document::read(README), Reading::Sections, NOT_RUN_OF_README);
    }
}

#[test]
fn d81_the_guide_holds_every_line_that_the_published_page_says_to_type() {
    let guide = Document::read(GUIDE).typed_lines();
    let with_an_id = |line: String| {
        line.replace("--project <project-id>", "--project 3f9Kx2Qa")
            .replace("--project ID", "--project 3f9Kx2Qa")
    };
    let published = Document::read(PUBLISHED).typed_lines().into_iter().map(with_an_id);
    let missing: Vec<String> = published.filter(|line| !guide.contains(line)).collect();
    assert_eq!(missing, Vec::<String>::new());
}
